#include "command.h"

#include "message.h"
#include "parameter.h"
#include "text.h"

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED };

struct command {
    const char *verb;
    enum argument argument;
    unsigned phases; /* those that allow it */
    void (*run)(struct session *session, struct span argument);
};

void command_reply(struct session *session, enum reply reply, struct span detail)
{
    if (reply_class(reply) == '5') {
        session->counts.errors++;
        session->errors_in_row++;
    }
    reply_add(&session->replies, reply, detail);
}

static void say(struct session *session, enum reply reply)
{
    command_reply(session, reply, span_empty());
}

void command_forget_transaction(struct session *session)
{
    if (session->message_open) {
        message_abandon(session);
        return;
    }
    envelope_clear(&session->envelope);
    session->id_length = 0;
    session->phase = PHASE_IDLE;
}

/* Real names hold underscores, which is let pass; nothing here could hurt in a header or shell. */
static bool helo_is_valid(struct span name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_";
    if (literal_is_valid(name))
        return true;
    if (name.length == 0 || name.length > DOMAIN_MAX || name.octets[0] == '-')
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (memchr(allowed, name.octets[i], sizeof allowed - 1) == NULL)
            return false;
    return true;
}

static bool greet(struct session *session, struct span name, bool extended)
{
    if (!helo_is_valid(name)) {
        say(session, REPLY_BAD_HELO);
        return false;
    }
    command_forget_transaction(session);
    session->extended = extended;
    memcpy(session->helo, name.octets, name.length);
    session->helo_length = name.length;
    return true;
}

static void run_helo(struct session *session, struct span argument)
{
    if (greet(session, argument, false))
        command_reply(session, REPLY_HELO, session->settings.hostname);
}

static void add_max_size(const struct session *session, struct text *line)
{
    text_add_string(line, " ");
    text_add_number(line, session->settings.max_size, 1);
}

/* The extensions offered, each with what writes the value behind its keyword. */
static const struct {
    const char *keyword;
    void (*add_value)(const struct session *session, struct text *line);
} keywords[] = {
    {"PIPELINING", NULL},          /* RFC 2920 */
    {"SIZE", add_max_size},        /* RFC 1870 */
    {"ENHANCEDSTATUSCODES", NULL}, /* RFC 2034 */
    {"8BITMIME", NULL},            /* RFC 6152 */
    {"CHUNKING", NULL},            /* RFC 3030 */
    {"BINARYMIME", NULL},          /* RFC 3030 */
};

static void run_ehlo(struct session *session, struct span argument)
{
    const size_t count = sizeof keywords / sizeof *keywords;
    if (!greet(session, argument, true))
        return;
    reply_add_keyword(&session->replies, session->settings.hostname, false);
    for (size_t i = 0; i < count; i++) {
        char octets[64];
        struct text line = {.octets = octets, .size = sizeof octets};
        text_add_string(&line, keywords[i].keyword);
        if (keywords[i].add_value != NULL)
            keywords[i].add_value(session, &line);
        reply_add_keyword(&session->replies, text_span(&line), i == count - 1);
    }
}

/* Takes "FROM:" or "TO:" and the blanks behind it, which many clients send. */
static bool take_prefix(struct span *argument, const char *prefix)
{
    size_t length = strlen(prefix);
    if (argument->length < length || !span_equal(span_first(*argument, length), span_of(prefix)))
        return false;
    *argument = span_after(*argument, length);
    while (argument->length > 0 && argument->octets[0] == ' ')
        *argument = span_after(*argument, 1);
    return true;
}

/* Takes the path; what stands behind it must be set off by a space. */
static enum path_result take_path(struct span *argument, const char *prefix, enum path_kind kind,
                                  struct mailbox *mailbox)
{
    if (!take_prefix(argument, prefix))
        return PATH_MALFORMED;
    enum path_result result = path_parse(argument, kind, mailbox);
    if (result == PATH_OK && argument->length > 0 && argument->octets[0] != ' ')
        return PATH_MALFORMED;
    return result;
}

static void ask(struct session *session, enum question question)
{
    session->question = question;
    session->want = WANT_VERDICT;
}

static void begin_transaction(struct session *session)
{
    struct text id = {.octets = session->id, .size = sizeof session->id};
    session->counts.messages++;
    text_add(&id, session->settings.id);
    text_add_string(&id, "-");
    text_add_number(&id, session->counts.messages, 1);
    session->id_length = id.length;
}

/* False, with its reply queued, where a parameter is wrong. HELO allows none at all. */
static bool take_parameters(struct session *session, struct span input,
                            struct mail_parameters *parameters)
{
    struct span offender;
    enum parameter_result result = mail_parameters_parse(input, parameters, &offender);
    if (!session->extended && input.length > 0) {
        result = PARAMETER_UNKNOWN;
        offender = span_after(input, 1);
    }
    if (result == PARAMETER_UNKNOWN)
        command_reply(session, REPLY_UNKNOWN_PARAMETER, offender);
    if (result == PARAMETER_BAD)
        command_reply(session, REPLY_BAD_PARAMETER, offender);
    return result == PARAMETER_OK;
}

static void run_mail(struct session *session, struct span argument)
{
    const struct session_settings *settings = &session->settings;
    struct mail_parameters parameters;
    if (session->counts.messages == settings->max_messages) {
        command_reply(session, REPLY_TOO_MANY_MESSAGES, settings->hostname);
        session->phase = PHASE_OVER;
        return;
    }
    struct mailbox *sender = &session->envelope.sender;
    enum path_result result = take_path(&argument, "FROM:", PATH_REVERSE, sender);
    if (result != PATH_OK) {
        say(session, result == PATH_TOO_LONG ? REPLY_SENDER_TOO_LONG : REPLY_BAD_SENDER);
        return;
    }
    if (!take_parameters(session, argument, &parameters))
        return;
    if (settings->max_size > 0 && parameters.size > settings->max_size) {
        say(session, REPLY_SIZE_TOO_LARGE);
        return;
    }
    session->binary = parameters.binary;
    begin_transaction(session);
    ask(session, QUESTION_SENDER);
}

static void run_rcpt(struct session *session, struct span argument)
{
    enum path_result result = take_path(&argument, "TO:", PATH_FORWARD, &session->candidate);
    if (result != PATH_OK)
        say(session, result == PATH_TOO_LONG ? REPLY_RECIPIENT_TOO_LONG : REPLY_BAD_RECIPIENT);
    else if (argument.length > 0)
        command_reply(session, REPLY_UNKNOWN_PARAMETER, span_after(argument, 1));
    else if (session->envelope.count == session->settings.max_recipients)
        say(session, REPLY_TOO_MANY_RECIPIENTS);
    else
        ask(session, QUESTION_RECIPIENT);
}

static void run_data(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->phase == PHASE_SENDER)
        say(session, REPLY_NO_RECIPIENTS);
    else if (session->binary)
        say(session, REPLY_BINARY_WANTS_BDAT);
    else
        message_begin_content(session);
}

/*
 * RFC 3030 2: the octets follow the line whatever is said to it, so that a BDAT that makes no sense
 * is answered behind them. Only one that does not say how many they are is answered at once.
 */
static void run_bdat(struct session *session, struct span argument)
{
    struct span digits = span_first(argument, span_find(argument, ' '));
    struct span rest = span_after(argument, digits.length);
    bool last = span_equal(rest, span_of(" LAST"));
    uint64_t size;
    if ((rest.length > 0 && !last) || !parameter_number(digits, &size))
        command_reply(session, REPLY_BAD_PARAMETER, argument);
    else if (session->phase == PHASE_SENDER)
        message_refuse_chunk(session, size, REPLY_NO_RECIPIENTS);
    else if (session->phase != PHASE_RECIPIENT && session->phase != PHASE_CHUNKED)
        message_refuse_chunk(session, size, REPLY_BAD_SEQUENCE);
    else
        message_begin_chunk(session, size, last);
}

static void run_rset(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->phase != PHASE_GREETED)
        command_forget_transaction(session);
    say(session, REPLY_OK);
}

static void run_noop(struct session *session, struct span argument)
{
    (void)argument; /* RFC 5321 4.1.1.9: ignored */
    say(session, REPLY_OK);
}

static void run_vrfy(struct session *session, struct span argument)
{
    (void)argument; /* no answer depends on it */
    say(session, REPLY_VRFY);
}

static void run_help(struct session *session, struct span argument)
{
    (void)argument; /* the one text serves for all */
    say(session, REPLY_HELP);
}

static void run_quit(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    session->counts.quit = true;
    if (session->message_open)
        message_abandon(session);
    command_reply(session, REPLY_GOODBYE, session->settings.hostname);
    session->phase = PHASE_OVER;
}

static void run_not_implemented(struct session *session, struct span argument)
{
    (void)argument; /* whatever it is */
    say(session, REPLY_NOT_IMPLEMENTED);
}

enum {
    ALWAYS = PHASE_GREETED | PHASE_IDLE | PHASE_SENDER | PHASE_RECIPIENT | PHASE_CHUNKED,
    IN_TRANSACTION = PHASE_SENDER | PHASE_RECIPIENT
};

static const struct command commands[] = {
    {"HELO", ARGUMENT_REQUIRED, ALWAYS, run_helo},
    {"EHLO", ARGUMENT_REQUIRED, ALWAYS, run_ehlo},
    {"MAIL", ARGUMENT_REQUIRED, PHASE_IDLE, run_mail},
    {"RCPT", ARGUMENT_REQUIRED, IN_TRANSACTION, run_rcpt},
    {"DATA", ARGUMENT_NONE, IN_TRANSACTION, run_data},
    {"BDAT", ARGUMENT_REQUIRED, ALWAYS, run_bdat},
    {"RSET", ARGUMENT_NONE, ALWAYS, run_rset},
    {"NOOP", ARGUMENT_OPTIONAL, ALWAYS, run_noop},
    {"VRFY", ARGUMENT_REQUIRED, ALWAYS, run_vrfy},
    {"HELP", ARGUMENT_OPTIONAL, ALWAYS, run_help},
    {"QUIT", ARGUMENT_NONE, ALWAYS, run_quit},
    {"EXPN", ARGUMENT_OPTIONAL, ALWAYS, run_not_implemented},
    {"SEND", ARGUMENT_OPTIONAL, ALWAYS, run_not_implemented},
    {"SOML", ARGUMENT_OPTIONAL, ALWAYS, run_not_implemented},
    {"SAML", ARGUMENT_OPTIONAL, ALWAYS, run_not_implemented},
    {"TURN", ARGUMENT_OPTIONAL, ALWAYS, run_not_implemented},
};

static const struct command *find(struct span verb)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (span_equal(verb, span_of(commands[i].verb)))
            return &commands[i];
    return NULL;
}

/* RFC 5321 4.1.1: blanks at the end of a line should be tolerated. */
static struct span without_trailing_blanks(struct span line)
{
    size_t length = line.length;
    while (length > 0 && (line.octets[length - 1] == ' ' || line.octets[length - 1] == '\t'))
        length--;
    return span_first(line, length);
}

static bool holds_control_character(struct span line)
{
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.octets[i] < ' ' || line.octets[i] == 127)
            return true;
    return false;
}

void command_run(struct session *session, struct span line)
{
    line = without_trailing_blanks(line);
    struct span verb = span_first(line, span_find(line, ' '));
    struct span argument = span_after(line, verb.length);
    if (argument.length > 0)
        argument = span_after(argument, 1);
    const struct command *command = find(verb);
    if (holds_control_character(line))
        say(session, REPLY_LINE_BROKEN);
    else if (command == NULL)
        say(session, REPLY_UNKNOWN_COMMAND);
    else if ((command->phases & session->phase) == 0)
        say(session, REPLY_BAD_SEQUENCE);
    else if (command->argument == ARGUMENT_NONE && argument.length > 0)
        say(session, REPLY_ARGUMENT_UNWANTED);
    else if (command->argument == ARGUMENT_REQUIRED && argument.length == 0)
        say(session, REPLY_ARGUMENT_MISSING);
    else
        command->run(session, argument);
}
