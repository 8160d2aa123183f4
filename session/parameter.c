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

/* The value of a hexadecimal digit, in capitals as RFC 3461 4 and RFC 6533 3 have it; -1 for none.
 */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes "+2B" off the front of xtext (RFC 3461 4), or a character that stands for itself. */
static bool take_xtext_character(struct span *xtext, struct text *text)
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
    text_add(text, (struct span){&c, 1});
    *xtext = span_after(*xtext, used);
    return c >= ' ' && c <= '~';
}

/* Takes "\x{FC}" or an octet sequence of UTF-8 off the front: an address of RFC 6533 3. */
static bool take_utf8_character(struct span *address, struct text *text)
{
    size_t end = span_find(*address, '}');
    size_t used = utf8_length(*address);
    char octets[4];
    struct span character = span_first(*address, used);
    if (used == 0) {
        uint32_t number = 0;
        if (end == address->length || end < 5 || end > 9 ||
            !span_equal(span_first(*address, 3), span_of("\\x{")))
            return false;
        for (size_t i = 3; i < end; i++) {
            int digit = hex_value(address->octets[i]);
            if (digit < 0)
                return false;
            number = number * 16 + (unsigned)digit;
        }
        octets[0] = (char)(number <= '~' ? number : 0);
        character = octets[0] >= ' ' ? (struct span){octets, 1} : utf8_encode(number, octets);
        used = end + 1;
    }
    text_add(text, character);
    *address = span_after(*address, used);
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
        bool beyond_ascii = utf8 && (c == '\\' || (unsigned char)c > 127);
        if (!(beyond_ascii ? take_utf8_character : take_xtext_character)(&value, &text))
            return false;
    }
    parameters->orcpt_length = text.length;
    return true;
}

static bool take_notify(struct parameters *parameters, struct span value)
{
    static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    enum { NEVER = 1, WORDS = sizeof words / sizeof *words };
    struct text text = {.octets = parameters->notify, .size = sizeof parameters->notify};
    unsigned asked = 0;
    for (;;) {
        size_t length = span_find(value, ',');
        unsigned word = 0;
        while (word < WORDS && !span_equal(span_first(value, length), span_of(words[word])))
            word++;
        if (word == WORDS)
            return false;
        asked |= 1U << word;
        if (length == value.length)
            break;
        value = span_after(value, length + 1);
    }
    for (unsigned word = 0; word < WORDS; word++) {
        if ((asked & 1U << word) == 0)
            continue;
        text_add_string(&text, text.length > 0 ? "," : "");
        text_add_string(&text, words[word]);
    }
    parameters->notify_length = text.length;
    return asked == NEVER || (asked & NEVER) == 0;
}

static const struct {
    const char *keyword;
    enum parameter_set set;
    bool (*take)(struct parameters *parameters, struct span value);
} rows[] = {
    {"SIZE", PARAMETERS_MAIL, take_size},         /* RFC 1870 */
    {"BODY", PARAMETERS_MAIL, take_body},         /* RFC 6152 */
    {"SMTPUTF8", PARAMETERS_MAIL, take_utf8},     /* RFC 6531 */
    {"PRDR", PARAMETERS_PRDR, take_prdr},         /* draft-hall-prdr */
    {"RET", PARAMETERS_DSN_MAIL, take_ret},       /* RFC 3461 */
    {"ENVID", PARAMETERS_DSN_MAIL, take_envid},   /* RFC 3461 */
    {"NOTIFY", PARAMETERS_DSN_RCPT, take_notify}, /* RFC 3461 */
    {"ORCPT", PARAMETERS_DSN_RCPT, take_orcpt},   /* RFC 3461 */
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
