#include "handler/start/contradictions.h"

#include <sysexits.h>

#include "handler/page.h"

/* Adds a warning, with the line of the option `target`. */
static void warn(const struct options *options, const void *target, const char *text,
                 struct problems *problems)
{
    problems_add(problems, EX_OK, "%s%s", options_place(options, target, NULL).text, text);
}

static void check_proxies(const struct options *options, struct problems *problems)
{
    bool has_networks = options->proxy_networks.count > 0;
    if (options->proxy_protocol && !has_networks)
        warn(options, &options->proxy_protocol,
             options->xclient.count > 0
                 ? "proxy-protocol beside xclient, without proxy-networks: anyone who reaches the "
                   "port may be any client, and any user without a password"
                 : "proxy-protocol without proxy-networks: anyone who reaches the port may be any "
                   "client",
             problems);
    if (!options->proxy_protocol && has_networks)
        warn(options, &options->proxy_networks,
             "proxy-networks without proxy-protocol: no header is read", problems);
}

static void check_tls(const struct options *options, bool has_tls, struct problems *problems)
{
    if (!has_tls && options->tls_keys.count > 0)
        warn(options, &options->tls_keys, "tls-key without tls-cert: TLS is not offered", problems);
    if (!has_tls && options->tls_client_ca != NULL)
        warn(options, &options->tls_client_ca, "tls-client-ca without TLS: nobody is asked",
             problems);
    if (!has_tls && !options->submission && options->auth[0] != NULL)
        problems_add(problems, EX_CONFIG,
                     "%soption auth: without a certificate AUTH is never offered; add tls-cert and "
                     "tls-key",
                     options_place(options, &options->auth_octets, NULL).text);
}

static void check_limits(const struct options *options, struct problems *problems)
{
    unsigned max = options->max_connections, source = options->max_connections_per_source;
    if (source > max)
        problems_add(problems, EX_OK,
                     "%smax-connections-per-source %u is more than max-connections %u: one client "
                     "may have them all",
                     options_place(options, &options->max_connections, NULL).text, source, max);
}

void contradictions_find(const struct options *options, enum tls_policy tls,
                         struct problems *problems)
{
    problems_about(problems, PAGE_PROXIES);
    check_proxies(options, problems);
    problems_about(problems, PAGE_TLS);
    check_tls(options, tls != TLS_POLICY_NONE || options->tls == TLS_OPTION_IMPLICIT, problems);
    problems_about(problems, PAGE_FILE);
    check_limits(options, problems);
}
