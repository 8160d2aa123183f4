#include "log.h"

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

#include "systemd.h"

static enum log_option target = LOG_OPTION_STDERR;
static enum log_option fallback = LOG_OPTION_STDERR; /* where the journal cannot be reached */

static const struct {
    const char *name;
    const char *message_id;
} kinds[] = {
    [LOG_KIND_CONNECTION] = {"connection", "MESSAGE_ID=e4a6d43e58454667b5127411235e4f5b"},
    [LOG_KIND_MESSAGE] = {"message", "MESSAGE_ID=a7b45b150238484eb98175c5a5390366"},
    [LOG_KIND_SENDER] = {"sender", "MESSAGE_ID=64cfa400bf2f4614b71b924a3e6757a1"},
    [LOG_KIND_RECIPIENT] = {"recipient", "MESSAGE_ID=9d0b45ce951d415a82e971c8cfc9e24c"},
    [LOG_KIND_COMMAND] = {"command", "MESSAGE_ID=4bfe15fbe4734cbb82943833d75061b1"},
    [LOG_KIND_AUTH] = {"auth", "MESSAGE_ID=55b0a1d9d0f14a58b2fa5ba1b7f9b38d"},
    [LOG_KIND_LIMIT] = {"limit", "MESSAGE_ID=e5d30f4e180c442c8aa9ab3cb9850d16"},
    [LOG_KIND_PROXY] = {"proxy", "MESSAGE_ID=bcad0a0469234fbab382e3d84ba9fc16"},
    [LOG_KIND_HANDSHAKE] = {"handshake", "MESSAGE_ID=954f880aad7e4a0d9f5d779352d72c91"},
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

void log_open(enum log_option where, bool stderr_is_client)
{
    bool usable = !stderr_is_client && fcntl(STDERR_FILENO, F_GETFD) >= 0;
    fallback = usable ? LOG_OPTION_STDERR : LOG_OPTION_SYSLOG;
    target = where == LOG_OPTION_BEST ? find_best(stderr_is_client, usable) : where;
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

__attribute__((format(printf, 3, 4))) static void
add_formatted(struct log_event *event, const char *name, const char *format, ...)
{
    char text[LOG_VALUE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0)
        log_add(event, name, span_of(text));
}

void log_add_number(struct log_event *event, const char *name, uint64_t value)
{
    add_formatted(event, name, "%llu", (unsigned long long)value);
}

void log_add_seconds(struct log_event *event, const char *name, int64_t milliseconds)
{
    add_formatted(event, name, "%lld.%03d", (long long)(milliseconds / 1000),
                  (int)(milliseconds % 1000));
}

/* A line as long as need be: every octet of every value may be escaped. */
struct log_line {
    char octets[4 * sizeof((struct log_event *)NULL)->octets];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void append(struct log_line *line, const char *format,
                                                         ...)
{
    size_t room = sizeof line->octets - line->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->octets + line->length, room, format, arguments);
    va_end(arguments);
    assert(length >= 0 && (size_t)length < room);
    line->length += (size_t)length;
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

static void append_quoted(struct log_line *line, struct span value)
{
    append(line, "\"");
    for (size_t i = 0; i < value.length; i++) {
        char c = value.octets[i];
        if (c == '"' || c == '\\')
            append(line, "\\%c", c);
        else if (c >= ' ' && c <= '~')
            append(line, "%c", c);
        else
            append(line, "\\x%02x", (unsigned char)c);
    }
    append(line, "\"");
}

static void append_field(struct log_line *line, const struct log_event *event,
                         const struct log_field *field)
{
    struct span text = {event->octets + field->start, field->length};
    struct span value = span_after(text, field->name_length + 1);
    append(line, " ");
    for (size_t i = strlen("SMTP_"); i < field->name_length; i++)
        append(line, "%c", tolower(text.octets[i]));
    append(line, "=");
    if (needs_quotes(value))
        append_quoted(line, value);
    else
        append(line, "%.*s", (int)value.length, value.octets);
}

/* The event as one line, with `label` in front and a line end behind. */
static void write_line(struct log_line *line, const char *label, const struct log_event *event)
{
    line->length = 0;
    append(line, "%s%s", label, kinds[event->kind].name);
    for (size_t i = 0; i < event->count; i++)
        append_field(line, event, &event->fields[i]);
    append(line, "\n");
}

static bool send_to_journal(const struct log_event *event)
{
    struct iovec fields[LOG_FIELDS_MAX + 5];
    struct log_line message;
    char priority[] = "PRIORITY=0", identifier[] = "SYSLOG_IDENTIFIER=smtp-handler", name[64];
    size_t count = 0;
    write_line(&message, "MESSAGE=", event);
    priority[sizeof priority - 2] = (char)('0' + (int)event->level);
    int length = snprintf(name, sizeof name, "SMTP_EVENT=%s", kinds[event->kind].name);
    fields[count++] = (struct iovec){message.octets, message.length - 1};
    fields[count++] = (struct iovec){priority, sizeof priority - 1};
    fields[count++] = (struct iovec){identifier, sizeof identifier - 1};
    fields[count++] = (struct iovec){name, (size_t)length};
    const char *id = kinds[event->kind].message_id;
    fields[count++] = (struct iovec){(char *)id, strlen(id)};
    for (size_t i = 0; i < event->count; i++)
        fields[count++] =
            (struct iovec){(char *)event->octets + event->fields[i].start, event->fields[i].length};
    return systemd_journal_send(fields, count);
}

/*
 * Whoever reads the log may have stopped: a second is waited for him once, then, until he goes on,
 * no time at all. What he cannot take is lost.
 */
static bool stderr_takes_more(void)
{
    static int patience = 1000;
    struct pollfd polled = {.fd = STDERR_FILENO, .events = POLLOUT};
    bool takes = poll(&polled, 1, patience) == 1 && (polled.revents & POLLOUT) != 0;
    patience = takes ? 1000 : 0;
    return takes;
}

/* As other programs' lines: who says it first. A pipe that is ready takes PIPE_BUF octets. */
static void send_to_stderr(const struct log_event *event)
{
    struct log_line line;
    ssize_t written;
    write_line(&line, "smtp-handler: ", event);
    for (size_t at = 0; at < line.length && stderr_takes_more(); at += (size_t)written) {
        size_t left = line.length - at;
        written = write(STDERR_FILENO, line.octets + at, left < PIPE_BUF ? left : PIPE_BUF);
        if (written < 0)
            return;
    }
}

void log_send(const struct log_event *event)
{
    struct log_line line;
    if (target == LOG_OPTION_JOURNAL && !send_to_journal(event))
        target = fallback;
    switch (target) {
    case LOG_OPTION_SYSLOG:
        write_line(&line, "", event);
        syslog((int)event->level, "%.*s", (int)line.length - 1, line.octets);
        break;
    case LOG_OPTION_STDERR:
        send_to_stderr(event);
        break;
    default:
        break;
    }
}

void log_trouble(const char *format, ...)
{
    struct log_event event;
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
