/*
 * The command line and the configuration file. Both set the same options, by one table (table.c);
 * the command line wins. Strings are borrowed from argv and from the file's text, which is kept
 * here.
 */
#ifndef HANDLER_OPTIONS_H
#define HANDLER_OPTIONS_H

#include <stdint.h>

#include "handler/cidr.h"
#include "handler/options/words.h"
#include "handler/problem.h"
#include "handler/socket-address.h"
#include "session.h"

enum {
    OPTIONS_DOMAINS_MAX = 256,
    OPTIONS_CONNECTIONS_MAX = 10000, /* of a listener at once */
    OPTIONS_TLS_PAIRS_MAX = 16,
    OPTIONS_SOCKETS_MAX = 16,      /* of a listener */
    OPTIONS_GREET_DELAY_MAX = 240, /* seconds: a client waits for 5 minutes; RFC 5321 4.5.3.2.1 */
    OPTIONS_FILE_MAX = 32 * 1024,
    OPTIONS_PROGRAM_MAX = 4096, /* octets of a program and its arguments */
    OPTIONS_FILTERS_MAX = 8,
    OPTIONS_MAX = 64,           /* that there are */
    OPTIONS_SETTINGS_MAX = 512, /* as many as all that may be repeated, and the others once */
    OPTIONS_PLACE_MAX = 256
};

struct options_place {
    char text[OPTIONS_PLACE_MAX];
};

/* A value as it was written; that of a flag says nothing. */
struct options_setting {
    const void *target; /* the option's field of struct options */
    const char *value;
    unsigned line; /* in the file; 0 if it is not from there */
};

enum newlines_option {
    NEWLINES_OPTION_STRICT,
    NEWLINES_OPTION_NORMALIZE,
    NEWLINES_OPTION_LENIENT,
    NEWLINES_OPTION_AUTO
};

enum log_option {
    LOG_OPTION_JOURNAL,
    LOG_OPTION_SYSLOG,
    LOG_OPTION_STDERR,
    LOG_OPTION_NONE,
    LOG_OPTION_BEST /* log_open chooses one */
};

enum tls_option {
    TLS_OPTION_STARTTLS,
    TLS_OPTION_REQUIRED,
    TLS_OPTION_IMPLICIT, /* before the greeting */
    TLS_OPTION_BEST      /* STARTTLS if there is a certificate */
};

struct options_files {
    const char *names[OPTIONS_TLS_PAIRS_MAX];
    unsigned count;
};

/* A program and its arguments, split as those of COMMAND are. */
struct options_program {
    char *words[OPTIONS_WORDS_MAX + 1]; /* of `octets`, ended by NULL; none if it was not given */
    char octets[OPTIONS_PROGRAM_MAX + 1];
};

struct options_filter {
    const char *value; /* as it was written */
    bool is_milter;    /* a socket, for our helper */
    struct options_program program;
};

/* In their order; the first two are what the options' rows have for a target. */
struct options_filters {
    char filter, milter;
    unsigned count;
    struct options_filter items[OPTIONS_FILTERS_MAX];
};

struct options_domains {
    const char *names[OPTIONS_DOMAINS_MAX];
    unsigned count;
};

struct options_addresses {
    union socket_address items[OPTIONS_SOCKETS_MAX];
    unsigned count;
};

struct options {
    const char *config;
    const char *hostname; /* NULL if not given, as with all strings */
    struct options_domains domains;
    const char *recipients;
    const char *policy; /* the socket of a policy server */
    const char *user;   /* who listens, if root started us */
    struct options_addresses listen;
    char recipient_delimiter;
    uint64_t max_size; /* octets, 0 for none */
    unsigned max_recipients;
    unsigned max_messages;
    unsigned max_errors;
    unsigned greet_delay; /* seconds */
    bool strict_pipelining;
    unsigned max_connections; /* of a listener at once */
    unsigned max_connections_per_source;
    unsigned idle_exit;       /* of a listener, in seconds; 0 for never */
    unsigned command_timeout; /* seconds, as all timeouts */
    unsigned data_timeout;
    unsigned filter_timeout;
    unsigned delivery_timeout;
    unsigned session_timeout;
    unsigned min_rate; /* octets a second */
    bool lmtp;
    bool one_recipient;
    bool never_refuse;
    bool message_key;
    bool dsn;
    bool submission;
    bool proxy_protocol;
    bool resolve; /* the client's name */
    bool no_trace;
    enum tls_option tls;
    struct options_files tls_certificates;
    struct options_files tls_keys; /* in the same order */
    const char *tls_client_ca;
    const char *tls_relay;             /* the socket of a keeper */
    char *auth[OPTIONS_WORDS_MAX + 2]; /* the password program, ended by NULL; empty for no AUTH */
    struct cidr_list proxy_networks;   /* who may send the PROXY header; empty for any client */
    struct cidr_list xclient;          /* which proxies may say whom they speak for */
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
    char **command;        /* ended by NULL; NULL if there is none */
    unsigned command_line; /* in the file; 0 if it is not from there */
    unsigned line;         /* that is being read; 0 for the command line */
    unsigned setting_count;
    struct options_setting settings[OPTIONS_SETTINGS_MAX];
    char *words[OPTIONS_WORDS_MAX + 1];
    struct options_program recipient_check;
    struct options_filters filters;
    char auth_octets[OPTIONS_PROGRAM_MAX + 1];
    char file[OPTIONS_FILE_MAX + 1];
};

/*
 * Reads argv and the file that it names into `options`, whatever they were before. Adds to
 * `problems` everything that is wrong, with its line if it is in the file; what is right is set all
 * the same. A command that cannot be read has no words.
 */
void options_read(struct options *options, int argc, char **argv, struct problems *problems);

/*
 * The line of the option whose field of `options` is `target`; 0 if it is not from the file. Of an
 * option that is repeated it is the one with this `value`, a pointer that `options` has, or the
 * last if that is NULL.
 */
unsigned options_line(const struct options *options, const void *target, const char *value);

/* "FILE:LINE: " of it, for the start of a problem's text; empty if it is not from the file. */
struct options_place options_place(const struct options *options, const void *target,
                                   const char *value);

/* Puts that and the option's name in front of the text of `problem`. Returns false. */
bool options_blame(const struct options *options, const void *target, const char *value,
                   struct problem *problem);

/*
 * Notes a value, which is borrowed, for options_place and options_print: in the place of the
 * earlier one for this target, or with `again` beside it.
 */
void options_note(struct options *options, const void *target, const char *value, bool again);

/*
 * Writes what is in force to standard output, as lines of a configuration file; the name of an
 * option that is off, or has no value, is commented out.
 */
void options_print(const struct options *options);

/* Whether the file of --config can be read, which was read before. False, with `problem` filled in.
 */
bool options_check_file(const struct options *options, struct problem *problem);

/*
 * Takes --listen and --user out of `argv`, which options_read has read without an error: its
 * pointers move. Returns their new count.
 */
int options_drop_listening(char **argv);

/* Writes the usage to standard output. */
void options_print_help(void);

#endif
