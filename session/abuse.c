#include "session/abuse.h"

enum { TLS_HANDSHAKE = 22 }; /* the record type of a ClientHello; RFC 8446 5.1 */

/*@ assigns \nothing; */
static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*@ assigns \nothing; */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*@ assigns \nothing; */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

const char *abuse_find(struct span input, enum newlines newlines, bool *undecided)
{
    char first = input.length > 0 ? input.octets[0] : '\r';
    bool ends_line = first == '\n' && newlines == NEWLINES_LENIENT;
    *undecided = ends_line || (first == '\r' && (input.length < 2 || input.octets[1] == '\n'));
    if (*undecided || is_letter(first))
        return NULL;
    return first == TLS_HANDSHAKE ? "tls" : "no-letter";
}

/* The index, from `at` on, of the first octet that is a blank, or is not; or the length. */
/*@ requires readable(line) && at <= line.length;
    assigns \nothing;
    ensures at <= \result <= line.length; */
static size_t find(struct span line, size_t at, bool blank)
{
    /*@ loop invariant \at(at, Pre) <= at <= line.length;
        loop assigns at;
        loop variant line.length - at; */
    while (at < line.length && is_blank(line.octets[at]) != blank)
        at++;
    return at;
}

/* HTTP/1.1 or HTTP/2, and nothing else. */
/*@ requires readable(word);
    assigns \nothing; */
static bool is_version(struct span word)
{
    static const char name[] = "HTTP/";
    size_t length = sizeof name - 1;
    if (word.length <= length || !span_equal(span_first(word, length), span_of(name)))
        return false;
    struct span number = span_after(word, length);
    bool is_major = number.length == 1, is_minor = number.length == 3 && number.octets[1] == '.';
    return (is_major || is_minor) && is_digit(number.octets[0]) &&
           is_digit(number.octets[number.length - 1]);
}

bool abuse_is_http(struct span line)
{
    line = span_trim(line);
    size_t method_end = find(line, 0, true);
    size_t target = find(line, method_end, false);
    size_t last = line.length;
    /*@ loop invariant target <= last <= line.length;
        loop assigns last;
        loop variant last; */
    while (last > target && !is_blank(line.octets[last - 1]))
        last--;
    return last > target && is_version(span_after(line, last));
}

bool abuse_must_wait(const char *verb)
{
    static const char verbs[][sizeof "STARTTLS"] = {"EHLO", "LHLO", "STARTTLS", "AUTH", "DATA"};
    enum { VERBS = sizeof verbs / sizeof *verbs };
    size_t i = 0;
    /*@ loop invariant 0 <= i <= VERBS;
        loop assigns i;
        loop variant VERBS - i; */
    while (i < VERBS && strcmp(verb, verbs[i]) != 0)
        i++;
    return i < VERBS;
}

/*@ requires \valid_read(form);
    assigns \nothing;
    ensures reply_ok(\result); */
static enum reply reply_to(const char *form)
{
    if (strcmp(form, "no-letter") == 0)
        return REPLY_NO_LETTER;
    if (strcmp(form, "early") == 0)
        return REPLY_EARLY;
    return strcmp(form, "pipelining") == 0 ? REPLY_PIPELINED : REPLY_OTHER_PROTOCOL;
}

void abuse_end(struct session *session, const char *form)
{
    enum reply reply = reply_to(form);
    session->counts.abuse = form;
    if (reply_class(reply) != '5') /* which counts by itself */
        state_count_error(session);
    state_leave(session, reply);
}
