#include "handler/log.h"

#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/systemd.h"
#include "session/text/text.h"

static enum log_option target = LOG_OPTION_STDERR;
static enum log_option fallback = LOG_OPTION_STDERR; /* if the journal cannot be reached */

static const struct {
    const char *name;
    const char *message_id;
} kinds[] = {
    [LOG_KIND_CONNECTION] = {"connection", "MESSAGE_ID=e4a6d43e58454667b5127411235e4f5b"},
    [LOG_KIND_MESSAGE] = {"message", "MESSAGE_ID=a7b45b150238484eb98175c5a5390366"},
    [LOG_KIND_SENDER] = {"sender", "MESSAGE_ID=64cfa400bf2f4614b71b924a3e6757a1"},
    [LOG_KIND_RECIPIENT] = {"recipient", "MESSAGE_ID=9d0b45ce951d415a82e971c8cfc9e24c"},
    [LOG_KIND_COMMAND] = {"command", "MESSAGE_ID=4bfe15fbe4734cbb82943833d75061b1"},
    [LOG_KIND_FILTER] = {"filter", "MESSAGE_ID=2db71aec11c14c76812439eb8e832c86"},
    [LOG_KIND_AUTH] = {"auth", "MESSAGE_ID=55b0a1d9d0f14a58b2fa5ba1b7f9b38d"},
    [LOG_KIND_LIMIT] = {"limit", "MESSAGE_ID=e5d30f4e180c442c8aa9ab3cb9850d16"},
    [LOG_KIND_PROXY] = {"proxy", "MESSAGE_ID=bcad0a0469234fbab382e3d84ba9fc16"},
    [LOG_KIND_HANDSHAKE] = {"handshake", "MESSAGE_ID=954f880aad7e4a0d9f5d779352d72c91"},
    [LOG_KIND_ABUSE] = {"abuse", "MESSAGE_ID=ad6c6ce368a04a8297d63e43b1155ac4"},
    [LOG_KIND_TROUBLE] = {"trouble", "MESSAGE_ID=833f13391453461e86b52f458b6b3d4b"},
};

/* systemd says in $JOURNAL_STREAM which stream is the journal's. */
bool log_stderr_is_journal(void)
{
    const char *journal = getenv("JOURNAL_STREAM");
    char ours[64];
    struct stat status;
    if (journal == NULL || fstat(STDERR_FILENO, &status) != 0)
        return false;
    (void)snprintf(ours, sizeof ours, "%llu:%llu", (unsigned long long)status.st_dev,
                   (unsigned long long)status.st_ino); /* fits */
    return strcmp(journal, ours) == 0;
}

static enum log_option find_best(bool stderr_is_client, bool stderr_is_usable)
{
    if (log_stderr_is_journal() || (stderr_is_client && getenv("INVOCATION_ID") != NULL))
        return LOG_OPTION_JOURNAL;
    return stderr_is_usable ? LOG_OPTION_STDERR : LOG_OPTION_SYSLOG;
}

void log_open(enum log_option option, bool stderr_is_client)
{
    bool usable = !stderr_is_client && fcntl(STDERR_FILENO, F_GETFD) >= 0;
    fallback = usable ? LOG_OPTION_STDERR : LOG_OPTION_SYSLOG;
    target = option == LOG_OPTION_BEST ? find_best(stderr_is_client, usable) : option;
    if (target == LOG_OPTION_STDERR && !usable)
        target = LOG_OPTION_NONE;
    openlog("smtp-handler", LOG_PID, LOG_MAIL);
}

void log_begin(struct log_event *event, enum log_level level, enum log_kind kind)
{
    event->level = level;
    event->kind = kind;
    event->count = event->used = 0;
}

void log_add(struct log_event *event, const char *name, struct span value)
{
    static const char prefix[] = "SMTP_";
    struct log_field field = {.start = event->used, .name_length = strlen(prefix) + strlen(name)};
    size_t length = value.length < LOG_VALUE_MAX ? value.length : LOG_VALUE_MAX;
    field.length = field.name_length + 1 + length;
    if (value.length == 0)
        return;
    assert(event->count < LOG_FIELDS_MAX && field.length <= sizeof event->octets - event->used);
    char *to = event->octets + event->used;
    for (const char *c = prefix; *c != '\0'; c++)
        *to++ = *c;
    for (const char *c = name; *c != '\0'; c++)
        *to++ = (char)toupper(*c);
    *to++ = '=';
    memcpy(to, value.octets, length);
    event->used += field.length;
    event->fields[event->count++] = field;
}

void log_add_number(struct log_event *event, const char *name, uint64_t value)
{
    char octets[20]; /* 64 bits */
    struct text text = {octets, 0, sizeof octets};
    text_add_number(&text, value, 1);
    log_add(event, name, text_span(&text));
}

void log_add_seconds(struct log_event *event, const char *name, int64_t milliseconds)
{
    char octets[24]; /* as above */
    struct text text = {octets, 0, sizeof octets};
    text_add_number(&text, (uint64_t)milliseconds / 1000, 1);
    text_add_string(&text, ".");
    text_add_number(&text, (uint64_t)milliseconds % 1000, 3);
    log_add(event, name, text_span(&text));
}

static bool needs_quotes(struct span value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.octets[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=')
            return true;
    }
    return false;
}

static void add_octet(struct text *line, char octet)
{
    text_add(line, (struct span){&octet, 1});
}

static void add_quoted(struct text *line, struct span value)
{
    add_octet(line, '"');
    for (size_t i = 0; i < value.length; i++) {
        char c = value.octets[i];
        if (c == '"' || c == '\\')
            add_octet(line, '\\');
        if (c >= ' ' && c <= '~')
            add_octet(line, c);
        else
            text_add_escaped(line, c);
    }
    add_octet(line, '"');
}

static void add_field(struct text *line, const struct log_event *event,
                      const struct log_field *field)
{
    struct span whole = {event->octets + field->start, field->length};
    struct span value = span_after(whole, field->name_length + 1);
    add_octet(line, ' ');
    for (size_t i = strlen("SMTP_"); i < field->name_length; i++)
        add_octet(line, (char)tolower(whole.octets[i]));
    add_octet(line, '=');
    if (needs_quotes(value))
        add_quoted(line, value);
    else
        text_add(line, value);
}

/* The event as one line without its end, with `label` in front; valid until the next call. */
static struct text make_line(const char *label, const struct log_event *event)
{
    static char octets[LOG_LINE_MAX + 1] = ""; /* room for the line end */
    struct text line = {octets, 0, LOG_LINE_MAX};
    text_add_string(&line, label);
    text_add_string(&line, kinds[event->kind].name);
    for (size_t i = 0; i < event->count; i++)
        add_field(&line, event, &event->fields[i]);
    return line;
}

static bool send_to_journal(const struct log_event *event)
{
    struct iovec fields[LOG_FIELDS_MAX + 6];
    char priority[] = "PRIORITY=0", identifier[] = "SYSLOG_IDENTIFIER=smtp-handler", name[64];
    char facility[] = "SYSLOG_FACILITY=2"; /* mail, for a syslog that the journal forwards to */
    size_t count = 0;
    struct text message = make_line("MESSAGE=", event);
    priority[sizeof priority - 2] = (char)('0' + (int)event->level);
    int length = snprintf(name, sizeof name, "SMTP_EVENT=%s", kinds[event->kind].name);
    fields[count++] = (struct iovec){message.octets, message.length};
    fields[count++] = (struct iovec){priority, sizeof priority - 1};
    fields[count++] = (struct iovec){identifier, sizeof identifier - 1};
    fields[count++] = (struct iovec){facility, sizeof facility - 1};
    fields[count++] = (struct iovec){name, (size_t)length};
    const char *id = kinds[event->kind].message_id;
    fields[count++] = (struct iovec){(char *)id, strlen(id)};
    for (size_t i = 0; i < event->count; i++)
        fields[count++] =
            (struct iovec){(char *)event->octets + event->fields[i].start, event->fields[i].length};
    return systemd_journal_send(fields, count);
}

/*
 * The reader of standard error may be stuck: wait 1 s once, then not at all until it reads again;
 * drop what it does not take.
 */
static bool stderr_takes_more(void)
{
    static int timeout = 1000;
    struct pollfd polled = {.fd = STDERR_FILENO, .events = POLLOUT};
    bool takes = poll(&polled, 1, timeout) == 1 && (polled.revents & POLLOUT) != 0;
    timeout = takes ? 1000 : 0;
    return takes;
}

/* The program's name comes first, as in other programs' lines. A ready pipe takes PIPE_BUF octets.
 */
static void send_to_stderr(const struct log_event *event)
{
    struct text line = make_line("smtp-handler: ", event);
    ssize_t written;
    line.octets[line.length++] = '\n';
    for (size_t at = 0; at < line.length && stderr_takes_more(); at += (size_t)written) {
        size_t left = line.length - at;
        written = write(STDERR_FILENO, line.octets + at, left < PIPE_BUF ? left : PIPE_BUF);
        if (written < 0)
            return;
    }
}

static void send_to_syslog(const struct log_event *event)
{
    struct text line = make_line("", event);
    syslog((int)event->level, "%.*s", (int)line.length, line.octets);
}

void log_send(const struct log_event *event)
{
    if (target == LOG_OPTION_JOURNAL && !send_to_journal(event))
        target = fallback;
    if (target == LOG_OPTION_SYSLOG)
        send_to_syslog(event);
    else if (target == LOG_OPTION_STDERR)
        send_to_stderr(event);
}

void log_trouble(const char *format, ...)
{
    static struct log_event event; /* untouched pages cost nothing */
    char text[LOG_VALUE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_begin(&event, LOG_LEVEL_ERROR, LOG_KIND_TROUBLE);
    if (length > 0)
        log_add(&event, "text", span_of(text));
    log_send(&event);
}
