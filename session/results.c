#include "session/results.h"

/* The authserv-id as far as it has come: the first word, and behind it perhaps a version. */
struct id {
    char words[RESULTS_FIELD_MAX]; /* all of them, one behind the other */
    size_t length;
    size_t first; /* octets of the first */
    unsigned count;
    bool within; /* the last word may go on */
    bool is_odd; /* no id by the grammar: readers make different names of it */
};

/*@ predicate id_ok(struct id *id) = \valid(id) && id->first <= id->length <= RESULTS_FIELD_MAX; */

/* What others take for one, by isspace(3). */
/*@ assigns \nothing; */
static bool is_space(char octet)
{
    return octet == ' ' || (octet >= '\t' && octet <= '\r');
}

/*@ assigns \nothing; */
static bool is_of_name(char octet)
{
    char letter = (char)(octet | 0x20);
    return (letter >= 'a' && letter <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' ||
           octet == '.';
}

/* Control characters do not count: a milter is not sent a NUL. */
/*@ requires id_ok(id);
    assigns *id;
    ensures id_ok(id); */
static void add(struct id *id, char octet)
{
    if ((octet >= '\0' && octet < ' ') || octet == '\x7f')
        return;
    id->count += id->within ? 0 : 1;
    id->within = true;
    bool is_version = id->count == 2 && octet >= '0' && octet <= '9';
    id->is_odd = id->is_odd || (id->count > 1 && !is_version);
    if (id->length < sizeof id->words)
        id->words[id->length++] = octet;
    if (id->count == 1)
        id->first = id->length;
}

/* The octet behind the comment that `text` begins with, in which others may stand. */
/*@ requires readable(text) && 0 < text.length <= RESULTS_FIELD_MAX;
    assigns \nothing;
    ensures 0 < \result <= text.length; */
static size_t comment_length(struct span text)
{
    unsigned depth = 0;
    /*@ loop invariant 0 <= i <= text.length + 1;
        loop assigns i, depth;
        loop variant text.length - i; */
    for (size_t i = 0; i < text.length; i++) {
        char octet = text.octets[i];
        if (octet == '\\')
            i++;
        depth += octet == '(' ? 1 : 0;
        if (octet == ')' && --depth == 0)
            return i + 1;
    }
    return text.length;
}

/* The octet behind the quoted string that `text` begins with, which is added without quotes. */
/*@ requires readable(text) && text.length > 0 && id_ok(id);
    assigns *id;
    ensures id_ok(id) && 0 < \result <= text.length; */
static size_t quoted_length(struct span text, struct id *id)
{
    /*@ loop invariant 1 <= i <= text.length && id_ok(id);
        loop assigns i, *id;
        loop variant text.length - i; */
    for (size_t i = 1; i < text.length; i++) {
        if (text.octets[i] == '"')
            return i + 1;
        if (text.octets[i] == '\\' && ++i == text.length)
            break;
        add(id, text.octets[i]);
    }
    return text.length;
}

/* Takes what `text` begins with into the id; its octets. */
/*@ requires readable(text) && 0 < text.length <= RESULTS_FIELD_MAX && id_ok(id);
    assigns *id;
    ensures id_ok(id) && 0 < \result <= text.length; */
static size_t take(struct span text, struct id *id)
{
    char octet = text.octets[0];
    bool is_escape = octet == '\\' && text.length > 1;
    if (octet == '"')
        return quoted_length(text, id);
    if (octet == '(' || is_space(octet))
        id->within = false;
    else if (is_escape || octet == '\\' || octet == ')')
        id->is_odd = true;
    else
        add(id, octet);
    if (is_escape)
        add(id, text.octets[1]);
    return octet == '(' ? comment_length(text) : is_escape ? 2 : 1;
}

/* Reads the id; whether its end is here. */
/*@ requires readable(text) && text.length <= RESULTS_FIELD_MAX && id_ok(id);
    assigns *id;
    ensures id_ok(id); */
static bool read_id(struct span text, struct id *id)
{
    /*@ loop invariant rest_of(text, \at(text, Pre)) && id_ok(id);
        loop assigns text, *id;
        loop variant text.length; */
    while (text.length > 0 && text.octets[0] != ';')
        text = span_after(text, take(text, id));
    return text.length > 0;
}

/*@ requires readable(octets) && readable(name);
    assigns \nothing; */
static bool contains(struct span octets, struct span name)
{
    /*@ loop invariant rest_of(octets, \at(octets, Pre));
        loop assigns octets;
        loop variant octets.length; */
    for (; octets.length >= name.length; octets = span_after(octets, 1))
        if (span_equal(span_first(octets, name.length), name))
            return true;
    return false;
}

/*@ requires readable(word) && readable(hostname);
    assigns \nothing; */
static bool is_name(struct span word, struct span hostname)
{
    if (word.length > hostname.length && word.octets[word.length - 1] == '.')
        word.length--;
    return span_equal(word, hostname);
}

/* The octets of a name, and a semicolon behind them, with which `text` begins; else 0. */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result <= text.length; */
static size_t plain_length(struct span text)
{
    size_t length = 0;
    /*@ loop invariant length <= text.length;
        loop assigns length;
        loop variant text.length - length; */
    while (length < text.length && is_of_name(text.octets[length]))
        length++;
    return length < text.length && text.octets[length] == ';' ? length : 0;
}

/* The same of what stands behind the colon, in whatever way it is written. */
/*@ requires readable(value) && value.length <= RESULTS_FIELD_MAX && readable(hostname);
    assigns \nothing; */
static enum results parse_value(struct span value, struct span hostname, bool whole)
{
    struct id id;
    id.length = id.first = id.count = 0;
    id.within = id.is_odd = false;
    if (!read_id(value, &id) && !whole)
        return RESULTS_UNDECIDED;
    struct span words = {id.words, id.length};
    bool is_encoded = contains(words, span_of("=?")); /* RFC 2047: some readers decode it */
    bool is_ours =
        id.is_odd ? contains(words, hostname) : is_name(span_first(words, id.first), hostname);
    return is_ours || is_encoded ? RESULTS_OURS : RESULTS_OF_ANOTHER;
}

enum results results_parse(struct span field, struct span hostname, bool whole)
{
    size_t colon = span_find(field, ':');
    if (colon == field.length)
        return whole ? RESULTS_OF_ANOTHER : RESULTS_UNDECIDED;
    struct span value = span_after(field, colon + 1);
    if (value.length > 0 && value.octets[0] == ' ')
        value = span_after(value, 1);
    size_t length = plain_length(value);
    if (length == 0)
        return parse_value(value, hostname, whole);
    return is_name(span_first(value, length), hostname) ? RESULTS_OURS : RESULTS_OF_ANOTHER;
}
