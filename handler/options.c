#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* What values a sort of option takes. */
struct kind {
    /* Puts `value` where it belongs; false where it is not fit. */
    bool (*take)(const struct kind *kind, void *target, const char *value);
    const char *wanted;       /* what a fit value is, in words */
    const char *const *words; /* the choices, ended by NULL */
    unsigned long long least, most;
    bool not_in_file; /* makes sense on the command line alone */
};

struct row {
    const char *name;
    const char *argument; /* what the help calls it; NULL for an option without one */
    const struct kind *kind;
    size_t offset;       /* of the target in struct options */
    const char *initial; /* the value where none is given; NULL where its absence says enough */
    const char *help;
};

static bool take_flag(const struct kind *kind, void *target, const char *value)
{
    (void)kind, (void)value; /* there is nothing to choose */
    *(bool *)target = true;
    return true;
}

static bool take_string(const struct kind *kind, void *target, const char *value)
{
    (void)kind; /* no bounds */
    *(const char **)target = value;
    return value[0] != '\0';
}

static bool take_hostname(const struct kind *kind, void *target, const char *value)
{
    return domain_is_valid(span_of(value)) && take_string(kind, target, value);
}

static bool take_domain(const struct kind *kind, void *target, const char *value)
{
    struct options_domains *domains = target;
    (void)kind; /* no bounds */
    if (domains->count == OPTIONS_DOMAINS_MAX ||
        (strcmp(value, "*") != 0 && !domain_is_valid_utf8(span_of(value))))
        return false;
    domains->names[domains->count++] = value;
    return true;
}

static bool take_file(const struct kind *kind, void *target, const char *value)
{
    struct options_files *files = target;
    (void)kind; /* no bounds */
    if (files->count == OPTIONS_TLS_PAIRS_MAX || value[0] == '\0')
        return false;
    files->names[files->count++] = value;
    return true;
}

static bool take_networks(const struct kind *kind, void *target, const char *value)
{
    (void)kind; /* no bounds */
    return networks_add(target, value);
}

/* Only keeps the words; they are told apart when all is read. */
static bool take_auth(const struct kind *kind, void *target, const char *value)
{
    (void)kind; /* no bounds */
    size_t length = strlen(value);
    if (length > OPTIONS_AUTH_MAX || value[strspn(value, " \t")] == '\0')
        return false;
    memcpy(target, value, length + 1);
    return true;
}

static bool take_delimiter(const struct kind *kind, void *target, const char *value)
{
    (void)kind; /* no bounds */
    *(char *)target = value[0];
    return strlen(value) == 1 && value[0] > ' ' && value[0] <= '~' &&
           strchr("@.\"", value[0]) == NULL;
}

/* A number with K, M or G behind it, where `units` allows that. */
static bool parse_number(const struct kind *kind, const char *value, bool units,
                         unsigned long long *number)
{
    static const char letters[] = "KMG";
    char *end;
    if (value[0] < '0' || value[0] > '9')
        return false;
    errno = 0;
    *number = strtoull(value, &end, 10);
    if (errno != 0)
        return false;
    const char *letter = units && *end != '\0' ? strchr(letters, *end) : NULL;
    if (letter != NULL) {
        unsigned shift = 10 * (unsigned)(letter - letters + 1);
        if (*number > kind->most >> shift)
            return false;
        *number <<= shift;
        end++;
    }
    return *end == '\0' && *number >= kind->least && *number <= kind->most;
}

static bool take_number(const struct kind *kind, void *target, const char *value)
{
    unsigned long long number;
    if (!parse_number(kind, value, false, &number))
        return false;
    *(unsigned *)target = (unsigned)number;
    return true;
}

static bool take_size(const struct kind *kind, void *target, const char *value)
{
    unsigned long long number;
    if (!parse_number(kind, value, true, &number))
        return false;
    *(uint64_t *)target = number;
    return true;
}

_Static_assert(sizeof(enum newlines_option) == sizeof(unsigned) &&
                   sizeof(enum line_ending) == sizeof(unsigned) &&
                   sizeof(enum log_option) == sizeof(unsigned) &&
                   sizeof(enum tls_option) == sizeof(unsigned),
               "take_choice writes any enum");

static bool take_choice(const struct kind *kind, void *target, const char *value)
{
    for (unsigned i = 0; kind->words[i] != NULL; i++) {
        if (strcmp(kind->words[i], value) == 0) {
            *(unsigned *)target = i;
            return true;
        }
    }
    return false;
}

/* In the order of their enums. */
static const char *const newlines_words[] = {"auto", "strict", "lenient", NULL};
static const char *const line_ending_words[] = {"lf", "crlf", NULL};
static const char *const tls_words[] = {"starttls", "required", "implicit", NULL};
static const char *const log_words[] = {"journal", "syslog", "stderr", "none", NULL};

static const struct kind flag_kind = {take_flag, .wanted = ""};
static const struct kind action_kind = {take_flag, .wanted = "", .not_in_file = true};
static const struct kind config_kind = {take_string, .wanted = "a file's name",
                                        .not_in_file = true};
static const struct kind file_kind = {take_string, .wanted = "a file's name"};
static const struct kind directory_kind = {take_string, .wanted = "a directory's name"};
static const struct kind hostname_kind = {take_hostname, .wanted = "a domain name"};
static const struct kind domain_kind = {take_domain, .wanted = "a domain name or *, 256 at most"};
static const struct kind delimiter_kind = {take_delimiter,
                                           .wanted = "one character other than @ . \""};
static const struct kind size_kind = {take_size, .wanted = "a number of octets, K, M or G allowed",
                                      .most = UINT64_MAX / 2};
static const struct kind recipients_kind = {take_number, .wanted = "a number from 1 to 1000",
                                            .least = 1, .most = ENVELOPE_RECIPIENTS_MAX};
static const struct kind connections_kind = {take_number, .wanted = "a number from 1 to 10000",
                                             .least = 1, .most = OPTIONS_CONNECTIONS_MAX};
static const struct kind idle_kind = {take_number, .wanted = "a number of seconds up to a year",
                                      .most = 31536000};
static const struct kind count_kind = {take_number, .wanted = "a number from 1", .least = 1,
                                       .most = 1000000000};
static const struct kind seconds_kind = {
    take_number, .wanted = "a number of seconds from 1 to a year", .least = 1, .most = 31536000};
static const struct kind rate_kind = {take_number, .wanted = "a number of octets a second",
                                      .most = 1000000000};
static const struct kind newlines_kind = {take_choice, .wanted = "strict, lenient or auto",
                                          .words = newlines_words};
static const struct kind line_ending_kind = {take_choice, .wanted = "lf or crlf",
                                             .words = line_ending_words};
static const struct kind auth_kind = {take_auth, .wanted = "a program and its arguments"};
static const struct kind networks_kind = {
    take_networks, .wanted = "a list of addresses or networks (no bit set behind /N), 64 at most"};
static const struct kind tls_kind = {take_choice, .wanted = "starttls, required or implicit",
                                     .words = tls_words};
static const struct kind files_kind = {take_file, .wanted = "a file's name, 16 at most"};
static const struct kind log_target_kind = {
    take_choice, .wanted = "journal, syslog, stderr or none", .words = log_words};

static const struct row rows[] = {
    {"config", "FILE", &config_kind, offsetof(struct options, config), NULL,
     "read options from FILE, one 'name value' a line"},
    {"hostname", "NAME", &hostname_kind, offsetof(struct options, hostname), NULL,
     "our name (the host's)"},
    {"domain", "NAME", &domain_kind, offsetof(struct options, domains), NULL,
     "accept recipients at NAME, * for any; repeatable (hostname, localhost)"},
    {"recipients", "FILE", &file_kind, offsetof(struct options, recipients), NULL,
     "accept these only: lines 'local@domain' or '@domain'"},
    {"recipient-delimiter", "C", &delimiter_kind, offsetof(struct options, recipient_delimiter),
     "+", "splits local part and extension"},
    {"max-size", "BYTES", &size_kind, offsetof(struct options, max_size), "25M",
     "largest message, 0 for no limit; K, M, G allowed"},
    {"max-recipients", "N", &recipients_kind, offsetof(struct options, max_recipients), "1000",
     "recipients a message"},
    {"max-messages", "N", &count_kind, offsetof(struct options, max_messages), "1000",
     "messages a connection"},
    {"max-errors", "N", &count_kind, offsetof(struct options, max_errors), "20",
     "errors, then 421 and close"},
    {"max-connections", "N", &connections_kind, offsetof(struct options, max_connections), "100",
     "sessions at once, where we listen ourselves"},
    {"max-connections-per-source", "N", &connections_kind,
     offsetof(struct options, max_connections_per_source), "20",
     "the same with one address, or IPv6 network (/64)"},
    {"idle-exit", "SECONDS", &idle_kind, offsetof(struct options, idle_exit), "0",
     "without a connection, then a listener exits; 0 for never"},
    {"command-timeout", "SECONDS", &seconds_kind, offsetof(struct options, command_timeout), "300",
     "idle for a command"},
    {"data-timeout", "SECONDS", &seconds_kind, offsetof(struct options, data_timeout), "180",
     "idle within a message"},
    {"delivery-timeout", "SECONDS", &seconds_kind, offsetof(struct options, delivery_timeout),
     "240", "for COMMAND, which is killed then"},
    {"session-timeout", "SECONDS", &seconds_kind, offsetof(struct options, session_timeout), "3600",
     "for the whole session"},
    {"min-rate", "BYTES", &rate_kind, offsetof(struct options, min_rate), "500",
     "message octets a second, averaged, 0 for any"},
    {"lmtp", NULL, &flag_kind, offsetof(struct options, lmtp), NULL, "speak LMTP"},
    {"one-recipient", NULL, &flag_kind, offsetof(struct options, one_recipient), NULL,
     "run COMMAND once for each recipient"},
    {"dsn", NULL, &flag_kind, offsetof(struct options, dsn), NULL,
     "offer DSN; COMMAND sends the notifications that it is told of"},
    {"tls", "HOW", &tls_kind, offsetof(struct options, tls), NULL,
     "starttls, required or implicit (starttls where there is a certificate)"},
    {"tls-cert", "FILE", &files_kind, offsetof(struct options, tls_certificates), NULL,
     "certificate chain; repeatable ($CREDENTIALS_DIRECTORY/tls.crt)"},
    {"tls-key", "FILE", &files_kind, offsetof(struct options, tls_keys), NULL,
     "its key; repeatable ($CREDENTIALS_DIRECTORY/tls.key)"},
    {"tls-client-ca", "FILE", &file_kind, offsetof(struct options, tls_client_ca), NULL,
     "ask clients for a certificate that one of these vouches for"},
    {"auth", "PROGRAM", &auth_kind, offsetof(struct options, auth_octets), NULL,
     "offer AUTH; a checkpassword program, split at blanks"},
    {"submission", NULL, &flag_kind, offsetof(struct options, submission), NULL,
     "want AUTH before mail, then take any recipient"},
    {"proxy-protocol", NULL, &flag_kind, offsetof(struct options, proxy_protocol), NULL,
     "want HAProxy's PROXY header, version 1 or 2, in front of all"},
    {"xclient", "NETWORKS", &networks_kind, offsetof(struct options, xclient), NULL,
     "believe XCLIENT from there; addresses, address/bits; repeatable"},
    {"newlines", "HOW", &newlines_kind, offsetof(struct options, newlines), "auto",
     "strict, lenient or auto: whether a bare LF ends a line"},
    {"line-ending", "WHICH", &line_ending_kind, offsetof(struct options, line_ending), "lf",
     "lf or crlf: what COMMAND reads"},
    {"no-trace", NULL, &flag_kind, offsetof(struct options, no_trace), NULL,
     "add neither Return-Path nor Received"},
    {"spool", "DIR", &directory_kind, offsetof(struct options, spool), NULL,
     "where large messages go ($RUNTIME_DIRECTORY, $TMPDIR, /var/tmp)"},
    {"done-list", "DIR", &directory_kind, offsetof(struct options, done_list), NULL,
     "remember there who has a message, so that a retry gives it to none twice"},
    {"require-sandbox", NULL, &flag_kind, offsetof(struct options, require_sandbox), NULL,
     "serve nobody where the kernel cannot confine the session process"},
    {"no-sandbox", NULL, &flag_kind, offsetof(struct options, no_sandbox), NULL,
     "do not confine it, to look for faults"},
    {"log", "WHERE", &log_target_kind, offsetof(struct options, log), NULL,
     "journal, syslog, stderr or none (the best that is there)"},
    {"check", NULL, &action_kind, offsetof(struct options, check), NULL,
     "check options, files and COMMAND, serve nothing"},
    {"help", NULL, &action_kind, offsetof(struct options, help), NULL, "show this"},
    {"version", NULL, &action_kind, offsetof(struct options, version), NULL, "show the version"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *find_row(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == name.length &&
            memcmp(rows[i].name, name.octets, name.length) == 0)
            return &rows[i];
    return NULL;
}

static bool set(struct options *options, const struct row *row, const char *value,
                struct problem *problem, int status)
{
    if (row->kind->take(row->kind, (char *)options + row->offset, value))
        return true;
    return problem_set(problem, status, "option %s: '%s' is not %s", row->name, value,
                       row->kind->wanted);
}

/* All but the file's text, which is written before it is read. */
static bool set_defaults(struct options *options, struct problem *problem)
{
    memset(options, 0, offsetof(struct options, auth_octets));
    options->log = LOG_OPTION_BEST;
    options->tls = TLS_OPTION_BEST;
    options->auth_octets[0] = '\0';
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].initial != NULL &&
            !set(options, &rows[i], rows[i].initial, problem, EX_SOFTWARE))
            return false;
    return true;
}

/* Reads the options off argv; `given` says which there were. What is left is the command. */
static bool read_arguments(struct options *options, char **argv, bool given[ROWS],
                           struct problem *problem)
{
    char **argument = argv + 1;
    while (*argument != NULL && strncmp(*argument, "--", 2) == 0 && (*argument)[2] != '\0') {
        char *name = *argument++ + 2;
        size_t length = strcspn(name, "=");
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        const struct row *row = find_row((struct span){name, length});
        if (row == NULL)
            return problem_set(problem, EX_USAGE, "unknown option --%s", name);
        if (row->argument == NULL && value != NULL)
            return problem_set(problem, EX_USAGE, "option %s takes no value", row->name);
        if (row->argument != NULL && value == NULL && (value = *argument++) == NULL)
            return problem_set(problem, EX_USAGE, "option %s needs a value", row->name);
        if (!set(options, row, value == NULL ? "" : value, problem, EX_USAGE))
            return false;
        given[row - rows] = true;
    }
    if (*argument != NULL && strcmp(*argument, "--") == 0)
        argument++;
    else if (*argument != NULL && (*argument)[0] == '-' && (*argument)[1] != '\0')
        return problem_set(problem, EX_USAGE, "unknown option %s", *argument);
    if (*argument != NULL)
        options->command = argument;
    return true;
}

/* Splits `value` into words in place; within double quotes blanks belong to the word. */
static bool split_command(struct options *options, char *value)
{
    unsigned count = 0;
    options->command = options->words;
    while (*(value += strspn(value, " \t")) != '\0') {
        char *to = value;
        bool quoted = false;
        if (count == OPTIONS_WORDS_MAX)
            return false;
        options->words[count++] = value;
        for (; *value != '\0' && (quoted || strchr(" \t", *value) == NULL); value++) {
            if (*value == '"')
                quoted = !quoted;
            else
                *to++ = *value;
        }
        bool last = *value == '\0';
        *to = '\0';
        if (quoted)
            return false;
        if (last)
            break;
        value++;
    }
    options->words[count] = NULL;
    return count > 0;
}

/* Reads one line of the file, without its end. */
static bool read_line(struct options *options, char *line, const bool given[ROWS],
                      bool command_given, struct problem *problem)
{
    line += strspn(line, " \t");
    size_t end = strlen(line);
    while (end > 0 && strchr(" \t\r", line[end - 1]) != NULL)
        line[--end] = '\0';
    if (*line == '\0' || *line == '#')
        return true;

    size_t length = strcspn(line, " \t");
    char *value = line + length + strspn(line + length, " \t");
    line[length] = '\0';
    if (strcmp(line, "command") == 0) {
        if (!command_given && !split_command(options, value))
            return problem_set(problem, EX_CONFIG, "command: an open quote, no word or too many");
        return true;
    }
    const struct row *row = find_row(span_of(line));
    if (row == NULL || row->kind->not_in_file)
        return problem_set(problem, EX_CONFIG, "unknown option %s", line);
    if (row->argument == NULL && *value != '\0')
        return problem_set(problem, EX_CONFIG, "option %s takes no value", row->name);
    return given[row - rows] || set(options, row, value, problem, EX_CONFIG);
}

static bool load_file(struct options *options, struct problem *problem)
{
    FILE *file = fopen(options->config, "re");
    if (file == NULL)
        return problem_set(problem, EX_CONFIG, "%s: %s", options->config, strerror(errno));
    size_t length = fread(options->file, 1, sizeof options->file, file);
    int error = ferror(file) ? errno : 0;
    (void)fclose(file); /* it was only read */
    if (error != 0)
        return problem_set(problem, EX_CONFIG, "%s: %s", options->config, strerror(error));
    if (length == sizeof options->file)
        return problem_set(problem, EX_CONFIG, "%s: longer than %d octets", options->config,
                           OPTIONS_FILE_MAX);
    if (memchr(options->file, '\0', length) != NULL)
        return problem_set(problem, EX_CONFIG, "%s: not a text file", options->config);
    options->file[length] = '\0';
    return true;
}

static bool read_file(struct options *options, const bool given[ROWS], struct problem *problem)
{
    bool command_given = options->command != NULL;
    if (!load_file(options, problem))
        return false;
    unsigned number = 1;
    for (char *line = options->file; line != NULL; number++) {
        char *next = strchr(line, '\n');
        struct problem found;
        if (next != NULL)
            *next++ = '\0';
        if (!read_line(options, line, given, command_given, &found))
            return problem_set(problem, found.status, "%s:%u: %s", options->config, number,
                               found.text);
        line = next;
    }
    return true;
}

/* checkpassword(8) runs what stands behind its own arguments when the password is right. */
static bool split_auth(struct options *options, struct problem *problem)
{
    static char on_success[] = "true";
    unsigned count = 0;
    for (char *word = options->auth_octets; *(word += strspn(word, " \t")) != '\0'; count++) {
        if (count == OPTIONS_WORDS_MAX)
            return problem_set(problem, EX_USAGE, "option auth: too many words");
        options->auth[count] = word;
        word += strcspn(word, " \t");
        if (*word != '\0')
            *word++ = '\0';
    }
    options->auth[count] = count > 0 ? on_success : NULL;
    options->auth[count + (count > 0 ? 1U : 0)] = NULL;
    return true;
}

bool options_read(struct options *options, int argc, char **argv, struct problem *problem)
{
    bool given[ROWS] = {false};
    if (!set_defaults(options, problem))
        return false;
    if (argc < 1)
        return problem_set(problem, EX_USAGE, "no arguments at all");
    if (!read_arguments(options, argv, given, problem))
        return false;
    if (options->help || options->version)
        return true;
    if (options->config != NULL && !read_file(options, given, problem))
        return false;
    if (!split_auth(options, problem))
        return false;
    if (options->command == NULL)
        return problem_set(problem, options->config == NULL ? EX_USAGE : EX_CONFIG,
                           "no delivery command; see --help");
    return true;
}

void options_print_help(void)
{
    puts("usage: smtp-handler [OPTION...] [--] COMMAND [ARGUMENT...]\n\n"
         "Serves SMTP on standard input and output; gives each message to COMMAND.\n");
    for (size_t i = 0; i < ROWS; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s %s", rows[i].name,
                       rows[i].argument == NULL ? "" : rows[i].argument); /* fits */
        printf("  %-28s %s", left, rows[i].help);
        if (rows[i].initial != NULL)
            printf(" (%s)", rows[i].initial);
        putchar('\n');
    }
}
