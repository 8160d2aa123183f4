/*
 * lmtp-deliver SOCKET: a delivery command that gives the message on standard input to a server of
 * LMTP (RFC 2033) and passes on what that says. SENDER and RECIPIENTS, or RECIPIENT, are the
 * envelope. It exits 0 only if the server has accepted the message for all recipients, refuses only
 * if it has refused all, and exits 75 in all other cases. What the server says of the message is
 * the line on standard output; what goes wrong between the two is a line on standard error.
 *
 * The message is sent only if no recipient was refused or deferred before: otherwise those who have
 * it would get it again with each retry.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "helpers/lmtp-deliver/content.h"
#include "helpers/lmtp-deliver/server.h"
#include "helpers/lmtp-deliver/verdict.h"
#include "helpers/peer.h"

enum {
    ADDRESS_MAX = 1000,     /* octets; the handler's have up to 512 */
    COMMAND_MAX = 1200,     /* an address, and parameters */
    GROUP_MAX = 8 * 1024,   /* octets of commands that wait for their replies together: less than
                               sockets hold, so that nobody waits for the other to read */
    NAME_MAX_OCTETS = 255,  /* of a domain name */
    DEADLINE_DEFAULT = 240, /* seconds */
    DEADLINE_MAX = 24 * 3600
};

struct envelope {
    const char *sender;
    const char *recipients; /* one a line */
    bool is_utf8;           /* an address is not ASCII */
    bool wants_utf8;        /* the sender asked for SMTPUTF8 */
};

/* One message to one server. */
struct visit {
    struct server *server;
    struct content content;
    struct envelope envelope;
    unsigned extensions;
    size_t recipients; /* that were named to the server */
    size_t unanswered; /* commands: RCPT, and in front of them perhaps MAIL */
    bool is_mail_unanswered;
    bool is_mail_refused; /* or deferred: RCPT is out of place then */
    struct verdict verdict;
};

static bool offers(const struct visit *visit, unsigned extensions)
{
    return (visit->extensions & extensions) == extensions;
}

__attribute__((format(printf, 2, 3))) static bool say(struct visit *visit, const char *format, ...)
{
    char command[COMMAND_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    return length > 0 && (size_t)length < sizeof command &&
           server_send(visit->server, command, (size_t)length);
}

/* Says on standard error what the server said instead of what we need to go on. */
static bool complain(const struct visit *visit, const struct reply *reply)
{
    fprintf(stderr, "lmtp-deliver: %s: %s: %d %s%s%s\n", visit->server->name, visit->server->step,
            reply->code, reply->enhanced, reply->enhanced[0] == '\0' ? "" : " ", reply->text);
    return false;
}

/* Our name: the host's, if it can be one in LMTP. */
static const char *our_name(char name[NAME_MAX_OCTETS + 1])
{
    static const char octets[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    name[NAME_MAX_OCTETS] = '\0';
    bool is_name = gethostname(name, NAME_MAX_OCTETS) == 0 && name[0] != '\0' &&
                   name[strspn(name, octets)] == '\0' && name[0] != '-' && name[0] != '.';
    return is_name ? name : "localhost";
}

/* The greeting and LHLO. */
static bool introduce(struct visit *visit)
{
    struct reply reply;
    char name[NAME_MAX_OCTETS + 1];
    visit->server->step = "greeting";
    if (!server_read(visit->server, &reply, NULL))
        return false;
    if (reply.code != 220)
        return complain(visit, &reply);
    visit->server->step = "LHLO";
    if (!say(visit, "LHLO %s\r\n", our_name(name)) || !server_ask(visit->server) ||
        !server_read(visit->server, &reply, &visit->extensions))
        return false;
    return reply.code == 250 || complain(visit, &reply);
}

/* Sends the commands that wait, and reads their replies, as far as they matter. */
static bool settle(struct visit *visit)
{
    struct reply reply;
    if (!server_ask(visit->server))
        return false;
    for (; visit->unanswered > 0; visit->unanswered--) {
        if (!server_read(visit->server, &reply, NULL))
            return false;
        if (reply.code / 100 == 3)
            return complain(visit, &reply);
        visit->is_mail_refused = visit->is_mail_unanswered && reply.code / 100 != 2;
        if (!visit->is_mail_unanswered || visit->is_mail_refused)
            verdict_add(&visit->verdict, &reply, !visit->is_mail_unanswered);
        visit->is_mail_unanswered = false;
        if (visit->is_mail_refused)
            break;
    }
    return true;
}

/* Sends the command, alone or in a group. */
static bool pipeline(struct visit *visit)
{
    visit->unanswered++;
    return (offers(visit, EXTENSION_PIPELINING) && visit->server->length < GROUP_MAX) ||
           settle(visit);
}

static bool say_mail(struct visit *visit)
{
    const struct content *content = &visit->content;
    char size[32] = "";
    const char *body = "";
    bool utf8 = visit->envelope.is_utf8 || visit->envelope.wants_utf8;
    if (offers(visit, EXTENSION_SIZE))
        (void)snprintf(size, sizeof size, " SIZE=%llu", content->size); /* fits */
    if (content->is_binary)
        body = " BODY=BINARYMIME";
    else if (content->is_8bit && offers(visit, EXTENSION_8BITMIME))
        body = " BODY=8BITMIME";
    visit->server->step = "MAIL";
    visit->is_mail_unanswered = true;
    return say(visit, "MAIL FROM:<%s>%s%s%s\r\n", visit->envelope.sender, size, body,
               utf8 && offers(visit, EXTENSION_SMTPUTF8) ? " SMTPUTF8" : "") &&
           pipeline(visit);
}

static bool say_recipients(struct visit *visit)
{
    const char *next = visit->envelope.recipients;
    while (*next != '\0' && !visit->is_mail_refused) {
        int length = (int)strcspn(next, "\n");
        visit->server->step = "RCPT";
        visit->recipients++;
        if (!say(visit, "RCPT TO:<%.*s>\r\n", length, next) || !pipeline(visit))
            return false;
        next += length;
        next += *next == '\n';
    }
    return visit->is_mail_refused || settle(visit);
}

/* A reply for each recipient. */
static bool read_outcome(struct visit *visit)
{
    struct reply reply;
    for (size_t i = 0; i < visit->recipients; i++) {
        if (!server_read(visit->server, &reply, NULL))
            return false;
        if (reply.code / 100 == 3)
            return complain(visit, &reply);
        verdict_add(&visit->verdict, &reply, false);
    }
    return true;
}

static bool send_by_bdat(struct visit *visit)
{
    visit->server->step = "BDAT";
    return say(visit, "BDAT %llu LAST\r\n", visit->content.size) &&
           content_send_bdat(&visit->content, visit->server) && server_ask(visit->server) &&
           read_outcome(visit);
}

static bool send_by_data(struct visit *visit)
{
    struct reply reply;
    visit->server->step = "DATA";
    if (!say(visit, "DATA\r\n") || !server_ask(visit->server) ||
        !server_read(visit->server, &reply, NULL))
        return false;
    if (reply.code / 100 == 2)
        return complain(visit, &reply);
    if (reply.code / 100 != 3) {
        verdict_add(&visit->verdict, &reply, false);
        return true;
    }
    visit->server->step = "message";
    return content_send_data(&visit->content, visit->server) && server_ask(visit->server) &&
           read_outcome(visit);
}

/* What the server lacks that this message cannot do without. */
static bool is_beyond_server(struct visit *visit)
{
    struct verdict *verdict = &visit->verdict;
    if (visit->content.is_binary && !offers(visit, EXTENSION_CHUNKING | EXTENSION_BINARYMIME))
        *verdict = (struct verdict){1, EX_DATAERR, "5.6.3", "The server takes no BINARYMIME"};
    else if (visit->envelope.is_utf8 && !offers(visit, EXTENSION_SMTPUTF8))
        *verdict = (struct verdict){1, EX_DATAERR, "5.6.7", "The server takes no SMTPUTF8"};
    return verdict->replies > 0;
}

/* The whole conversation; true if the server, or what it lacks, has decided. */
static bool deliver(struct visit *visit, const char *name)
{
    if (!server_open(visit->server, name) || !introduce(visit))
        return false;
    if (is_beyond_server(visit))
        return true;
    if (!say_mail(visit) || !say_recipients(visit))
        return false;
    if (visit->verdict.status != EX_OK)
        return true;
    memset(&visit->verdict, 0, sizeof visit->verdict);
    return offers(visit, EXTENSION_CHUNKING) ? send_by_bdat(visit) : send_by_data(visit);
}

/* An address, or several lines of them, without what could end a command. */
static bool is_sound(const char *addresses)
{
    for (const char *next = addresses; *next != '\0';) {
        size_t length = strcspn(next, "\n");
        if (length == 0 || length > ADDRESS_MAX)
            return false;
        for (; length > 0; length--, next++)
            if ((unsigned char)*next < ' ' || *next == '\x7f')
                return false;
        next += *next == '\n';
    }
    return true;
}

static bool has_utf8(const char *text)
{
    while (*text != '\0' && (unsigned char)*text <= '\x7f')
        text++;
    return *text != '\0';
}

static bool read_envelope(struct envelope *envelope)
{
    const char *protocol = getenv("CLIENT_PROTOCOL");
    envelope->sender = getenv("SENDER");
    envelope->recipients = getenv("RECIPIENTS");
    if (envelope->recipients == NULL)
        envelope->recipients = getenv("RECIPIENT");
    if (envelope->sender == NULL || envelope->recipients == NULL ||
        envelope->recipients[0] == '\0' || strchr(envelope->sender, '\n') != NULL ||
        !is_sound(envelope->sender) || !is_sound(envelope->recipients))
        return false;
    envelope->is_utf8 = has_utf8(envelope->sender) || has_utf8(envelope->recipients);
    envelope->wants_utf8 = protocol != NULL && strncmp(protocol, "UTF8", 4) == 0;
    return true;
}

/* The time is over, a second before we would be killed. */
static void end_late(int signal_number)
{
    static const char text[] = "lmtp-deliver: the server did not answer in time\n";
    (void)signal_number;
    _exit(write(STDERR_FILENO, text, sizeof text - 1) < 0 ? EX_IOERR : EX_TEMPFAIL);
}

static void set_deadline(void)
{
    const char *text = getenv("DEADLINE");
    long seconds = text == NULL ? 0 : strtol(text, NULL, 10);
    if (seconds <= 0 || seconds > DEADLINE_MAX)
        seconds = DEADLINE_DEFAULT;
    (void)signal(SIGALRM, end_late); /* cannot fail */
    (void)alarm(seconds > 1 ? (unsigned)seconds - 1 : 1);
}

/* Prints what the server said; the status alone decides, also if nobody reads that. */
static void report(const struct verdict *verdict)
{
    char line[REPLY_ENHANCED_MAX + REPLY_TEXT_MAX + 3];
    const char *enhanced = verdict->enhanced, *text = verdict->text;
    const char *blank = enhanced[0] != '\0' && text[0] != '\0' ? " " : "";
    int length = snprintf(line, sizeof line, "%s%s%s\n", enhanced, blank, text); /* fits */
    if (length > 1 && write(STDOUT_FILENO, line, (size_t)length) < 0)
        perror("lmtp-deliver: standard output");
}

static const char usage[] = "usage: lmtp-deliver SOCKET\n";

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int help(void)
{
    printf("%s\nGives the message on standard input to a server of LMTP at SOCKET, the path of a "
           "Unix\n"
           "socket, ADDRESS:PORT or [ADDRESS]:PORT, for SENDER and RECIPIENTS, or RECIPIENT, of\n"
           "the environment. Ends as the server says, 75 after any trouble; see lmtp-deliver(8).\n",
           usage);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* The status to exit with. */
static int run(const char *name)
{
    static struct server server;
    struct visit visit = {.server = &server};
    if (!read_envelope(&visit.envelope)) {
        fputs("lmtp-deliver: no SENDER and RECIPIENTS in the environment\n", stderr);
        return EX_USAGE;
    }
    set_deadline();
    int error = content_scan(&visit.content);
    if (error < 0) {
        fprintf(stderr, "lmtp-deliver: standard input: %s\n", strerror(-error));
        return EX_TEMPFAIL;
    }
    if (!deliver(&visit, name))
        return EX_TEMPFAIL;
    server_quit(&server);
    report(&visit.verdict);
    return visit.verdict.status;
}

int main(int argc, char **argv)
{
    if (argc == 2 && is_help(argv[1]))
        return help();
    if (argc != 2 || argv[1][0] == '-' || !peer_is_name(argv[1])) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return run(argv[1]);
}
