#include "session/extension.h"

#include "session/text/text.h"

static void add_max_size(const struct session *session, struct text *line)
{
    text_add_string(line, " ");
    text_add_number(line, session->settings.max_size, 1);
}

static bool is_dsn_offered(const struct session *session)
{
    return session->settings.dsn;
}

static bool is_one_recipient_mode(const struct session *session)
{
    return session->settings.one_recipient && !session->settings.lmtp;
}

static void add_limits(const struct session *session, struct text *line)
{
    bool one = is_one_recipient_mode(session) && !session->settings.combined_reply;
    text_add_string(line, " MAILMAX=");
    text_add_number(line, session->settings.max_messages, 1);
    text_add_string(line, " RCPTMAX=");
    text_add_number(line, one ? 1 : session->settings.max_recipients, 1);
}

static bool is_tls_offered(const struct session *session)
{
    return session->settings.tls != TLS_POLICY_NONE && !session->lacks_tls && !session->secured &&
           !session->xclient_done;
}

static bool is_auth_offered(const struct session *session)
{
    return session->settings.auth && session->secured;
}

static void add_mechanisms(const struct session *session, struct text *line)
{
    (void)session; /* they are always the same */
    text_add_string(line, " PLAIN LOGIN");
}

static bool is_xclient_offered(const struct session *session)
{
    return session->settings.xclient && !session->xclient_done;
}

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

enum { ROWS = sizeof rows / sizeof *rows };

static bool is_offered(const struct session *session, size_t row)
{
    return rows[row].is_offered == NULL || rows[row].is_offered(session);
}

void extension_reply(struct session *session)
{
    reply_add_keyword(&session->replies, session->settings.hostname, false);
    for (size_t row = 0; row < ROWS; row++) {
        char octets[64];
        struct text line = {.octets = octets, .size = sizeof octets};
        if (!is_offered(session, row))
            continue;
        text_add_string(&line, rows[row].keyword);
        if (rows[row].add_value != NULL)
            rows[row].add_value(session, &line);
        reply_add_keyword(&session->replies, text_span(&line), row == ROWS - 1);
    }
}

unsigned extension_parameters(const struct session *session)
{
    unsigned parameters = 0;
    for (size_t row = 0; session->extended && row < ROWS; row++)
        parameters |= is_offered(session, row) ? rows[row].parameters : 0;
    return parameters;
}
