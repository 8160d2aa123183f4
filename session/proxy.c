#include "session/proxy.h"

/*@ requires \valid(header) && \valid_read(reason);
    assigns header->reason;
    ensures \result == PROXY_RESULT_BAD && header->reason == reason; */
static enum proxy_result refuse(struct proxy_header *header, const char *reason)
{
    header->reason = reason;
    return PROXY_RESULT_BAD;
}

/* Whether `input` is a beginning of `whole`, or begins with it. */
/*@ requires readable(input) && readable_octets((char *)whole, length);
    assigns \nothing; */
static bool begins(struct span input, const char *whole, size_t length)
{
    size_t common = input.length < length ? input.length : length;
    return memcmp(input.octets, whole, common) == 0;
}

/* Parses the word up to the next space, or all, off the front of `line`. */
/*@ requires parsable(line);
    assigns *line;
    ensures parsable(line) && rest_of(*line, \old(*line)) && readable(\result); */
static struct span parse_word(struct span *line)
{
    size_t length = span_find(*line, ' ');
    struct span word = span_first(*line, length);
    *line = span_after(*line, length < line->length ? length + 1 : length);
    return word;
}

/* Version 1: whether only characters of such an address are in it. */
/*@ requires readable(word);
    assigns \nothing; */
static bool is_address(struct span word, bool ipv6)
{
    const char *allowed = ipv6 ? "0123456789abcdefABCDEF:." : "0123456789.";
    /*@ loop invariant 0 <= i <= word.length;
        loop assigns i;
        loop variant word.length - i; */
    for (size_t i = 0; i < word.length; i++)
        if (word.octets[i] == '\0' || strchr(allowed, word.octets[i]) == NULL)
            return false;
    return word.length > 0 && ipv6 == (span_find(word, ':') < word.length);
}

/* A number up to 65535 without zeros in front. */
/*@ requires readable(word) && \valid(port);
    assigns *port; */
static bool parse_port(struct span word, unsigned *port)
{
    uint64_t number;
    bool has_zeros = word.length > 1 && word.octets[0] == '0';
    if (has_zeros || !span_number(word, &number) || number > 65535)
        return false;
    *port = (unsigned)number;
    return true;
}

/* The line of version 1 without its end, behind "PROXY ". */
/*@ requires readable(line) && \valid(header) && addresses_ok(header);
    assigns *header;
    ensures header->length == \old(header->length);
    ensures \result == PROXY_RESULT_OK ==> addresses_ok(header);
    ensures \result == PROXY_RESULT_BAD ==> \valid_read(header->reason); */
static enum proxy_result parse_line(struct span line, struct proxy_header *header)
{
    struct span family = parse_word(&line);
    bool ipv6 = family.length == 4 && memcmp(family.octets, "TCP6", 4) == 0;
    if (family.length == 7 && memcmp(family.octets, "UNKNOWN", 7) == 0)
        return PROXY_RESULT_OK; /* whatever follows */
    if (!ipv6 && !(family.length == 4 && memcmp(family.octets, "TCP4", 4) == 0))
        return refuse(header, "neither TCP4, TCP6 nor UNKNOWN");
    header->form = PROXY_FORM_TEXT;
    header->source.address = parse_word(&line);
    header->destination.address = parse_word(&line);
    if (!is_address(header->source.address, ipv6) || !is_address(header->destination.address, ipv6))
        return refuse(header, "no address of the family");
    if (!parse_port(parse_word(&line), &header->source.port) ||
        !parse_port(line, &header->destination.port))
        return refuse(header, "no port, or more than two");
    return PROXY_RESULT_OK;
}

/*@ requires readable(input) && input.length > 0 && \valid(header) && addresses_ok(header);
    assigns *header;
    ensures \result == PROXY_RESULT_OK ==> header->length <= input.length && addresses_ok(header);
    ensures \result == PROXY_RESULT_BAD ==> \valid_read(header->reason); */
static enum proxy_result parse_text(struct span input, struct proxy_header *header)
{
    static const char start[] = "PROXY ";
    const size_t start_length = sizeof start - 1;
    size_t line_feed = span_find(input, '\n');
    if (!begins(input, start, start_length))
        return refuse(header, "no PROXY header");
    if (input.length < start_length)
        return PROXY_RESULT_MORE;
    size_t carriage_return = start_length + span_find(span_after(input, start_length), '\r');
    size_t length = line_feed < input.length ? line_feed + 1 : input.length;
    if (length > PROXY_LINE_MAX || (length == PROXY_LINE_MAX && line_feed == input.length))
        return refuse(header, "a line longer than 107 octets");
    if (carriage_return + 1 < length && carriage_return + 1 != line_feed)
        return refuse(header, "a carriage return within the line");
    if (line_feed == input.length)
        return PROXY_RESULT_MORE;
    if (carriage_return >= line_feed)
        return refuse(header, "a line that does not end with CR LF");
    header->length = length;
    return parse_line(span_after(span_first(input, carriage_return), start_length), header);
}

/*@ requires readable(input) && at + 1 < input.length;
    assigns \nothing; */
static unsigned read_16_bits(struct span input, size_t at)
{
    return ((unsigned)(unsigned char)input.octets[at] << 8) + (unsigned char)input.octets[at + 1];
}

/* Both addresses, of `size` octets, and both ports, at the front of `input`. */
/*@ requires readable(input) && (size == 4 || size == 16) && \valid(header) && addresses_ok(header);
    assigns *header;
    ensures header->length == \old(header->length);
    ensures \result == PROXY_RESULT_OK ==> addresses_ok(header);
    ensures \result == PROXY_RESULT_BAD ==> \valid_read(header->reason); */
static enum proxy_result parse_addresses(struct span input, size_t size,
                                         struct proxy_header *header)
{
    if (input.length < 2 * size + 4)
        return refuse(header, "too short for the addresses");
    header->form = size == 4 ? PROXY_FORM_IPV4 : PROXY_FORM_IPV6;
    header->source.address = span_first(input, size);
    header->destination.address = span_first(span_after(input, size), size);
    header->source.port = read_16_bits(input, 2 * size);
    header->destination.port = read_16_bits(input, 2 * size + 2);
    return PROXY_RESULT_OK;
}

/* Version 2, whole: `input` is what follows its preamble. */
/*@ requires readable(input) && \valid(header) && addresses_ok(header);
    assigns *header;
    ensures header->length == \old(header->length);
    ensures \result == PROXY_RESULT_OK ==> addresses_ok(header);
    ensures \result == PROXY_RESULT_BAD ==> \valid_read(header->reason); */
static enum proxy_result parse_family(unsigned char family, struct span input,
                                      struct proxy_header *header)
{
    switch (family) {
    case 0x11: /* TCP over IPv4 */
        return parse_addresses(input, 4, header);
    case 0x21: /* TCP over IPv6 */
        return parse_addresses(input, 16, header);
    case 0x00: /* not said */
    case 0x31: /* a Unix socket of either sort */
    case 0x32:
        return PROXY_RESULT_OK;
    default:
        break;
    }
    return refuse(header, "an address family or transport that is not known");
}

/*@ requires readable(input) && input.length > 0 && \valid(header) && addresses_ok(header);
    assigns *header;
    ensures \result == PROXY_RESULT_OK ==> header->length <= input.length && addresses_ok(header);
    ensures \result == PROXY_RESULT_BAD ==> \valid_read(header->reason); */
static enum proxy_result parse_binary(struct span input, struct proxy_header *header)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    enum { SIGNATURE = sizeof signature - 1, COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
    if (!begins(input, signature, SIGNATURE))
        return refuse(header, "no PROXY header");
    unsigned char command = input.length > SIGNATURE ? (unsigned char)input.octets[SIGNATURE] : 0;
    if (input.length > SIGNATURE && command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return refuse(header, "a version or command that is not known");
    if (input.length < PROXY_PREAMBLE)
        return PROXY_RESULT_MORE;
    size_t length = read_16_bits(input, PROXY_PREAMBLE - 2);
    if (length > PROXY_ADDRESSES_MAX)
        return refuse(header, "addresses and TLVs of more than 4096 octets");
    if (input.length < PROXY_PREAMBLE + length)
        return PROXY_RESULT_MORE;
    header->length = PROXY_PREAMBLE + length;
    if (command == COMMAND_LOCAL)
        return PROXY_RESULT_OK;
    return parse_family((unsigned char)input.octets[SIGNATURE + 1],
                        span_after(span_first(input, header->length), PROXY_PREAMBLE), header);
}

enum proxy_result proxy_parse(struct span input, struct proxy_header *header)
{
    *header = (struct proxy_header){.length = 0};
    if (input.length == 0)
        return PROXY_RESULT_MORE;
    return input.octets[0] == '\r' ? parse_binary(input, header) : parse_text(input, header);
}
