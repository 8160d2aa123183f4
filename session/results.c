#include "session/results.h"

/* The authserv-id as far as it has come. */
struct id {
    struct span hostname;
    size_t length;
    bool differs;
};

/* What others take for one, by isspace(3). */
static bool is_space(char octet)
{
    return octet == ' ' || (octet >= '\t' && octet <= '\r');
}

/* Control characters do not count: a milter is not sent a NUL. */
static void add(struct id *id, char octet)
{
    if ((octet >= '\0' && octet < ' ') || octet == '\x7f')
        return;
    struct span expected = id->length < id->hostname.length
                               ? (struct span){id->hostname.octets + id->length, 1}
                               : span_of(".");
    id->differs = id->differs || id->length > id->hostname.length ||
                  !span_equal(expected, (struct span){&octet, 1});
    id->length++;
}

/* The octet behind the comment that `text` begins with, in which others may stand. */
static size_t comment_length(struct span text)
{
    unsigned depth = 0;
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
static size_t quoted_length(struct span text, struct id *id)
{
    for (size_t i = 1; i < text.length; i++) {
        if (text.octets[i] == '"')
            return i + 1;
        if (text.octets[i] == '\\' && ++i == text.length)
            break;
        add(id, text.octets[i]);
    }
    return text.length;
}

/* Reads the id; whether its end is here. */
static bool read_id(struct span text, struct id *id)
{
    for (size_t i = 0; i < text.length;) {
        char octet = text.octets[i];
        struct span rest = span_after(text, i);
        if (octet == ';' || (is_space(octet) && id->length > 0))
            return true;
        if (octet == '(')
            i += comment_length(rest);
        else if (octet == '"')
            i += quoted_length(rest, id);
        else if (!is_space(octet))
            add(id, octet);
        i += octet == '(' || octet == '"' ? 0 : 1;
    }
    return false;
}

enum results results_parse(struct span field, struct span hostname, bool whole)
{
    size_t colon = span_find(field, ':');
    struct id id = {.hostname = hostname};
    if (colon == field.length)
        return whole ? RESULTS_OF_ANOTHER : RESULTS_UNDECIDED;
    bool ended = read_id(span_after(field, colon + 1), &id);
    if (id.differs)
        return RESULTS_OF_ANOTHER;
    if (!ended && !whole)
        return RESULTS_UNDECIDED;
    return id.length >= hostname.length ? RESULTS_OURS : RESULTS_OF_ANOTHER;
}
