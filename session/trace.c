#include "session/trace.h"

#include <assert.h>

#include "session/text/text.h"

#define RECEIVED "Received: "

struct span protocol_name(struct protocol protocol)
{
    static const char names[][4][sizeof "UTF8SMTPSA"] = {
        {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
        {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
        {"LMTP", "LMTPS", "LMTPA", "LMTPSA"},
        {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"},
    };
    if (!protocol.extended)
        return span_of("SMTP");
    unsigned row = (protocol.lmtp ? 2U : 0) + (protocol.utf8 ? 1U : 0);
    unsigned column = (protocol.authenticated ? 2U : 0) + (protocol.secured ? 1U : 0);
    return span_of(names[row][column]);
}

struct date {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;
};

/*
 * The Gregorian date `days` days after 1970-01-01. Years are counted from March within; of 400 the
 * last century has a day more, of 100 or fewer each fourth.
 */
/*@ requires 0 <= days <= INT64_MAX / 86400;
    assigns \nothing;
    ensures 1 <= \result.month <= 12; */
static struct date date_of(int64_t days)
{
    int64_t since_march_0000 = days + 719468;
    int64_t era = since_march_0000 / 146097;
    int64_t day = since_march_0000 % 146097;
    int64_t century = day / 36524 - day / 146096;
    day -= 36524 * century;
    int64_t leap = day / 1461;
    day %= 1461;
    int64_t year = day / 365 - day / 1460;
    day -= 365 * year;
    int64_t month = (5 * day + 2) / 153; /* 0 is March */
    return (struct date){
        .year = 400 * era + 100 * century + 4 * leap + year + (month >= 10 ? 1 : 0),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day - (153 * month + 2) / 5 + 1,
    };
}

/* RFC 5322 3.3, in UTC. */
/*@ requires text_ok(text);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void add_date(struct text *text, int64_t time)
{
    static const char weekdays[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][6] = {" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
                                     " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec "};
    uint64_t seconds = time > 0 ? (uint64_t)time : 0;
    int64_t days = (int64_t)(seconds / 86400);
    struct date date = date_of(days);
    text_add_string(text, weekdays[days % 7]);
    text_add_string(text, ", ");
    text_add_number(text, (uint64_t)date.day, 1);
    text_add_string(text, months[date.month - 1]);
    text_add_number(text, (uint64_t)date.year, 4);
    text_add_string(text, " ");
    text_add_number(text, seconds / 3600 % 24, 2);
    text_add_string(text, ":");
    text_add_number(text, seconds / 60 % 60, 2);
    text_add_string(text, ":");
    text_add_number(text, seconds % 60, 2);
    text_add_string(text, " +0000");
}

/* " (client.example.org [192.0.2.1])", with what is known of it: TCP-info, RFC 5321 4.4. */
/*@ requires text_ok(text) && trace_ok(trace);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void add_client(struct text *text, const struct trace *trace)
{
    if (trace->client_address.length == 0)
        return;
    bool is_ipv6 = span_find(trace->client_address, ':') < trace->client_address.length;
    text_add_string(text, " (");
    text_add(text, trace->client_hostname);
    text_add_string(text, trace->client_hostname.length > 0 ? " [" : "[");
    text_add_string(text, is_ipv6 ? "IPv6:" : "");
    text_add(text, trace->client_address);
    text_add_string(text, "])");
}

/* As Postfix has it; a comment of RFC 5322 3.2.2, in which some characters must be quoted. */
/*@ requires text_ok(text) && readable(user) && \valid_read(end);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void add_user(struct text *text, struct span user, const char *end)
{
    if (user.length == 0)
        return;
    text_add_string(text, end);
    text_add_string(text, "\t(Authenticated sender: ");
    /*@ loop invariant 0 <= i <= user.length && text_ok(text);
        loop assigns i, text->length, text->octets[0 .. text->size - 1];
        loop variant user.length - i; */
    for (size_t i = 0; i < user.length; i++) {
        if (span_find(span_of("()\\"), user.octets[i]) < 3)
            text_add_string(text, "\\");
        text_add_printable(text, (struct span){user.octets + i, 1});
    }
    text_add_string(text, ")");
}

/*@ requires text_ok(text) && readable(sender) && \valid_read(end);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void add_return_path(struct text *text, struct span sender, const char *end)
{
    text_add_string(text, "Return-Path: <");
    text_add(text, sender);
    text_add_string(text, ">");
    text_add_string(text, end);
}

/*@ assigns \nothing;
    ensures \valid_read(\result); */
static const char *end_of(enum line_ending line_ending)
{
    return line_ending == LINE_ENDING_CRLF ? "\r\n" : "\n";
}

/*@ requires \valid_read(text) && \valid(output) && text->length <= output->length;
    assigns *output;
    ensures moved_on(*output, \old(*output));
    ensures output->length == \old(output->length) - \old(text->length); */
static void finish(const struct text *text, struct room *output)
{
    output->octets += text->length;
    output->length -= text->length;
}

void trace_write_return_path(const struct mailbox *sender, enum line_ending line_ending,
                             struct room *output)
{
    struct text text = {.octets = output->octets, .size = output->length};
    add_return_path(&text, mailbox_whole(sender), end_of(line_ending));
    finish(&text, output);
}

void trace_write(const struct trace *trace, enum line_ending line_ending, struct room *output)
{
    const char *end = end_of(line_ending);
    assert(output->length >= TRACE_FIELDS_MAX);
    struct text text = {.octets = output->octets, .size = TRACE_FIELDS_MAX};
    add_return_path(&text, trace->sender, end);
    if (trace->delivered_to && trace->recipient.length > 0) {
        text_add_string(&text, "Delivered-To: ");
        text_add(&text, trace->recipient);
        text_add_string(&text, end);
    }
    text_add_string(&text, RECEIVED "from ");
    text_add(&text, trace->helo);
    add_client(&text, trace);
    add_user(&text, trace->user, end);
    text_add_string(&text, end);
    text_add_string(&text, "\tby ");
    text_add(&text, trace->hostname);
    text_add_string(&text, " with ");
    text_add(&text, trace->protocol);
    text_add_string(&text, " id ");
    text_add(&text, trace->id);
    if (trace->recipient.length > 0) {
        text_add_string(&text, end);
        text_add_string(&text, "\tfor <");
        text_add(&text, trace->recipient);
        text_add_string(&text, ">");
    }
    text_add_string(&text, ";");
    text_add_string(&text, end);
    text_add_string(&text, "\t");
    add_date(&text, trace->time);
    text_add_string(&text, end);
    finish(&text, output);
}

size_t trace_find_received(struct span fields)
{
    const struct span name = span_of(RECEIVED);
    struct span rest = fields;
    /*@ loop invariant rest_of(rest, fields);
        loop assigns rest;
        loop variant rest.length; */
    while (rest.length > name.length && memcmp(rest.octets, name.octets, name.length) != 0) {
        size_t line = span_find(rest, '\n');
        rest = span_after(rest, line < rest.length ? line + 1 : line);
    }
    return rest.length > name.length ? fields.length - rest.length : fields.length;
}
