#include "handler/newlines.h"

static bool speaks_tls(const struct options *options, enum tls_policy tls)
{
    return tls != TLS_POLICY_NONE || options->tls != TLS_OPTION_BEST ||
           options->tls_certificates.count > 0 || options->tls_keys.count > 0 ||
           options->tls_client_ca != NULL;
}

enum newlines newlines_find(const struct options *options, const struct connection *connection,
                            enum tls_policy tls)
{
    bool of_network = connection->in_is_socket || connection->is_announced ||
                      speaks_tls(options, tls) || options->submission || options->auth[0] != NULL ||
                      options->proxy_protocol || options->xclient.count > 0;
    const enum newlines rows[] = {
        [NEWLINES_OPTION_STRICT] = NEWLINES_STRICT,
        [NEWLINES_OPTION_NORMALIZE] = NEWLINES_NORMALIZE,
        [NEWLINES_OPTION_LENIENT] = NEWLINES_LENIENT,
        [NEWLINES_OPTION_AUTO] = of_network ? NEWLINES_NORMALIZE : NEWLINES_LENIENT,
    };
    return rows[options->newlines];
}
