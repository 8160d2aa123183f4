#include "helpers/reply.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum { CODE_LENGTH = 3 };

void reply_clear(struct reply *reply)
{
    reply->code = 0;
    reply->lines = 0;
    reply->is_complete = false;
    reply->length = 0;
    memset(reply->enhanced, 0, sizeof reply->enhanced);
    memset(reply->text, 0, sizeof reply->text);
}

/*@ assigns \nothing;
    ensures \result <==> '0' <= octet <= '9'; */
static bool is_digit(char octet)
{
    return octet >= '0' && octet <= '9';
}

/* The code that begins the line, 0 if none does. */
/*@ requires \valid_read(line + (0 .. length - 1));
    assigns \nothing;
    ensures \result == 0 || (200 <= \result <= 599 && length >= CODE_LENGTH); */
static int parse_code(const char *line, size_t length)
{
    if (length < CODE_LENGTH || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
        !is_digit(line[2]) || (length > CODE_LENGTH && line[3] != ' ' && line[3] != '-'))
        return 0;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* Up to three digits at `*at`, of which it moves to the end. */
/*@ requires \valid_read(text + (0 .. length - 1)) && \valid(at) && *at <= length;
    assigns *at;
    ensures \old(*at) <= *at <= length; */
static bool skip_number(const char *text, size_t length, size_t *at)
{
    size_t begin = *at;
    /*@ loop invariant \at(*at, Pre) <= *at <= length;
        loop assigns *at;
        loop variant length - *at; */
    while (*at < length && *at < begin + 3 && is_digit(text[*at]))
        ++*at;
    return *at > begin;
}

/* The length of the enhanced code of that class in front of the text, 0 if there is none. */
/*@ requires \valid_read(text + (0 .. length - 1)) && 0 <= class <= 9;
    assigns \nothing;
    ensures \result <= length; */
static size_t enhanced_length(const char *text, size_t length, int class)
{
    size_t at = 1;
    if (length == 0 || text[0] != '0' + class)
        return 0;
    /*@ loop invariant 0 <= part <= 2 && at <= length;
        loop assigns part, at;
        loop variant 2 - part; */
    for (int part = 0; part < 2; part++)
        if (at >= length || text[at++] != '.' || !skip_number(text, length, &at))
            return 0;
    return at == length || text[at] == ' ' ? at : 0;
}

/*@ requires reply_ok(reply);
    assigns reply->length, reply->text[0 .. REPLY_TEXT_MAX - 1];
    ensures reply_ok(reply); */
static void add_octet(struct reply *reply, char octet)
{
    if (reply->length < REPLY_TEXT_MAX)
        reply->text[reply->length++] = octet;
}

/* Adds the text of a line; each may repeat the enhanced code, RFC 2034. */
/*@ requires reply_ok(reply) && \valid_read(text + (0 .. length - 1)) && 0 <= reply->code <= 999;
    requires \separated(reply, text + (0 .. length - 1));
    assigns reply->length, reply->text[0 .. REPLY_TEXT_MAX - 1];
    assigns reply->enhanced[0 .. REPLY_ENHANCED_MAX - 1];
    ensures reply_ok(reply); */
static void add_text(struct reply *reply, const char *text, size_t length)
{
    size_t enhanced = enhanced_length(text, length, reply->code / 100);
    if (reply->lines == 0 && enhanced > 0 && enhanced <= REPLY_ENHANCED_MAX)
        memcpy(reply->enhanced, text, enhanced);
    size_t i = enhanced;
    /*@ loop invariant i <= length;
        loop assigns i;
        loop variant length - i; */
    while (i < length && text[i] == ' ')
        i++;
    if (reply->length > 0 && i < length)
        add_octet(reply, ' ');
    /*@ loop invariant i <= length && reply_ok(reply);
        loop assigns i, reply->length, reply->text[0 .. REPLY_TEXT_MAX - 1];
        loop variant length - i; */
    for (; i < length; i++)
        add_octet(reply, text[i] == '\t' ? ' ' : text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
}

bool reply_add_line(struct reply *reply, const char *line, size_t length)
{
    int code = parse_code(line, length);
    if (code == 0 || (reply->lines > 0 && code != reply->code) || reply->lines >= REPLY_LINES_MAX ||
        reply->is_complete)
        return false;
    reply->code = code;
    if (length > CODE_LENGTH + 1)
        add_text(reply, line + CODE_LENGTH + 1, length - CODE_LENGTH - 1);
    reply->is_complete = length == CODE_LENGTH || line[CODE_LENGTH] == ' ';
    reply->lines++;
    return true;
}

unsigned reply_extension(const char *line, size_t length)
{
    static const struct {
        const char *keyword;
        unsigned extension;
    } rows[] = {
        {"PIPELINING", EXTENSION_PIPELINING}, /* RFC 2920 */
        {"SIZE", EXTENSION_SIZE},             /* RFC 1870 */
        {"8BITMIME", EXTENSION_8BITMIME},     /* RFC 6152 */
        {"SMTPUTF8", EXTENSION_SMTPUTF8},     /* RFC 6531 */
        {"CHUNKING", EXTENSION_CHUNKING},     /* RFC 3030 */
        {"BINARYMIME", EXTENSION_BINARYMIME}, /* RFC 3030 */
    };
    if (length <= CODE_LENGTH)
        return 0;
    const char *keyword = line + CODE_LENGTH + 1;
    const char *end = memchr(keyword, ' ', length - CODE_LENGTH - 1);
    size_t size = end == NULL ? length - CODE_LENGTH - 1 : (size_t)(end - keyword);
    /*@ loop invariant 0 <= i <= 6;
        loop assigns i;
        loop variant 6 - i; */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].keyword) == size && strncasecmp(rows[i].keyword, keyword, size) == 0)
            return rows[i].extension;
    return 0;
}

int reply_refusal_status(const struct reply *reply, bool is_of_recipient)
{
    static const struct {
        const char *enhanced; /* or its beginning */
        int status;
    } rows[] = {
        {"5.1.2", EX_NOHOST},  {"5.1.", EX_NOUSER},  {"5.3.", EX_UNAVAILABLE},
        {"5.5.", EX_PROTOCOL}, {"5.6.", EX_DATAERR}, {"5.7.", EX_NOPERM},
    };
    /*@ loop invariant 0 <= i <= 6;
        loop assigns i;
        loop variant 6 - i; */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(reply->enhanced, rows[i].enhanced, strlen(rows[i].enhanced)) == 0)
            return rows[i].status;
    bool is_mailbox = reply->code == 550 || reply->code == 551 || reply->code == 553;
    return is_of_recipient && is_mailbox && reply->enhanced[0] == '\0' ? EX_NOUSER
                                                                       : REPLY_STATUS_REFUSED;
}
