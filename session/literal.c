#include "session/literal.h"

enum { IPV6_GROUPS = 8 };

/*@ assigns \nothing; */
static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Four numbers up to 255, of up to three digits, with dots between them. */
/*@ requires readable(text);
    assigns \nothing; */
static bool ipv4_is_valid(struct span text)
{
    /*@ loop invariant 1 <= field <= 4 && rest_of(text, \at(text, Pre));
        loop assigns field, text;
        loop variant 4 - field; */
    for (int field = 1;; field++) {
        size_t dot = span_find(text, '.');
        uint64_t value;
        if (dot > 3 || !span_number(span_first(text, dot), &value) || value > 255 ||
            (field == 4) != (dot == text.length))
            return false;
        if (field == 4)
            return true;
        text = span_after(text, dot + 1);
    }
}

/*
 * Colon-separated groups of hex digits, an IPv4 address perhaps in the place of the last two.
 * Returns how many groups there are, -1 if there is anything else, or too many. No text has no
 * groups.
 */
/*@ requires readable(text);
    assigns \nothing;
    ensures -1 <= \result <= IPV6_GROUPS + 2; */
static int count_ipv6_groups(struct span text, bool may_end_in_ipv4)
{
    int groups = 0;
    /*@ loop invariant 0 <= groups <= IPV6_GROUPS && rest_of(text, \at(text, Pre));
        loop assigns groups, text;
        loop variant text.length; */
    while (text.length > 0) {
        size_t colon = span_find(text, ':');
        if (colon == text.length && may_end_in_ipv4 && ipv4_is_valid(text))
            return groups + 2;
        if (colon == 0 || colon > 4 || colon + 1 == text.length || groups == IPV6_GROUPS)
            return -1;
        /*@ loop invariant 0 <= i <= colon;
            loop assigns i;
            loop variant colon - i; */
        for (size_t i = 0; i < colon; i++)
            if (!is_hex_digit(text.octets[i]))
                return -1;
        groups++;
        text = span_after(text, colon == text.length ? colon : colon + 1);
    }
    return groups;
}

/*@ requires readable(text);
    assigns \nothing; */
static bool ipv6_is_valid(struct span text)
{
    /*@ loop invariant i == 0 || i < text.length;
        loop assigns i;
        loop variant text.length - i; */
    for (size_t i = 0; i + 1 < text.length; i++) {
        if (text.octets[i] != ':' || text.octets[i + 1] != ':')
            continue;
        int before = count_ipv6_groups(span_first(text, i), false);
        int behind = count_ipv6_groups(span_after(text, i + 2), true);
        return before >= 0 && behind >= 0 && before + behind <= IPV6_GROUPS - 2;
    }
    return count_ipv6_groups(text, true) == IPV6_GROUPS;
}

bool literal_is_valid(struct span text)
{
    static const char tag[] = "IPv6:";
    if (text.length < 2 || text.octets[0] != '[' || text.octets[text.length - 1] != ']')
        return false;
    text = (struct span){text.octets + 1, text.length - 2};
    if (text.length >= sizeof tag - 1 && span_equal(span_first(text, sizeof tag - 1), span_of(tag)))
        return ipv6_is_valid(span_after(text, sizeof tag - 1));
    return ipv4_is_valid(text) || ipv6_is_valid(text); /* some leave the tag out */
}
