#include "parameter.h"

#include "address.h"
#include "text.h"
#include "utf8.h"

bool parameter_number(struct span text, uint64_t *number)
{
    if (text.length == 0 || text.length > 20)
        return false;
    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.octets[i];
        if (c < '0' || c > '9')
            return false;
        unsigned digit = (unsigned)(c - '0');
        bool fits = *number <= (UINT64_MAX - digit) / 10;
        *number = fits ? *number * 10 + digit : UINT64_MAX;
    }
    return true;
}

static bool take_size(struct parameters *parameters, struct span value)
{
    return parameter_number(value, &parameters->size);
}

/* RFC 6152 2, RFC 3030 3. Lines are kept as they are, be they of 7 bits or 8. */
static bool take_body(struct parameters *parameters, struct span value)
{
    parameters->binary = span_equal(value, span_of("BINARYMIME"));
    return parameters->binary || span_equal(value, span_of("7BIT")) ||
           span_equal(value, span_of("8BITMIME"));
}

static bool take_utf8(struct parameters *parameters, struct span value)
{
    parameters->utf8 = true;
    return value.length == 0;
}

static bool take_prdr(struct parameters *parameters, struct span value)
{
    parameters->prdr = true;
    return value.length == 0;
}

static bool take_ret(struct parameters *parameters, struct span value)
{
    parameters->ret = span_equal(value, span_of("FULL")) ? "FULL" : "HDRS";
    return span_equal(value, span_of(parameters->ret));
}

/* The value of a hexadecimal digit; -1 for none. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool parameter_take_xtext(struct span *xtext, char *octet)
{
    char c = xtext->octets[0];
    size_t used = 1;
    if (c == '+') {
        int high = xtext->length > 2 ? hex_value(xtext->octets[1]) : -1;
        int low = high >= 0 ? hex_value(xtext->octets[2]) : -1;
        if (low < 0 || xtext->octets[1] >= 'a' || xtext->octets[2] >= 'a')
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

/* Takes a character of printable ASCII. */
static bool take_xtext_character(struct span *xtext, struct text *text)
{
    char c;
    if (!parameter_take_xtext(xtext, &c))
        return false;
    text_add(text, (struct span){&c, 1});
    return c >= ' ' && c <= '~';
}

/* Takes a character beyond ASCII off the front of an address: RFC 6533 3. */
static bool take_utf8_character(struct span *address, struct text *text)
{
    struct span character = span_first(*address, utf8_length(*address));
    text_add(text, character);
    *address = span_after(*address, character.length);
    return character.length > 0;
}

/* Takes "\x{FC}" off the front of an address: RFC 6533 3, EmbeddedUnicodeChar. */
static bool take_embedded_character(struct span *address, struct text *text)
{
    static const char start[] = "\\x{";
    const size_t digits = sizeof start - 1;
    size_t end = span_find(*address, '}');
    uint32_t number = 0;
    if (end == address->length || end < digits + 2 || end > digits + 6 ||
        memcmp(address->octets, start, digits) != 0)
        return false;
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

static bool take_envid(struct parameters *parameters, struct span value)
{
    struct text text = {.octets = parameters->envid, .size = sizeof parameters->envid};
    if (value.length > ENVID_MAX || value.length == 0)
        return false;
    while (value.length > 0)
        if (!take_xtext_character(&value, &text))
            return false;
    parameters->envid_length = text.length;
    return true;
}

/* RFC 4954 5: who sent it first, by the word of others, which counts for nothing here. */
static bool take_auth(struct parameters *parameters, struct span value)
{
    char octets[1];
    struct text nobody = {.octets = octets, .size = sizeof octets};
    (void)parameters; /* nothing is kept */
    if (value.length > ORCPT_MAX || value.length == 0)
        return false;
    while (value.length > 0)
        if (!take_xtext_character(&value, &nobody))
            return false;
    return true;
}

static bool take_orcpt(struct parameters *parameters, struct span value)
{
    struct text text = {.octets = parameters->orcpt, .size = sizeof parameters->orcpt};
    size_t type_length = span_find(value, ';');
    struct span type = span_first(value, type_length);
    bool utf8 = span_equal(type, span_of("utf-8"));
    if (value.length > ORCPT_MAX || type_length == value.length || !address_is_atom(type))
        return false;
    text_add(&text, span_first(value, type_length + 1));
    value = span_after(value, type_length + 1);
    while (value.length > 0) {
        char c = value.octets[0];
        bool taken = utf8 && c == '\\'                ? take_embedded_character(&value, &text)
                     : utf8 && (unsigned char)c > 127 ? take_utf8_character(&value, &text)
                                                      : take_xtext_character(&value, &text);
        if (!taken)
            return false;
    }
    parameters->orcpt_length = text.length;
    return true;
}

/* Each with its bit in a set of them, from the lowest on. */
static const char *const notify_words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};

enum { NOTIFY_NEVER = 1, NOTIFY_WORDS = sizeof notify_words / sizeof *notify_words };

/* Reads words with commas between them; 0 where one is none of the words. */
static unsigned read_notify_words(struct span value)
{
    unsigned asked = 0;
    for (;;) {
        struct span given = span_first(value, span_find(value, ','));
        unsigned word = 0;
        while (word < NOTIFY_WORDS && !span_equal(given, span_of(notify_words[word])))
            word++;
        if (word == NOTIFY_WORDS)
            return 0;
        asked |= 1U << word;
        if (given.length == value.length)
            return asked;
        value = span_after(value, given.length + 1);
    }
}

static bool take_notify(struct parameters *parameters, struct span value)
{
    struct text text = {.octets = parameters->notify, .size = sizeof parameters->notify};
    unsigned asked = read_notify_words(value);
    for (unsigned word = 0; word < NOTIFY_WORDS; word++) {
        if ((asked & 1U << word) == 0)
            continue;
        text_add_string(&text, text.length > 0 ? "," : "");
        text_add_string(&text, notify_words[word]);
    }
    parameters->notify_length = text.length;
    return asked == NOTIFY_NEVER || (asked != 0 && (asked & NOTIFY_NEVER) == 0);
}

static const struct {
    const char *keyword;
    enum parameter_set set;
    bool (*take)(struct parameters *parameters, struct span value);
} rows[] = {
    {"SIZE", PARAMETER_SET_MAIL, take_size},         /* RFC 1870 */
    {"BODY", PARAMETER_SET_MAIL, take_body},         /* RFC 6152 */
    {"SMTPUTF8", PARAMETER_SET_MAIL, take_utf8},     /* RFC 6531 */
    {"PRDR", PARAMETER_SET_PRDR, take_prdr},         /* draft-hall-prdr */
    {"AUTH", PARAMETER_SET_AUTH, take_auth},         /* RFC 4954 */
    {"RET", PARAMETER_SET_DSN_MAIL, take_ret},       /* RFC 3461 */
    {"ENVID", PARAMETER_SET_DSN_MAIL, take_envid},   /* RFC 3461 */
    {"NOTIFY", PARAMETER_SET_DSN_RCPT, take_notify}, /* RFC 3461 */
    {"ORCPT", PARAMETER_SET_DSN_RCPT, take_orcpt},   /* RFC 3461 */
};

enum { ROWS = sizeof rows / sizeof *rows };

/* The row of `keyword`, ROWS for none. */
static size_t find(struct span keyword, unsigned allowed)
{
    size_t row = 0;
    while (row < ROWS &&
           ((rows[row].set & allowed) == 0 || !span_equal(keyword, span_of(rows[row].keyword))))
        row++;
    return row;
}

void parameters_clear(struct parameters *parameters)
{
    parameters->size = 0;
    parameters->utf8 = parameters->prdr = parameters->binary = false;
    parameters->ret = "";
    parameters->envid_length = parameters->notify_length = parameters->orcpt_length = 0;
}

enum parameter_result parameters_parse(struct span input, unsigned allowed,
                                       struct parameters *parameters, struct span *offender)
{
    bool seen[ROWS] = {false};
    parameters_clear(parameters);
    for (;;) {
        input = span_trim(input);
        if (input.length == 0)
            return PARAMETER_OK;
        *offender = span_first(input, span_find(input, ' '));
        input = span_after(input, offender->length);

        size_t equals = span_find(*offender, '=');
        bool has_value = equals < offender->length;
        struct span value = span_after(*offender, has_value ? equals + 1 : equals);
        size_t row = find(span_first(*offender, equals), allowed);
        if (row == ROWS)
            return PARAMETER_UNKNOWN;
        if (seen[row] || !rows[row].take(parameters, value))
            return PARAMETER_BAD;
        seen[row] = true;
    }
}
