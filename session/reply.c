#include "session/reply.h"

#include <assert.h>

#include "session/text/text.h"

struct row {
    char code[4];
    char status[8]; /* RFC 3463; empty if RFC 2034 3 wants none */
    char text[80];  /* % is replaced by the detail */
};

static const struct row rows[] = {
    [REPLY_GREETING] = {"220", "", "% ESMTP smtp-handler"},
    [REPLY_LMTP_GREETING] = {"220", "", "% LMTP smtp-handler"},
    [REPLY_HELO] = {"250", "", "%"},
    [REPLY_HELP] = {"214", "2.0.0",
                    "Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT"},
    [REPLY_GOODBYE] = {"221", "2.0.0", "% closing connection"},
    [REPLY_OK] = {"250", "2.0.0", "Ok"},
    [REPLY_SENDER_OK] = {"250", "2.1.0", "Sender ok"},
    [REPLY_RECIPIENT_OK] = {"250", "2.1.5", "Recipient ok"},
    [REPLY_VRFY] = {"252", "2.0.0", "Send a message, and it will be tried"},
    [REPLY_SEND_MESSAGE] = {"354", "", "Send the message, end with a dot on a line by itself"},

    [REPLY_CHUNK_OK] = {"250", "2.0.0", "% octets taken"},
    [REPLY_EACH_RECIPIENT] = {"353", "", "Each recipient is answered by itself"},

    [REPLY_START_TLS] = {"220", "2.0.0", "Start TLS"},
    /* RFC 4954 4: Base64 behind the code; nothing, "Username:", "Password:". */
    [REPLY_AUTH_PLAIN] = {"334", "", ""},
    [REPLY_AUTH_USER] = {"334", "", "VXNlcm5hbWU6"},
    [REPLY_AUTH_PASSWORD] = {"334", "", "UGFzc3dvcmQ6"},
    [REPLY_AUTH_OK] = {"235", "2.7.0", "Authenticated"},

    [REPLY_UNKNOWN_COMMAND] = {"500", "5.5.2", "Command not recognized"},
    [REPLY_LINE_TOO_LONG] = {"500", "5.5.2", "Line too long"},
    [REPLY_BAD_CHARACTERS] = {"500", "5.5.2", "Invalid characters in command"},
    [REPLY_NOT_IMPLEMENTED] = {"502", "5.5.1", "Command not implemented"},
    [REPLY_BAD_SEQUENCE] = {"503", "5.5.1", "Bad sequence of commands"},
    [REPLY_NO_RECIPIENTS] = {"554", "5.5.1", "No valid recipients"},
    [REPLY_BINARY_NEEDS_BDAT] = {"503", "5.5.1", "DATA not allowed with BODY=BINARYMIME, use BDAT"},
    [REPLY_ARGUMENT_MISSING] = {"501", "5.5.4", "Argument missing"},
    [REPLY_ARGUMENT_UNWANTED] = {"501", "5.5.4", "No argument allowed"},
    [REPLY_BAD_SENDER] = {"501", "5.1.7", "Bad sender address syntax"},
    [REPLY_BAD_RECIPIENT] = {"501", "5.1.3", "Bad recipient address syntax"},
    [REPLY_SENDER_NOT_ASCII] = {"550", "5.6.7", "Non-ASCII sender address requires SMTPUTF8"},
    [REPLY_RECIPIENT_NOT_ASCII] = {"553", "5.6.7", "Non-ASCII recipient address requires SMTPUTF8"},
    [REPLY_SENDER_TOO_LONG] = {"501", "5.1.7", "Sender address too long"},
    [REPLY_RECIPIENT_TOO_LONG] = {"501", "5.1.3", "Recipient address too long"},
    [REPLY_UNKNOWN_PARAMETER] = {"555", "5.5.4", "Parameter not recognized: %"},
    [REPLY_BAD_PARAMETER] = {"501", "5.5.4", "Bad parameter: %"},
    [REPLY_BAD_BDAT] = {"501", "5.5.4", "Syntax: BDAT size [LAST]"},
    [REPLY_SIZE_TOO_LARGE] = {"552", "5.3.4", "Message too large"},
    [REPLY_TOO_MANY_RECIPIENTS] = {"452", "4.5.3", "Too many recipients"},
    [REPLY_TLS_REQUIRED] = {"530", "5.7.0", "Must issue a STARTTLS command first"},
    [REPLY_TLS_UNAVAILABLE] = {"454", "4.7.0", "TLS is not available now"},
    [REPLY_AUTH_REQUIRED] = {"530", "5.7.0", "Authentication required"},
    [REPLY_AUTH_NEEDS_TLS] = {"538", "5.7.11",
                              "Encryption required for requested authentication mechanism"},
    [REPLY_AUTH_UNKNOWN] = {"504", "5.5.4",
                            "Unrecognized authentication mechanism, use PLAIN or LOGIN"},
    [REPLY_AUTH_ENCODING] = {"501", "5.5.2", "Not Base64, or too long"},
    [REPLY_AUTH_MALFORMED] = {"501", "5.5.2", "Malformed authentication exchange"},
    [REPLY_AUTH_NO_PASSWORD] = {"501", "5.5.2", "An empty password is not accepted"},
    [REPLY_AUTH_TOO_LONG] = {"500", "5.5.6", "Line too long"},
    [REPLY_AUTH_CANCELLED] = {"501", "5.7.0", "Cancelled"},
    [REPLY_AUTH_INVALID] = {"535", "5.7.8", "Authentication credentials invalid"},
    [REPLY_AUTH_DEFERRED] = {"454", "4.7.0", "Temporary authentication failure"},
    [REPLY_XCLIENT_DENIED] = {"550", "5.7.0", "XCLIENT not permitted"},

    [REPLY_TOO_MANY_MESSAGES] = {"421", "4.7.0", "% Too many messages in one connection"},
    [REPLY_TOO_MANY_ERRORS] = {"421", "4.7.0", "% Too many errors"},
    [REPLY_TOO_MANY_IDLE] = {"421", "4.7.0", "% Too many commands without a message"},
    [REPLY_UNSIZED_BDAT] = {"421", "4.5.4", "% BDAT size missing, closing connection"},
    [REPLY_OTHER_PROTOCOL] = {"421", "4.7.0", "% That protocol is not spoken here"},
    [REPLY_NO_LETTER] = {"421", "4.7.0", "% The first line must begin with a letter"},
    [REPLY_TLS_PIPELINED] = {"421", "4.7.0", "% Plaintext pipelined after STARTTLS"},
    [REPLY_EARLY] = {"554", "5.5.0", "% Wait for the greeting"},
    [REPLY_PIPELINED] = {"554", "5.5.0", "% Wait for the reply to each command that needs it"},
    [REPLY_AUTH_TOO_MANY] = {"421", "4.7.0", "% Too many failures of AUTH"},
    [REPLY_TOO_MANY_CONNECTIONS] = {"421", "4.7.0", "% Too many connections, try again later"},
    [REPLY_COMMAND_TIMEOUT] = {"421", "4.4.2", "% Timeout, no command came"},
    [REPLY_DATA_TIMEOUT] = {"421", "4.4.2", "% Timeout, the message came too slowly"},
    [REPLY_SESSION_TIMEOUT] = {"421", "4.4.2", "% Timeout, the connection lasted too long"},
    [REPLY_SHUTDOWN] = {"421", "4.3.2", "% Service shutting down"},
    [REPLY_MISCONFIGURED] = {"421", "4.3.5", "% Service not available, local configuration error"},
};

/* The detail is the id of the message. */
static const struct row verdict_rows[] = {
    [VERDICT_ACCEPTED] = {"250", "2.0.0", "Delivered, id %"},
    [VERDICT_ACCEPTED_APART] = {"250", "2.1.5", "Recipient ok"},
    [VERDICT_DEFERRED] = {"451", "4.3.0", "Local error in processing, try again later, id %"},
    [VERDICT_MISCONFIGURED] = {"451", "4.3.5", "Local configuration error, try again later, id %"},
    [VERDICT_MAILBOX_TROUBLE] = {"451", "4.2.0",
                                 "Mailbox temporarily unavailable, try again later, id %"},
    [VERDICT_MAILBOX_UNAVAILABLE] = {"450", "4.2.1",
                                     "Mailbox unavailable now, try again later, id %"},
    [VERDICT_STORAGE_FULL] = {"452", "4.3.1", "Insufficient system storage, try again later, id %"},
    [VERDICT_TOO_MANY_RECIPIENTS] = {"452", "4.5.3", "Too many recipients"},
    [VERDICT_POSTPONED] = {"451", "4.7.1", "Not accepted now, try again later, id %"},
    [VERDICT_UNKNOWN_MAILBOX] = {"550", "5.1.1", "No such mailbox, id %"},
    [VERDICT_UNKNOWN_DOMAIN] = {"550", "5.1.2", "No such domain, id %"},
    [VERDICT_RELAYING_DENIED] = {"550", "5.7.1", "Relaying denied, id %"},
    [VERDICT_REJECTED] = {"550", "5.7.1", "Access denied, id %"},
    [VERDICT_UNSAFE_SENDER] = {"553", "5.1.7", "Sender address not allowed, id %"},
    [VERDICT_UNSAFE_RECIPIENT] = {"553", "5.1.3", "Recipient address not allowed, id %"},
    [VERDICT_BAD_CONTENT] = {"554", "5.6.0", "Bad message content, id %"},
    [VERDICT_BAD_LINE_END] = {"554", "5.6.11", "Bare CR or LF not allowed, id %"},
    [VERDICT_LOOP] = {"554", "5.4.6", "Mail loop, id %"},
    [VERDICT_TOO_LARGE] = {"552", "5.3.4", "Message too large, id %"},
    [VERDICT_PROTOCOL_TROUBLE] = {"554", "5.5.0", "Message refused, id %"},
    [VERDICT_NOT_PERMITTED] = {"550", "5.7.0", "Message not permitted, id %"},
    [VERDICT_UNAVAILABLE] = {"554", "5.3.0", "Service for this message unavailable, id %"},
    [VERDICT_REFUSED] = {"554", "5.0.0", "Message refused, id %"},
    [VERDICT_BROKEN_OFF] = {"451", "4.4.2", ""},
};

/*@ requires reply_ok(reply);
    assigns \nothing;
    ensures \valid_read(\result); */
static const struct row *row_of(enum reply reply)
{
    return &rows[reply];
}

/*@ requires verdict_ok(verdict);
    assigns \nothing;
    ensures \valid_read(\result); */
static const struct row *verdict_row_of(enum verdict verdict)
{
    return &verdict_rows[verdict];
}

void replies_clear(struct replies *replies)
{
    replies->start = replies->end = 0;
}

bool replies_have_room(const struct replies *replies)
{
    return sizeof replies->octets - replies->end >= 2 * (size_t)REPLY_ROOM;
}

struct span replies_waiting(const struct replies *replies)
{
    return (struct span){replies->octets + replies->start, replies->end - replies->start};
}

void replies_written(struct replies *replies, size_t length)
{
    assert(length <= replies->end - replies->start);
    replies->start += length;
    if (replies->start == replies->end)
        replies_clear(replies);
}

/*@ predicate writable_line(char *octets) = \valid(octets + (0 .. REPLY_LINE_MAX - 1)); */

/* A line to write into; its end always fits. */
/*@ requires writable_line(octets);
    assigns \nothing;
    ensures \result.octets == octets && \result.length == 0;
    ensures \result.size == REPLY_LINE_MAX - 2; */
static struct text begin_line(char octets[REPLY_LINE_MAX])
{
    return (struct text){.octets = octets, .size = REPLY_LINE_MAX - 2};
}

/*@ requires text_ok(line) && line->size == REPLY_LINE_MAX - 2 && writable_line(line->octets);
    requires \separated(line, line->octets + (0 .. REPLY_LINE_MAX - 1));
    assigns *line, line->octets[0 .. REPLY_LINE_MAX - 1];
    ensures line->length <= \min(\old(line->length) + 2, REPLY_LINE_MAX); */
static void end_line(struct text *line)
{
    line->size += 2;
    text_add(line, (struct span){"\r\n", 2});
}

/* The next line goes after the replies that wait. */
/*@ requires replies_ok(replies) && replies_fit(replies, REPLY_LINE_MAX);
    assigns \nothing;
    ensures writable_line(\result) && \result == &replies->octets[0] + replies->end; */
static char *next_line(struct replies *replies)
{
    assert(sizeof replies->octets - replies->end >= REPLY_LINE_MAX);
    return replies->octets + replies->end;
}

/* A % in `text` stands for `detail`. */
/*@ requires text_ok(line) && readable(text) && readable(detail);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
static void add_detailed(struct text *line, struct span text, struct span detail)
{
    size_t place = span_find(text, '%');
    text_add(line, span_first(text, place));
    if (place == text.length)
        return;
    text_add_printable(line, detail);
    text_add(line, span_after(text, place + 1));
}

/* One reply line; a % in `text` stands for `detail`. Returns its length. */
/*@ requires writable_line(octets) && \valid_read(code);
    requires readable(status) && readable(text) && readable(detail);
    assigns octets[0 .. REPLY_LINE_MAX - 1];
    ensures \result <= REPLY_LINE_MAX; */
static size_t write_line(char octets[REPLY_LINE_MAX], const char *code, struct span status,
                         struct span text, struct span detail)
{
    struct text line = begin_line(octets);
    text_add_string(&line, code);
    text_add_string(&line, " ");
    text_add(&line, status);
    text_add_string(&line, status.length > 0 ? " " : "");
    add_detailed(&line, text, detail);
    end_line(&line);
    return line.length;
}

struct span reply_write(char line[REPLY_LINE_MAX], enum reply reply, struct span detail)
{
    const struct row *row = row_of(reply);
    struct span status = span_of(reply_status(reply));
    return (struct span){line, write_line(line, row->code, status, span_of(row->text), detail)};
}

void reply_add(struct replies *replies, enum reply reply, struct span detail)
{
    replies->end += reply_write(next_line(replies), reply, detail).length;
}

char reply_class(enum reply reply)
{
    return row_of(reply)->code[0];
}

const char *reply_status(enum reply reply)
{
    return row_of(reply)->status;
}

void reply_add_keyword(struct replies *replies, struct span keyword, bool last)
{
    struct text line = begin_line(next_line(replies));
    text_add(&line, (struct span){last ? "250 " : "250-", 4});
    text_add(&line, keyword);
    end_line(&line);
    replies->end += line.length;
}

/* How many decimal digits `span` begins with. */
/*@ requires readable(span);
    assigns \nothing;
    ensures \result <= span.length; */
static size_t count_digits(struct span span)
{
    size_t count = 0;
    /*@ loop invariant count <= span.length;
        loop assigns count;
        loop variant span.length - count; */
    while (count < span.length && span.octets[count] >= '0' && span.octets[count] <= '9')
        count++;
    return count;
}

/* How many octets at the front of `text` are an enhanced status code (RFC 3463 2); 0 if none are.
 */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result <= text.length; */
static size_t status_length(struct span text)
{
    size_t length = 0;
    /*@ loop invariant length <= text.length && 1 <= part <= 4;
        loop assigns part, length;
        loop variant 4 - part; */
    for (int part = 1; part <= 3; part++) {
        size_t digits = count_digits(span_after(text, length));
        length += digits;
        if (digits == 0 || digits > 3 || (part == 1 && digits > 1))
            return 0;
        if (part < 3 && (length == text.length || text.octets[length++] != '.'))
            return 0;
    }
    return length == text.length || text.octets[length] == ' ' ? length : 0;
}

bool reply_has_status(struct span text)
{
    return status_length(text) > 0;
}

struct span reply_verdict_status(enum verdict verdict, struct span text)
{
    const struct row *row = verdict_row_of(verdict);
    text = span_trim(text);
    size_t length = status_length(text);
    bool is_of_class = length > 0 && text.octets[0] == row->code[0];
    return is_of_class ? span_first(text, length) : span_of(row->status);
}

void reply_add_verdict(struct replies *replies, enum verdict verdict, struct span text,
                       struct span id)
{
    const struct row *row = verdict_row_of(verdict);
    struct span status = reply_verdict_status(verdict, text);
    text = span_trim(text);
    text = span_trim(span_after(text, status_length(text)));
    bool is_own = text.length == 0;
    replies->end += write_line(next_line(replies), row->code, status,
                               span_of(is_own ? row->text : "%"), is_own ? id : text);
}

enum outcome verdict_outcome(enum verdict verdict)
{
    switch (verdict_row_of(verdict)->code[0]) {
    case '2':
        return OUTCOME_ACCEPTED;
    case '4':
        return OUTCOME_DEFERRED;
    default:
        return OUTCOME_REFUSED;
    }
}

const char *verdict_status(enum verdict verdict)
{
    return verdict_row_of(verdict)->status;
}
