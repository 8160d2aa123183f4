#include "session/xtext.h"

#include "session/text/utf8.h"

/* The value of a hexadecimal digit; -1 if it is not one. */
/*@ assigns \nothing;
    ensures -1 <= \result <= 15; */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xtext_parse_octet(struct span *xtext, char *octet)
{
    char c = xtext->octets[0];
    size_t used = 1;
    if (c == '+') {
        int high = xtext->length > 2 ? hex_value(xtext->octets[1]) : -1;
        int low = high >= 0 ? hex_value(xtext->octets[2]) : -1;
        if (low < 0)
            return false;
        c = (char)(high * 16 + low);
        used = 3;
    } else if (c == '=' || c == ' ') {
        return false;
    }
    *xtext = span_after(*xtext, used);
    *octet = c;
    return true;
}

/* Decodes a character of printable ASCII. */
/*@ requires decodable(xtext, text) && xtext->length > 0;
    assigns *xtext, text->length, text->octets[0 .. text->size - 1];
    ensures decodable(xtext, text) && rest_of(*xtext, \old(*xtext));
    ensures \result ==> xtext->length < \old(xtext->length); */
static bool decode_xtext(struct span *xtext, struct text *text)
{
    char c;
    if (!xtext_parse_octet(xtext, &c))
        return false;
    text_add(text, (struct span){&c, 1});
    return c >= ' ' && c <= '~';
}

/* Copies a non-ASCII character off the front of an address: RFC 6533 3. */
/*@ requires decodable(address, text);
    assigns *address, text->length, text->octets[0 .. text->size - 1];
    ensures decodable(address, text) && rest_of(*address, \old(*address));
    ensures \result ==> address->length < \old(address->length); */
static bool copy_character(struct span *address, struct text *text)
{
    struct span character = span_first(*address, utf8_length(*address));
    text_add(text, character);
    *address = span_after(*address, character.length);
    return character.length > 0;
}

/* Decodes "\x{FC}" off the front of an address: RFC 6533 3, EmbeddedUnicodeChar. */
/*@ requires decodable(address, text);
    assigns *address, text->length, text->octets[0 .. text->size - 1];
    ensures decodable(address, text) && rest_of(*address, \old(*address));
    ensures \result ==> address->length < \old(address->length); */
static bool decode_embedded(struct span *address, struct text *text)
{
    static const char start[] = "\\x{";
    const size_t digits = sizeof start - 1;
    size_t end = span_find(*address, '}');
    uint32_t number = 0;
    if (end == address->length || end < digits + 2 || end > digits + 6 ||
        memcmp(address->octets, start, digits) != 0)
        return false;
    /*@ loop invariant digits <= i <= end;
        loop assigns i, number;
        loop variant end - i; */
    for (size_t i = digits; i < end; i++) {
        int value = hex_value(address->octets[i]);
        if (value < 0)
            return false;
        number = number * 16 + (unsigned)value;
    }
    char octets[UTF8_LENGTH_MAX];
    struct span character = utf8_encode(number, octets);
    text_add(text, character);
    *address = span_after(*address, end + 1);
    return character.length > 0;
}

bool xtext_decode(struct span *xtext, bool utf8, struct text *text)
{
    char c = xtext->octets[0];
    if (utf8 && c == '\\')
        return decode_embedded(xtext, text);
    return utf8 && (unsigned char)c > 127 ? copy_character(xtext, text) : decode_xtext(xtext, text);
}
