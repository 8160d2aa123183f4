#include "parameter.h"

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

static bool take_size(struct mail_parameters *parameters, struct span value)
{
    return parameter_number(value, &parameters->size);
}

/* RFC 6152 2, RFC 3030 3. Lines are kept as they are, be they of 7 bits or 8. */
static bool take_body(struct mail_parameters *parameters, struct span value)
{
    parameters->binary = span_equal(value, span_of("BINARYMIME"));
    return parameters->binary || span_equal(value, span_of("7BIT")) ||
           span_equal(value, span_of("8BITMIME"));
}

static bool take_prdr(struct mail_parameters *parameters, struct span value)
{
    parameters->prdr = true;
    return value.length == 0;
}

static const struct {
    const char *keyword;
    bool (*take)(struct mail_parameters *parameters, struct span value);
} rows[] = {
    {"SIZE", take_size},
    {"BODY", take_body},
    {"PRDR", take_prdr},
};

enum { ROWS = sizeof rows / sizeof *rows };

enum parameter_result mail_parameters_parse(struct span input, struct mail_parameters *parameters,
                                            struct span *offender)
{
    bool seen[ROWS] = {false};
    *parameters = (struct mail_parameters){.size = 0};
    for (;;) {
        while (input.length > 0 && input.octets[0] == ' ')
            input = span_after(input, 1);
        if (input.length == 0)
            return PARAMETER_OK;
        *offender = span_first(input, span_find(input, ' '));
        input = span_after(input, offender->length);

        size_t equals = span_find(*offender, '=');
        bool has_value = equals < offender->length;
        struct span value = span_after(*offender, has_value ? equals + 1 : equals);
        size_t row = 0;
        while (row < ROWS && !span_equal(span_first(*offender, equals), span_of(rows[row].keyword)))
            row++;
        if (row == ROWS)
            return PARAMETER_UNKNOWN;
        if (seen[row] || !rows[row].take(parameters, value))
            return PARAMETER_BAD;
        seen[row] = true;
    }
}
