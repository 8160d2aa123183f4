#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/options/options.h"
#include "handler/options/row.h"

enum { NUMBER_MAX = 1000000000, YEAR_SECONDS = 31536000 };

static const uint64_t size_max = UINT64_MAX / 2;

static bool parse_flag(const struct option_type *type, void *target, const char *value)
{
    (void)type, (void)value; /* there is nothing to choose */
    *(bool *)target = true;
    return true;
}

static bool parse_string(const struct option_type *type, void *target, const char *value)
{
    (void)type; /* no bounds */
    *(const char **)target = value;
    return value[0] != '\0';
}

static bool parse_hostname(const struct option_type *type, void *target, const char *value)
{
    return domain_is_valid(span_of(value)) && parse_string(type, target, value);
}

/* *, NAME or *.NAME. */
static bool is_domains(const char *value)
{
    const char *name = strncmp(value, "*.", 2) == 0 ? value + 2 : value;
    return strcmp(value, "*") == 0 || domain_is_valid_utf8(span_of(name));
}

static bool parse_domain(const struct option_type *type, void *target, const char *value)
{
    struct options_domains *domains = target;
    if (domains->count == type->max || !is_domains(value))
        return false;
    domains->names[domains->count++] = value;
    return true;
}

static bool parse_file(const struct option_type *type, void *target, const char *value)
{
    struct options_files *files = target;
    if (files->count == type->max || value[0] == '\0')
        return false;
    files->names[files->count++] = value;
    return true;
}

static bool parse_listening(const struct option_type *type, void *target, const char *value)
{
    struct options_addresses *addresses = target;
    return addresses->count < type->max &&
           socket_address_parse(&addresses->items[addresses->count++], value);
}

static bool parse_server(const struct option_type *type, void *target, const char *value)
{
    union socket_address address;
    return socket_address_parse(&address, value) &&
           (address.any.sa_family == AF_UNIX || address.ipv4.sin_port != 0) &&
           parse_string(type, target, value);
}

static bool parse_networks(const struct option_type *type, void *target, const char *value)
{
    (void)type; /* cidr_add keeps the max */
    return cidr_add(target, value);
}

/* Copies the words; options_read splits the last that were given. */
static bool parse_program(const struct option_type *type, void *target, const char *value)
{
    size_t length = strlen(value);
    if (length > type->max || value[strspn(value, " \t")] == '\0')
        return false;
    memcpy(target, value, length + 1);
    return true;
}

static bool parse_command(const struct option_type *type, void *target, const char *value)
{
    struct options_program *given = target;
    bool is_valid = parse_program(type, given->octets, value) &&
                    words_split(given->octets, true, given->words) == NULL &&
                    given->words[0][0] != '\0';
    if (!is_valid)
        given->words[0] = NULL;
    return is_valid;
}

static bool parse_delimiter(const struct option_type *type, void *target, const char *value)
{
    (void)type; /* no bounds */
    *(char *)target = value[0];
    return strlen(value) == 1 && value[0] > ' ' && value[0] <= '~' &&
           strchr("@.\"", value[0]) == NULL;
}

/* The decimal number that `value` begins with; `*rest` is what follows it. */
static bool parse_digits(const char *value, unsigned long long *number, char **rest)
{
    if (value[0] < '0' || value[0] > '9')
        return false;
    errno = 0;
    *number = strtoull(value, rest, 10);
    return errno == 0;
}

static bool parse_number(const struct option_type *type, void *target, const char *value)
{
    unsigned long long number;
    char *rest;
    if (!parse_digits(value, &number, &rest) || *rest != '\0' || number < type->min ||
        number > type->max)
        return false;
    *(unsigned *)target = (unsigned)number;
    return true;
}

static bool parse_size(const struct option_type *type, void *target, const char *value)
{
    static const char units[] = "KMG";
    unsigned long long number;
    char *rest;
    (void)type; /* the max does not fit there */
    if (!parse_digits(value, &number, &rest))
        return false;
    const char *unit = *rest == '\0' ? NULL : strchr(units, *rest);
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
    if (rest[unit == NULL ? 0 : 1] != '\0' || number > size_max >> shift)
        return false;
    *(uint64_t *)target = number << shift;
    return true;
}

_Static_assert(sizeof(enum newlines_option) == sizeof(unsigned) &&
                   sizeof(enum line_ending) == sizeof(unsigned) &&
                   sizeof(enum log_option) == sizeof(unsigned) &&
                   sizeof(enum tls_option) == sizeof(unsigned),
               "parse_choice writes any enum");

static bool parse_choice(const struct option_type *type, void *target, const char *value)
{
    for (unsigned i = 0; type->words[i] != NULL; i++) {
        if (strcmp(type->words[i], value) == 0) {
            *(unsigned *)target = i;
            return true;
        }
    }
    return false;
}

/* In the order of their enums. */
static const char *const newlines_words[] = {"strict", "normalize", "lenient", "auto", NULL};
static const char *const line_ending_words[] = {"lf", "crlf", NULL};
static const char *const tls_words[] = {"starttls", "required", "implicit", NULL};
static const char *const log_words[] = {"journal", "syslog", "stderr", "none", NULL};

static const struct option_type flag = {parse_flag, .wanted = "", .repeatable = true};
static const struct option_type action = {parse_flag, .wanted = "", .not_in_file = true};
static const struct option_type config = {parse_string, .wanted = "a file's name",
                                          .not_in_file = true};
static const struct option_type file = {parse_string, .wanted = "a file's name"};
static const struct option_type socket_path = {parse_string, .wanted = "a path"};
static const struct option_type repeated_file = {parse_file, .wanted = "a file's name, max 16",
                                                 .max = OPTIONS_TLS_PAIRS_MAX, .repeatable = true};
static const struct option_type listening = {
    parse_listening,
    .wanted = "ADDRESS:PORT, as 127.0.0.1:2525 or [::1]:25, or a path with /; up to 16 times",
    .max = OPTIONS_SOCKETS_MAX, .not_in_file = true, .repeatable = true};
static const struct option_type server = {
    parse_server, .wanted = "ADDRESS:PORT, as 127.0.0.1:10023 or [::1]:10023, or a path with /"};
static const struct option_type user = {parse_string, .wanted = "a user's name",
                                        .not_in_file = true};
static const struct option_type directory = {parse_string, .wanted = "a directory's name"};
static const struct option_type program = {parse_program, .wanted = "a program and its arguments",
                                           .max = OPTIONS_PROGRAM_MAX};
static const struct option_type command = {
    parse_command,
    .wanted = "a program and its arguments, up to 64 words; double quotes keep blanks",
    .max = OPTIONS_PROGRAM_MAX};
static const struct option_type hostname = {parse_hostname, .wanted = "a domain name"};
static const struct option_type domain = {parse_domain,
                                          .wanted = "one domain name, *.NAME or *, max 256",
                                          .max = OPTIONS_DOMAINS_MAX, .repeatable = true};
static const struct option_type networks = {
    parse_networks,
    .wanted =
        "a list of IP addresses or networks (192.0.2.0/24: all bits behind /24 are 0), max 64",
    .repeatable = true};
static const struct option_type delimiter = {parse_delimiter,
                                             .wanted = "one character other than @ . \""};
static const struct option_type size = {
    parse_size, .wanted = "a number of octets such as 26214400, 25600K, 25M or 1G"};
static const struct option_type recipients = {parse_number, .min = 1,
                                              .max = ENVELOPE_RECIPIENTS_MAX};
static const struct option_type connections = {parse_number, .min = 1,
                                               .max = OPTIONS_CONNECTIONS_MAX};
static const struct option_type count = {parse_number, .min = 1, .max = NUMBER_MAX};
static const struct option_type rate = {parse_number, .max = NUMBER_MAX};
static const struct option_type seconds = {parse_number, .unit = " of seconds", .min = 1,
                                           .max = YEAR_SECONDS};
static const struct option_type idle = {parse_number, .unit = " of seconds", .max = YEAR_SECONDS};
static const struct option_type delay = {parse_number, .unit = " of seconds",
                                         .max = OPTIONS_GREET_DELAY_MAX};
static const struct option_type newlines = {parse_choice, .words = newlines_words};
static const struct option_type line_ending = {parse_choice, .words = line_ending_words};
static const struct option_type tls = {parse_choice, .words = tls_words};
static const struct option_type log_target = {parse_choice, .words = log_words};

const struct option_row option_rows[] = {
    {"config", "FILE", &config, offsetof(struct options, config), NULL,
     "read options from FILE; an example is below"},
    {"hostname", "NAME", &hostname, offsetof(struct options, hostname), NULL,
     "our name (the host's)"},
    {"domain", "NAME", &domain, offsetof(struct options, domains), NULL,
     "accept recipients at NAME, *.NAME for all below it, * for any; repeatable (hostname, "
     "localhost)"},
    {"recipients", "FILE", &file, offsetof(struct options, recipients), NULL,
     "accept these only: lines 'local@domain' or '@domain', a command behind it or none"},
    {"policy", "SOCKET", &server, offsetof(struct options, policy), NULL,
     "ask the server there about recipients, by Postfix's policy protocol"},
    {"recipient-check", "PROGRAM", &command, offsetof(struct options, recipient_check), NULL,
     "accept whom it accepts of them; with arguments, ends as COMMAND does"},
    {"recipient-delimiter", "C", &delimiter, offsetof(struct options, recipient_delimiter), "+",
     "splits local part and extension"},
    {"max-size", "BYTES", &size, offsetof(struct options, max_size), "25M",
     "largest message, 0 for any; K, M, G allowed"},
    {"max-recipients", "N", &recipients, offsetof(struct options, max_recipients), "1000",
     "recipients a message"},
    {"max-messages", "N", &count, offsetof(struct options, max_messages), "1000",
     "messages a connection"},
    {"max-errors", "N", &count, offsetof(struct options, max_errors), "20",
     "errors, then 421 and close"},
    {"greet-delay", "SECONDS", &delay, offsetof(struct options, greet_delay), "0",
     "wait so long before the greeting, and refuse who does not"},
    {"strict-pipelining", NULL, &flag, offsetof(struct options, strict_pipelining), NULL,
     "refuse who sends behind EHLO, STARTTLS, AUTH or DATA before the reply"},
    {"listen", "ADDRESS:PORT", &listening, offsetof(struct options, listen), NULL,
     "listen there, or on a Unix socket's path; repeatable"},
    {"user", "NAME", &user, offsetof(struct options, user), NULL,
     "with --listen: give up root for NAME"},
    {"max-connections", "N", &connections, offsetof(struct options, max_connections), "100",
     "sessions at once"},
    {"max-connections-per-source", "N", &connections,
     offsetof(struct options, max_connections_per_source), "20",
     "of one address, or IPv6 network of 64 bits"},
    {"idle-exit", "SECONDS", &idle, offsetof(struct options, idle_exit), "0",
     "exit after so long without a connection, 0 for never"},
    {"command-timeout", "SECONDS", &seconds, offsetof(struct options, command_timeout), "300",
     "idle for a command"},
    {"data-timeout", "SECONDS", &seconds, offsetof(struct options, data_timeout), "180",
     "idle within a message"},
    {"delivery-timeout", "SECONDS", &seconds, offsetof(struct options, delivery_timeout), "240",
     "for COMMAND, which is then killed"},
    {"filter-timeout", "SECONDS", &seconds, offsetof(struct options, filter_timeout), "120",
     "for all filters, which are then killed"},
    {"session-timeout", "SECONDS", &seconds, offsetof(struct options, session_timeout), "3600",
     "for the whole session"},
    {"min-rate", "BYTES", &rate, offsetof(struct options, min_rate), "500",
     "octets of a message a second, 0 for any"},
    {"lmtp", NULL, &flag, offsetof(struct options, lmtp), NULL, "speak LMTP"},
    {"one-recipient", NULL, &flag, offsetof(struct options, one_recipient), NULL,
     "run COMMAND once for each recipient"},
    {"never-refuse", NULL, &flag, offsetof(struct options, never_refuse), NULL,
     "defer whenever COMMAND does not exit 0, whatever its status"},
    {"message-key", NULL, &flag, offsetof(struct options, message_key), NULL,
     "tell COMMAND a key of the message, by which it knows a retry"},
    {"filter", "PROGRAM", &option_type_filter, offsetof(struct options, filters.filter), NULL,
     "judges a message before COMMAND, and may change it; with arguments; repeatable"},
    {"milter", "SOCKET", &option_type_milter, offsetof(struct options, filters.milter), NULL,
     "a filter that speaks the milter protocol, at ADDRESS:PORT or a path; repeatable"},
    {"dsn", NULL, &flag, offsetof(struct options, dsn), NULL,
     "offer DSN; COMMAND sends the notifications that it is told of"},
    {"tls", "HOW", &tls, offsetof(struct options, tls), NULL,
     "starttls, required or implicit (starttls if there is a certificate)"},
    {"tls-cert", "FILE", &repeated_file, offsetof(struct options, tls_certificates), NULL,
     "certificate chain; repeatable ($CREDENTIALS_DIRECTORY/tls.crt)"},
    {"tls-key", "FILE", &repeated_file, offsetof(struct options, tls_keys), NULL,
     "its key; repeatable ($CREDENTIALS_DIRECTORY/tls.key)"},
    {"tls-client-ca", "FILE", &file, offsetof(struct options, tls_client_ca), NULL,
     "ask clients for a certificate that one of these has issued"},
    {"tls-relay", "SOCKET", &socket_path, offsetof(struct options, tls_relay), NULL,
     "TLS by the keeper there, which has the certificates"},
    {"auth", "PROGRAM", &program, offsetof(struct options, auth_octets), NULL,
     "offer AUTH; a checkpassword program, split at blanks"},
    {"submission", NULL, &flag, offsetof(struct options, submission), NULL,
     "require AUTH before mail, then accept any recipient"},
    {"proxy-protocol", NULL, &flag, offsetof(struct options, proxy_protocol), NULL,
     "want HAProxy's PROXY header, version 1 or 2, in front of all"},
    {"proxy-networks", "NETWORKS", &networks, offsetof(struct options, proxy_networks), NULL,
     "who may send it; addresses, address/bits; repeatable (anybody)"},
    {"xclient", "NETWORKS", &networks, offsetof(struct options, xclient), NULL,
     "believe XCLIENT from there; addresses, address/bits; repeatable"},
    {"resolve", NULL, &flag, offsetof(struct options, resolve), NULL,
     "look up the client's name, and believe it if its addresses agree"},
    {"newlines", "HOW", &newlines, offsetof(struct options, newlines), "auto",
     "strict, normalize, lenient or auto: what a bare LF counts as"},
    {"line-ending", "WHICH", &line_ending, offsetof(struct options, line_ending), "lf",
     "lf or crlf: what COMMAND reads"},
    {"no-trace", NULL, &flag, offsetof(struct options, no_trace), NULL,
     "add neither Return-Path nor Received"},
    {"spool", "DIR", &directory, offsetof(struct options, spool), NULL,
     "for large messages ($RUNTIME_DIRECTORY, $TMPDIR, /var/tmp)"},
    {"done-list", "DIR", &directory, offsetof(struct options, done_list), NULL,
     "remember there who has a message, so that a retry repeats none"},
    {"require-sandbox", NULL, &flag, offsetof(struct options, require_sandbox), NULL,
     "serve nobody if the kernel cannot confine the frontend"},
    {"no-sandbox", NULL, &flag, offsetof(struct options, no_sandbox), NULL,
     "do not confine it, for debugging"},
    {"log", "TARGET", &log_target, offsetof(struct options, log), NULL,
     "journal, stderr, syslog or none (the first that is there; see smtp-handler.conf(5))"},
    {"check", NULL, &action, offsetof(struct options, check), NULL,
     "check options, files and COMMAND, serve nothing"},
    {"help", NULL, &action, offsetof(struct options, help), NULL, "show this; so does -h"},
    {"version", NULL, &action, offsetof(struct options, version), NULL,
     "show the version; so does -V"},
    {.name = NULL},
};

_Static_assert(sizeof option_rows / sizeof *option_rows <= OPTIONS_MAX, "each has a number");

const struct option_row *option_find(struct span name)
{
    for (const struct option_row *row = option_rows; row->name != NULL; row++)
        if (strlen(row->name) == name.length && memcmp(row->name, name.octets, name.length) == 0)
            return row;
    return NULL;
}

bool option_may_be_in_file(const struct option_row *row)
{
    return !row->type->not_in_file;
}

bool option_is_repeatable(const struct option_row *row)
{
    return row->type->repeatable;
}

/* Writes what a valid value is: "a, b or c", or "a number of seconds from 1 to 9", or its own
 * words. */
static void describe(const struct option_type *type, char *to, size_t room)
{
    if (type->wanted != NULL)
        (void)snprintf(to, room, "%s", type->wanted); /* fits, as the others do */
    else if (type->words == NULL)
        (void)snprintf(to, room, "a number%s from %u to %u", type->unit != NULL ? type->unit : "",
                       type->min, type->max);
    for (size_t i = 0, used = 0; type->words != NULL && type->words[i] != NULL; i++) {
        const char *behind = type->words[i + 1] == NULL   ? ""
                             : type->words[i + 2] == NULL ? " or "
                                                          : ", ";
        used += (size_t)snprintf(to + used, room - used, "%s%s", type->words[i], behind);
    }
}

bool option_set(struct options *options, const struct option_row *row, const char *value,
                struct problem *problem, int status)
{
    char wanted[96];
    void *target = (char *)options + row->offset;
    if (row->type->parse(row->type, target, value)) {
        options_note(options, target, value, row->type->repeatable && row->argument != NULL);
        return true;
    }
    describe(row->type, wanted, sizeof wanted);
    return problem_set(problem, status, "option %s: '%s' is not %s", row->name, value, wanted);
}
