/*
 * The log: one event a line, "event name=value name=value", to the journal, syslog or standard
 * error. Values may come from a client; none can forge a line or another value. Nothing is ever
 * written to standard error if that is the client's connection.
 */
#ifndef HANDLER_LOG_H
#define HANDLER_LOG_H

#include <stdint.h>

#include "handler/options/options.h"

enum {
    LOG_FIELDS_MAX = 24,
    LOG_VALUE_MAX = 512,    /* octets of a value; the rest is cut */
    LOG_OCTETS_MAX = 12288, /* of all values: LOG_FIELDS_MAX of the longest */
    LOG_LINE_MAX = 16384    /* of an event as a line, with escapes; the rest is cut */
};

/* As in syslog(3). */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* What happened. In the journal each has a MESSAGE_ID; see units/smtp-handler.catalog. */
enum log_kind {
    LOG_KIND_CONNECTION,
    LOG_KIND_MESSAGE,
    LOG_KIND_SENDER,
    LOG_KIND_RECIPIENT,
    LOG_KIND_COMMAND,
    LOG_KIND_FILTER,
    LOG_KIND_AUTH,
    LOG_KIND_LIMIT,
    LOG_KIND_PROXY,
    LOG_KIND_HANDSHAKE,
    LOG_KIND_ABUSE,
    LOG_KIND_TROUBLE
};

struct log_field {
    size_t start; /* of "NAME=value" in the event's octets */
    size_t name_length;
    size_t length;
};

struct log_event {
    enum log_level level;
    enum log_kind kind;
    size_t count; /* of fields */
    size_t used;  /* of octets */
    struct log_field fields[LOG_FIELDS_MAX];
    char octets[LOG_OCTETS_MAX + LOG_FIELDS_MAX * 32];
};

/* Chooses the target of events from now on. May be called again. */
void log_open(enum log_option option, bool stderr_is_client);

/* Whether standard error is the journal, which takes lines from there, without fields. */
bool log_stderr_is_journal(void);

/* Begins an event without fields. */
void log_begin(struct log_event *event, enum log_level level, enum log_kind kind);

/*
 * Adds a copy of `value` under `name`, up to 24 small letters; in the journal the field is called
 * SMTP_ and that in capitals. An empty value is left out.
 */
void log_add(struct log_event *event, const char *name, struct span value);
void log_add_number(struct log_event *event, const char *name, uint64_t value);

/* Milliseconds, written as seconds. */
void log_add_seconds(struct log_event *event, const char *name, int64_t milliseconds);

/* Writes the event. There is nobody to tell if that fails. */
void log_send(const struct log_event *event);

/* Writes LOG_KIND_TROUBLE, our own trouble; printf makes the text. */
__attribute__((format(printf, 1, 2))) void log_trouble(const char *format, ...);

#endif
