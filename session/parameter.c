#include "session/parameter.h"

#include "session/address.h"
#include "session/text/text.h"
#include "session/xtext.h"

/*@ predicate value_parsable(struct parameters *parameters, struct span value) =
        \valid(parameters) && readable(value) &&
        \separated(parameters, value.octets + (0 .. value.length - 1)); */

/*@ requires value_parsable(parameters, value);
    assigns parameters->size; */
static bool parse_size(struct parameters *parameters, struct span value)
{
    return span_number(value, &parameters->size);
}

/* RFC 6152 2, RFC 3030 3. Lines are kept as they are, be they of 7 bits or 8. */
/*@ requires value_parsable(parameters, value);
    assigns parameters->binary; */
static bool parse_body(struct parameters *parameters, struct span value)
{
    parameters->binary = span_equal(value, span_of("BINARYMIME"));
    return parameters->binary || span_equal(value, span_of("7BIT")) ||
           span_equal(value, span_of("8BITMIME"));
}

/*@ requires value_parsable(parameters, value);
    assigns parameters->utf8; */
static bool parse_utf8(struct parameters *parameters, struct span value)
{
    parameters->utf8 = true;
    return value.length == 0;
}

/*@ requires value_parsable(parameters, value);
    assigns parameters->prdr; */
static bool parse_prdr(struct parameters *parameters, struct span value)
{
    parameters->prdr = true;
    return value.length == 0;
}

/*@ requires value_parsable(parameters, value);
    assigns parameters->ret;
    ensures \valid_read(parameters->ret); */
static bool parse_ret(struct parameters *parameters, struct span value)
{
    parameters->ret = span_equal(value, span_of("FULL")) ? "FULL" : "HDRS";
    return span_equal(value, span_of(parameters->ret));
}

bool parameter_is_envid(struct span text)
{
    return text.length > 0 && text.length <= ENVID_MAX && span_is_printable(text);
}

/*@ requires value_parsable(parameters, value) && parameters_ok(parameters);
    assigns parameters->envid_length, parameters->envid[0 .. ENVID_MAX - 1];
    ensures parameters_ok(parameters); */
static bool parse_envid(struct parameters *parameters, struct span value)
{
    struct text text = {.octets = parameters->envid, .size = sizeof parameters->envid};
    if (value.length > ENVID_MAX || value.length == 0)
        return false;
    /*@ loop invariant decodable(&value, &text) && rest_of(value, \at(value, Pre));
        loop assigns value, text.length, parameters->envid[0 .. ENVID_MAX - 1];
        loop variant value.length; */
    while (value.length > 0)
        if (!xtext_decode(&value, false, &text))
            return false;
    parameters->envid_length = text.length;
    return parameter_is_envid(text_span(&text));
}

/* RFC 4954 5: the original sender, which nothing here depends on. */
/*@ requires value_parsable(parameters, value);
    assigns \nothing; */
static bool parse_auth(struct parameters *parameters, struct span value)
{
    char octets[1];
    struct text ignored = {.octets = octets, .size = sizeof octets};
    (void)parameters; /* nothing is stored */
    if (value.length > ORCPT_MAX || value.length == 0)
        return false;
    /*@ loop invariant decodable(&value, &ignored) && rest_of(value, \at(value, Pre));
        loop assigns value, ignored.length, octets[0];
        loop variant value.length; */
    while (value.length > 0)
        if (!xtext_decode(&value, false, &ignored))
            return false;
    return true;
}

bool parameter_is_orcpt(struct span text)
{
    size_t type_length = span_find(text, ';');
    struct span type = span_first(text, type_length);
    if (text.length > ORCPT_MAX || type_length == text.length || !address_is_atom(type))
        return false;
    text = span_after(text, type_length + 1);
    return span_equal(type, span_of("utf-8")) ? text_is_harmless(text) : span_is_printable(text);
}

/*@ requires value_parsable(parameters, value) && parameters_ok(parameters);
    assigns parameters->orcpt_length, parameters->orcpt[0 .. ORCPT_MAX - 1];
    ensures parameters_ok(parameters); */
static bool parse_orcpt(struct parameters *parameters, struct span value)
{
    struct text text = {.octets = parameters->orcpt, .size = sizeof parameters->orcpt};
    size_t type_length = span_find(value, ';');
    struct span type = span_first(value, type_length);
    bool utf8 = span_equal(type, span_of("utf-8"));
    if (value.length > ORCPT_MAX || type_length == value.length || !address_is_atom(type))
        return false;
    text_add(&text, span_first(value, type_length + 1));
    value = span_after(value, type_length + 1);
    /*@ loop invariant decodable(&value, &text) && rest_of(value, \at(value, Pre));
        loop assigns value, text.length, parameters->orcpt[0 .. ORCPT_MAX - 1];
        loop variant value.length; */
    while (value.length > 0)
        if (!xtext_decode(&value, utf8, &text))
            return false;
    bool is_valid = parameter_is_orcpt(text_span(&text));
    parameters->orcpt_length = is_valid ? text.length : 0;
    return is_valid;
}

/* Each with its bit in a set of them, from the lowest on. */
static const char *const notify_words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};

enum { NOTIFY_NEVER = 1, NOTIFY_WORDS = sizeof notify_words / sizeof *notify_words };

/* Parses words with commas between them; 0 if one is unknown. */
/*@ requires readable(value);
    assigns \nothing; */
static unsigned parse_notify_words(struct span value)
{
    unsigned asked = 0;
    /*@ loop invariant rest_of(value, \at(value, Pre));
        loop assigns value, asked;
        loop variant value.length; */
    for (;;) {
        struct span given = span_first(value, span_find(value, ','));
        unsigned word = 0;
        /*@ loop invariant 0 <= word <= NOTIFY_WORDS;
            loop assigns word;
            loop variant NOTIFY_WORDS - word; */
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

/*@ requires value_parsable(parameters, value);
    assigns parameters->notify_length, parameters->notify[0 .. NOTIFY_MAX - 1];
    ensures parameters->notify_length <= NOTIFY_MAX; */
static bool parse_notify(struct parameters *parameters, struct span value)
{
    struct text text = {.octets = parameters->notify, .size = sizeof parameters->notify};
    unsigned asked = parse_notify_words(value);
    /*@ loop invariant 0 <= word <= NOTIFY_WORDS && text_ok(&text);
        loop assigns word, text.length, parameters->notify[0 .. NOTIFY_MAX - 1];
        loop variant NOTIFY_WORDS - word; */
    for (unsigned word = 0; word < NOTIFY_WORDS; word++) {
        if ((asked & 1U << word) == 0)
            continue;
        text_add_string(&text, text.length > 0 ? "," : "");
        text_add_string(&text, notify_words[word]);
    }
    parameters->notify_length = text.length;
    return asked == NOTIFY_NEVER || (asked != 0 && (asked & NOTIFY_NEVER) == 0);
}

bool parameter_is_notify(struct span text)
{
    struct parameters parameters;
    return parse_notify(&parameters, text) && parameters.notify_length == text.length &&
           memcmp(parameters.notify, text.octets, text.length) == 0;
}

static const struct {
    const char *keyword;
    enum parameter_set set;
    bool may_be_wrong; /* then it is dropped: nothing depends on it */
    bool (*parse)(struct parameters *parameters, struct span value);
} rows[] = {
    {"SIZE", PARAMETER_SET_MAIL, false, parse_size},         /* RFC 1870 */
    {"BODY", PARAMETER_SET_MAIL, false, parse_body},         /* RFC 6152 */
    {"SMTPUTF8", PARAMETER_SET_MAIL, false, parse_utf8},     /* RFC 6531 */
    {"PRDR", PARAMETER_SET_PRDR, false, parse_prdr},         /* draft-hall-prdr */
    {"AUTH", PARAMETER_SET_AUTH, false, parse_auth},         /* RFC 4954 */
    {"RET", PARAMETER_SET_DSN_MAIL, false, parse_ret},       /* RFC 3461 */
    {"ENVID", PARAMETER_SET_DSN_MAIL, false, parse_envid},   /* RFC 3461 */
    {"NOTIFY", PARAMETER_SET_DSN_RCPT, false, parse_notify}, /* RFC 3461 */
    {"ORCPT", PARAMETER_SET_DSN_RCPT, true, parse_orcpt},    /* RFC 3461 */
};

enum { ROWS = sizeof rows / sizeof *rows };

/* The row of `keyword`; ROWS if there is none. */
/*@ requires readable(keyword);
    assigns \nothing;
    ensures \result <= ROWS; */
static size_t find(struct span keyword, unsigned allowed)
{
    size_t row = 0;
    /*@ loop invariant 0 <= row <= ROWS;
        loop assigns row;
        loop variant ROWS - row; */
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
    parameters->dropped_length = 0;
}

bool parameter_is_dropped(struct span text)
{
    return text.length <= DROPPED_MAX && span_is_printable(text);
}

/*@ requires value_parsable(parameters, parameter);
    assigns parameters->dropped_length, parameters->dropped[0 .. DROPPED_MAX - 1];
    ensures parameters->dropped_length <= DROPPED_MAX; */
static void drop(struct parameters *parameters, struct span parameter)
{
    struct text text = {.octets = parameters->dropped, .size = sizeof parameters->dropped};
    text_add_printable(&text, parameter);
    parameters->dropped_length = text.length;
}

/*@ requires row < ROWS && value_parsable(parameters, value) && parameters_ok(parameters);
    assigns parameters->size, parameters->utf8, parameters->prdr, parameters->binary,
            parameters->ret, parameters->envid_length, parameters->notify_length,
            parameters->orcpt_length, parameters->envid[0 .. ENVID_MAX - 1],
            parameters->notify[0 .. NOTIFY_MAX - 1], parameters->orcpt[0 .. ORCPT_MAX - 1];
    ensures parameters_ok(parameters); */
static bool parse_value(size_t row, struct parameters *parameters, struct span value)
{
    /*@ calls parse_size, parse_body, parse_utf8, parse_prdr, parse_auth, parse_ret, parse_envid,
              parse_notify, parse_orcpt; */
    return rows[row].parse(parameters, value);
}

enum parameter_result parameters_parse(struct span input, unsigned allowed,
                                       struct parameters *parameters, struct span *offender)
{
    bool seen[ROWS] = {false};
    parameters_clear(parameters);
    /*@ loop invariant part_of(input, \at(input, Pre)) && readable(input);
        loop invariant parameters_ok(parameters);
        loop assigns input, *offender, seen[0 .. ROWS - 1],
            parameters->size, parameters->utf8, parameters->prdr, parameters->binary,
            parameters->ret, parameters->envid_length, parameters->notify_length,
            parameters->orcpt_length, parameters->dropped_length,
            parameters->envid[0 .. ENVID_MAX - 1], parameters->notify[0 .. NOTIFY_MAX - 1],
            parameters->orcpt[0 .. ORCPT_MAX - 1], parameters->dropped[0 .. DROPPED_MAX - 1];
        loop variant input.length; */
    for (;;) {
        input = span_trim(input);
        if (input.length == 0)
            return PARAMETER_OK;
        *offender = span_first(input, span_find(input, ' '));
        /*@ assert parameters_ok(parameters); */
        input = span_after(input, offender->length);

        size_t equals = span_find(*offender, '=');
        bool has_value = equals < offender->length;
        struct span value = span_after(*offender, has_value ? equals + 1 : equals);
        size_t row = find(span_first(*offender, equals), allowed);
        if (row == ROWS)
            return PARAMETER_UNKNOWN;
        bool is_right = !seen[row] && parse_value(row, parameters, value);
        if (!is_right && (seen[row] || !rows[row].may_be_wrong))
            return PARAMETER_BAD;
        if (!is_right)
            drop(parameters, *offender);
        seen[row] = true;
    }
}
