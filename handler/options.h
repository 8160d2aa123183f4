/*
 * The command line and the configuration file. Both set the same options, by one table; what
 * stands on the command line wins. Strings are borrowed from argv and from the file's text, which
 * is kept here.
 */
#ifndef HANDLER_OPTIONS_H
#define HANDLER_OPTIONS_H

#include <stdint.h>

#include "../session.h"
#include "network.h"
#include "problem.h"

enum {
    OPTIONS_DOMAINS_MAX = 256,
    OPTIONS_CONNECTIONS_MAX = 10000, /* of a listener at once */
    OPTIONS_WORDS_MAX = 64,          /* of a command in a file, or of the password program */
    OPTIONS_TLS_PAIRS_MAX = 16,
    OPTIONS_FILE_MAX = 32 * 1024,
    OPTIONS_AUTH_MAX = 4096
};

enum newlines_option { NEWLINES_OPTION_AUTO, NEWLINES_OPTION_STRICT, NEWLINES_OPTION_LENIENT };

enum log_option {
    LOG_OPTION_JOURNAL,
    LOG_OPTION_SYSLOG,
    LOG_OPTION_STDERR,
    LOG_OPTION_NONE,
    LOG_OPTION_BEST /* of these, found out by log_open */
};

enum tls_option {
    TLS_OPTION_STARTTLS,
    TLS_OPTION_REQUIRED,
    TLS_OPTION_IMPLICIT, /* before the greeting */
    TLS_OPTION_BEST      /* STARTTLS where there is a certificate */
};

struct options_files {
    const char *names[OPTIONS_TLS_PAIRS_MAX];
    unsigned count;
};

struct options_domains {
    const char *names[OPTIONS_DOMAINS_MAX];
    unsigned count;
};

struct options {
    const char *config;
    const char *hostname; /* NULL where not given, as with all strings */
    struct options_domains domains;
    const char *recipients;
    char recipient_delimiter;
    uint64_t max_size; /* octets, 0 for none */
    unsigned max_recipients;
    unsigned max_messages;
    unsigned max_errors;
    unsigned max_connections; /* of a listener at once */
    unsigned max_connections_per_source;
    unsigned idle_exit;       /* of a listener, in seconds; 0 for never */
    unsigned command_timeout; /* seconds, as all timeouts */
    unsigned data_timeout;
    unsigned delivery_timeout;
    unsigned session_timeout;
    unsigned min_rate; /* octets a second */
    bool lmtp;
    bool one_recipient;
    bool dsn;
    bool submission;
    bool proxy_protocol;
    bool no_trace;
    enum tls_option tls;
    struct options_files tls_certificates;
    struct options_files tls_keys; /* in the same order */
    const char *tls_client_ca;
    char *
        auth[OPTIONS_WORDS_MAX + 2]; /* the password program, ended by NULL; none at all for none */
    struct networks xclient;         /* of the proxies that may say whom they speak for */
    enum newlines_option newlines;
    enum line_ending line_ending;
    const char *spool;
    const char *done_list;
    enum log_option log;
    bool require_sandbox;
    bool no_sandbox;
    bool check;
    bool help;
    bool version;
    char **command; /* ended by NULL; NULL where there is none */
    char *words[OPTIONS_WORDS_MAX + 1];
    char auth_octets[OPTIONS_AUTH_MAX + 1];
    char file[OPTIONS_FILE_MAX + 1];
};

/*
 * Reads argv and the file that it names. The options are new before. False, with `problem` filled
 * in, where anything is wrong.
 */
bool options_read(struct options *options, int argc, char **argv, struct problem *problem);

/* Writes the usage to standard output. */
void options_print_help(void);

#endif
