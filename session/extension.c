#include "session/extension.h"

#include "session/text/text.h"

/*@ requires \valid_read(session) && text_ok(line);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
static void add_max_size(const struct session *session, struct text *line)
{
    text_add_string(line, " ");
    text_add_number(line, session->settings.max_size, 1);
}

/*@ requires \valid_read(session);
    assigns \nothing; */
static bool is_dsn_offered(const struct session *session)
{
    return session->settings.dsn;
}

/*@ requires \valid_read(session);
    assigns \nothing; */
static bool is_one_recipient_mode(const struct session *session)
{
    return session->settings.one_recipient && !session->settings.lmtp;
}

/*@ requires \valid_read(session) && text_ok(line);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
static void add_limits(const struct session *session, struct text *line)
{
    bool one = is_one_recipient_mode(session) && !session->settings.combined_reply;
    text_add_string(line, " MAILMAX=");
    text_add_number(line, session->settings.max_messages, 1);
    text_add_string(line, " RCPTMAX=");
    text_add_number(line, one ? 1 : session->settings.max_recipients, 1);
}

/*@ requires \valid_read(session);
    assigns \nothing; */
static bool is_tls_offered(const struct session *session)
{
    return session->settings.tls != TLS_POLICY_NONE && !session->lacks_tls && !session->secured &&
           !session->xclient_done;
}

/*@ requires \valid_read(session);
    assigns \nothing; */
static bool is_auth_offered(const struct session *session)
{
    return session->settings.auth && session->secured;
}

/*@ requires \valid_read(session) && text_ok(line);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
static void add_mechanisms(const struct session *session, struct text *line)
{
    (void)session; /* they are always the same */
    text_add_string(line, " PLAIN LOGIN");
}

/*@ requires \valid_read(session);
    assigns \nothing; */
static bool is_xclient_offered(const struct session *session)
{
    return session->settings.xclient && !session->xclient_done;
}

/*@ requires \valid_read(session) && text_ok(line);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
static void add_attributes(const struct session *session, struct text *line)
{
    (void)session; /* they are always the same */
    xclient_add_names(line);
}

static const struct {
    const char *keyword;
    bool (*is_offered)(const struct session *session);                   /* NULL: always */
    void (*add_value)(const struct session *session, struct text *line); /* NULL: none */
    unsigned parameters;                                                 /* of enum parameter_set */
} rows[] = {
    {"PIPELINING", NULL, NULL, 0},                                                  /* RFC 2920 */
    {"SIZE", NULL, add_max_size, PARAMETER_SET_MAIL},                               /* RFC 1870 */
    {"ENHANCEDSTATUSCODES", NULL, NULL, 0},                                         /* RFC 2034 */
    {"8BITMIME", NULL, NULL, PARAMETER_SET_MAIL},                                   /* RFC 6152 */
    {"CHUNKING", NULL, NULL, 0},                                                    /* RFC 3030 */
    {"BINARYMIME", NULL, NULL, PARAMETER_SET_MAIL},                                 /* RFC 3030 */
    {"SMTPUTF8", NULL, NULL, PARAMETER_SET_MAIL},                                   /* RFC 6531 */
    {"DSN", is_dsn_offered, NULL, PARAMETER_SET_DSN_MAIL | PARAMETER_SET_DSN_RCPT}, /* RFC 3461 */
    {"STARTTLS", is_tls_offered, NULL, 0},                                          /* RFC 3207 */
    {"AUTH", is_auth_offered, add_mechanisms, PARAMETER_SET_AUTH},                  /* RFC 4954 */
    {"PRDR", is_one_recipient_mode, NULL, PARAMETER_SET_PRDR}, /* draft-hall-prdr */
    {"XCLIENT", is_xclient_offered, add_attributes, 0},        /* Postfix's XCLIENT_README */
    {"LIMITS", NULL, add_limits, 0}, /* RFC 9422; always there, and so always the last */
};

enum { ROWS = sizeof rows / sizeof *rows, OFFER_MAX = 64 /* octets of one with its value */ };

/*@ requires \valid_read(session) && row < ROWS;
    assigns \nothing; */
static bool is_offered(const struct session *session, size_t row)
{
    /*@ calls is_dsn_offered, is_one_recipient_mode, is_tls_offered, is_auth_offered,
              is_xclient_offered; */
    return rows[row].is_offered == NULL || rows[row].is_offered(session);
}

/*@ requires row < ROWS;
    assigns \nothing;
    ensures \valid_read(\result); */
static const char *keyword_of(size_t row)
{
    return rows[row].keyword;
}

/*@ requires \valid_read(session) && row < ROWS && text_ok(line);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
static void add_value(const struct session *session, size_t row, struct text *line)
{
    if (rows[row].add_value == NULL)
        return;
    /*@ calls add_max_size, add_mechanisms, add_attributes, add_limits; */
    rows[row].add_value(session, line);
}

/*@ requires session_ok(session) && replies_fit(&session->replies, REPLY_LINE_MAX);
    requires readable(keyword) && keyword.length <= DOMAIN_MAX;
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session);
    ensures session->replies.end <= \old(session->replies.end) + keyword.length + 6; */
static void add_line(struct session *session, struct span keyword, bool last)
{
    reply_add_keyword(&session->replies, keyword, last);
}

/*@ requires \valid_read(session) && row < ROWS && \valid(octets + (0 .. OFFER_MAX - 1));
    assigns octets[0 .. OFFER_MAX - 1];
    ensures \result.octets == octets && \result.length <= OFFER_MAX; */
/* NOLINTNEXTLINE(readability-non-const-parameter): the text is written there */
static struct span write_offer(const struct session *session, size_t row, char octets[OFFER_MAX])
{
    struct text line = {.octets = octets, .size = OFFER_MAX};
    text_add_string(&line, keyword_of(row));
    add_value(session, row, &line);
    return text_span(&line);
}

/*@ requires session_ok(session) && row < ROWS && replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session);
    ensures session->replies.end <= \old(session->replies.end) + OFFER_MAX + 6; */
static void add_offer(struct session *session, size_t row)
{
    if (!is_offered(session, row))
        return;
    char octets[OFFER_MAX];
    add_line(session, write_offer(session, row, octets), row == ROWS - 1);
}

void extension_reply(struct session *session)
{
    add_line(session, session->settings.hostname, false);
    /*@ loop invariant 0 <= row <= ROWS && session_ok(session);
        loop invariant session->replies.end <=
            \at(session->replies.end, Pre) + DOMAIN_MAX + 6 + row * (OFFER_MAX + 6);
        loop assigns row, session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
        loop variant ROWS - row; */
    for (size_t row = 0; row < ROWS; row++)
        add_offer(session, row);
}

unsigned extension_parameters(const struct session *session)
{
    unsigned parameters = 0;
    /*@ loop invariant 0 <= row <= ROWS;
        loop assigns row, parameters;
        loop variant ROWS - row; */
    for (size_t row = 0; session->extended && row < ROWS; row++)
        parameters |= is_offered(session, row) ? rows[row].parameters : 0;
    return parameters;
}
