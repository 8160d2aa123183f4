/*
 * milter-filter [OPTION...] SOCKET: a filter that shows the message on standard input to a milter,
 * such as rspamd's or OpenDKIM's, by version 6 of its protocol, and does what it says: refuses,
 * defers or discards the message, or changes its header, body and envelope. What a milter asks for
 * that cannot be done defers the message, as does a milter that is down, unless told otherwise.
 *
 * All stages of the protocol come when the message is whole. Once it is connected the process is
 * confined: it can read and write what it has open, and no more.
 *
 * milter-filter --check SOCKET says whether the milter can be reached.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/confine.h"
#include "helpers/milter-filter/visit.h"
#include "helpers/peer.h"

enum {
    STATUS_DISCARDED = 99, /* as in qmail-command(8): accepted, and nothing is kept */
    NEW_ENVELOPE = 4,
    DEADLINE_DEFAULT = 120, /* seconds */
    PATIENCE_DEFAULT = 100, /* seconds */
    CHECK_SECONDS = 5,
    SECONDS_MAX = 24 * 3600,
    NAME_MAX_OCTETS = 255 /* of a domain name */
};

enum quarantine { QUARANTINE_DEFER, QUARANTINE_REFUSE, QUARANTINE_ACCEPT };

struct options {
    bool is_check;
    int status_when_down;
    enum quarantine quarantine;
    uint64_t patience; /* seconds */
    const char *hostname;
    const char *socket;
};

/* What a milter that is down comes to; the deadline may tell that at any time. */
static volatile sig_atomic_t status_when_late = EX_TEMPFAIL;

/* The time is over, a second before we would be killed. */
static void end_late(int signal_number)
{
    static const char text[] = "milter-filter: the milter did not answer in time\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1); /* the status tells, too */
    _exit(status_when_late);
}

/* A number of seconds; `missing` if the text is not one. */
static uint64_t read_seconds(const char *text, uint64_t missing)
{
    uint64_t seconds;
    bool is_number = text != NULL && span_number(span_of(text), &seconds);
    return is_number && seconds > 0 && seconds <= SECONDS_MAX ? seconds : missing;
}

/* Returns the seconds until then. */
static uint64_t set_deadline(void)
{
    uint64_t seconds = read_seconds(getenv("DEADLINE"), DEADLINE_DEFAULT);
    seconds -= seconds > 1 ? 1 : 0;
    (void)signal(SIGALRM, end_late); /* cannot fail, as the next */
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)alarm((unsigned)seconds);
    return seconds;
}

static const char usage[] = "usage: milter-filter [--when-down defer|accept] "
                            "[--quarantine defer|refuse|accept]\n"
                            "                     [--timeout SECONDS] [--hostname NAME] SOCKET\n"
                            "       milter-filter --check SOCKET\n";

static int help(void)
{
    printf("%s\nShows the message on standard input to the milter at SOCKET, the path of a Unix\n"
           "socket, ADDRESS:PORT or [ADDRESS]:PORT, and ends as it says; the environment has the\n"
           "envelope and the client. What it changes is written as a filter of smtp-handler does\n"
           "it; see milter-filter(8). With --check it only says if that is down.\n",
           usage);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* The index of the value among `names`, -1 if it is not there. */
static int find_name(const char *value, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(value, names[i]) == 0)
            return i;
    return -1;
}

static bool set_option(struct options *options, int option, const char *value)
{
    static const char *const down[] = {"defer", "accept", NULL};
    static const char *const quarantine[] = {"defer", "refuse", "accept", NULL};
    int chosen = -1;
    switch (option) {
    case 'c':
        options->is_check = true;
        return true;
    case 'd':
        chosen = find_name(value, down);
        options->status_when_down = chosen == 0 ? EX_TEMPFAIL : EX_OK;
        return chosen >= 0;
    case 'q':
        chosen = find_name(value, quarantine);
        options->quarantine = chosen < 0 ? QUARANTINE_DEFER : (enum quarantine)chosen;
        return chosen >= 0;
    case 't':
        options->patience = read_seconds(value, 0);
        return options->patience > 0;
    case 'n':
        options->hostname = value;
        return value[0] != '\0' && strlen(value) <= NAME_MAX_OCTETS;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"check", no_argument, NULL, 'c'},
        {"when-down", required_argument, NULL, 'd'},
        {"quarantine", required_argument, NULL, 'q'},
        {"timeout", required_argument, NULL, 't'},
        {"hostname", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1)
        if (!set_option(options, option, optarg))
            return false;
    options->socket = argv[optind];
    return optind + 1 == argc && peer_is_name(options->socket);
}

/* Our name behind "by" in Received that is ours; empty if there is none. */
static struct span name_in_trace(const struct fields *fields)
{
    static const char by[] = "\n\tby ";
    for (size_t i = 0; i < fields->count; i++) {
        struct span text = fields->list[i].text;
        for (; fields->list[i].is_ours && text.length > sizeof by; text = span_after(text, 1))
            if (memcmp(text.octets, by, sizeof by - 1) == 0) {
                text = span_after(text, sizeof by - 1);
                return span_first(text, span_find(text, ' '));
            }
    }
    return span_empty();
}

static struct span find_hostname(const struct options *options, const struct fields *fields)
{
    static char name[NAME_MAX_OCTETS + 1];
    struct span traced = name_in_trace(fields);
    if (options->hostname != NULL)
        return span_of(options->hostname);
    if (traced.length > 0)
        return traced;
    return gethostname(name, NAME_MAX_OCTETS) == 0 ? span_of(name) : span_of("localhost");
}

/* 0, or the status to exit with. */
static int prepare(struct visit *visit, const struct options *options)
{
    uint64_t trace_size = 0;
    const char *id = getenv("TRANSACTION_ID"), *size = getenv("TRACE_SIZE");
    if (size != NULL)
        (void)span_number(span_of(size), &trace_size); /* 0 if malformed: nothing is ours */
    int status = message_open(&visit->message, (size_t)trace_size, span_of(id == NULL ? "" : id));
    if (status != EX_OK)
        return status;
    if (facts_read(&visit->facts, find_hostname(options, &visit->message.fields)))
        return EX_OK;
    fputs("milter-filter: no SENDER and RECIPIENTS in the environment\n", stderr);
    return EX_USAGE;
}

/* What the kernel cannot confine has the rights of every filter. */
static void confine(void)
{
    static const struct sock_filter filter[] = {
#include "handler/filter-milter.inc"
    };
    static const struct confinement confinement = {
        .filter = filter, .filter_length = sizeof filter / sizeof *filter, .speaks = true};
    (void)confine_enter(&confinement); /* as said */
}

/* Ends as the reply says, whose text is for the client. */
static int refuse(const struct reply *reply)
{
    char line[REPLY_ENHANCED_MAX + REPLY_TEXT_MAX + 3];
    bool has_both = reply->enhanced[0] != '\0' && reply->text[0] != '\0';
    int length = snprintf(line, sizeof line, "%s%s%s\n", reply->enhanced, has_both ? " " : "",
                          reply->text); /* fits */
    if (length > 1 && !message_write_octets(STDOUT_FILENO, (struct span){line, (size_t)length}))
        return EX_TEMPFAIL;
    if (reply->code / 100 == 4)
        return EX_TEMPFAIL;
    return reply->enhanced[0] == '\0' ? EX_NOPERM : reply_refusal_status(reply, false);
}

static int hold(struct visit *visit, enum quarantine quarantine)
{
    static const char *const lines[] = {"451 4.7.1 Message held back", "550 5.7.1 Message refused"};
    const char *line = lines[quarantine == QUARANTINE_REFUSE];
    visit->server.step = "quarantine";
    (void)server_complain(&visit->server, visit->reason); /* the log has why */
    reply_clear(&visit->reply);
    (void)reply_add_line(&visit->reply, line, strlen(line)); /* it is one */
    return refuse(&visit->reply);
}

static int accept_message(struct visit *visit, enum quarantine quarantine)
{
    struct envelope_edits *edits = &visit->edits;
    if (visit->is_quarantined && quarantine != QUARANTINE_ACCEPT)
        return hold(visit, quarantine);
    if (visit->is_quarantined && !envelope_quarantine(edits, span_of(visit->reason)))
        return EX_TEMPFAIL;
    return message_write(&visit->message) &&
                   message_write_octets(NEW_ENVELOPE, (struct span){edits->lines, edits->length})
               ? EX_OK
               : EX_TEMPFAIL;
}

/* The status to exit with. */
static int conclude(struct visit *visit, const struct options *options)
{
    switch (visit->outcome) {
    case OUTCOME_ACCEPTED:
        return accept_message(visit, options->quarantine);
    case OUTCOME_DISCARDED:
        return STATUS_DISCARDED;
    case OUTCOME_REFUSED:
        return refuse(&visit->reply);
    case OUTCOME_DOWN:
        return options->status_when_down;
    default:
        return EX_TEMPFAIL;
    }
}

static int run(const struct options *options)
{
    static struct visit visit;
    uint64_t seconds = set_deadline();
    int status = prepare(&visit, options);
    if (status != EX_OK)
        return status;
    status_when_late = options->status_when_down;
    uint64_t patience = options->patience < seconds ? options->patience : seconds;
    if (!server_open(&visit.server, options->socket, (int)patience * 1000))
        return options->status_when_down;
    confine();
    visit_make(&visit);
    status_when_late = EX_TEMPFAIL; /* what is written in part must not count */
    server_quit(&visit.server);
    return conclude(&visit, options);
}

/* A socket whose queue is full must not hold us up; then SIGALRM ends it. */
static int check(const char *socket)
{
    (void)alarm(CHECK_SECONDS); /* cannot fail */
    int peer = peer_connect(socket);
    if (peer >= 0)
        return EX_OK;
    printf("%s: %s; messages would be deferred\n", socket, strerror(-peer));
    return fflush(stdout) == 0 ? EX_UNAVAILABLE : EX_IOERR;
}

int main(int argc, char **argv)
{
    struct options options = {.status_when_down = EX_TEMPFAIL, .patience = PATIENCE_DEFAULT};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
    if (!read_options(argc, argv, &options)) {
        fputs(options.is_check ? "" : usage, stderr);
        return EX_USAGE;
    }
    if (options.is_check)
        return check(options.socket);
    _exit(run(&options)); /* what exit(3) would do is forbidden now */
}
