#include "command.h"

#include "extension.h"
#include "message.h"
#include "parameter.h"
#include "text.h"

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED };

/* LMTP greets with LHLO, and with nothing else (RFC 2033 4.1). */
enum dialect { DIALECT_BOTH, DIALECT_SMTP, DIALECT_LMTP };

struct command {
    const char *verb;
    enum dialect dialect;
    enum argument argument;
    bool ends_group; /* the client must wait for its reply; RFC 2920 3.1 */
    unsigned phases; /* those that allow it */
    void (*run)(struct session *session, struct span argument);
};

void command_count_error(struct session *session)
{
    session->counts.errors++;
    session->errors_in_row++;
}

void command_reply(struct session *session, enum reply reply, struct span detail)
{
    if (reply_class(reply) == '5')
        command_count_error(session);
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
bool command_is_helo(struct span name)
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

void command_begin_anew(struct session *session)
{
    session->phase = PHASE_GREETED;
    session->extended = false;
    session->helo_length = 0;
    session->id_length = 0;
    auth_clear(&session->auth);
    envelope_clear(&session->envelope);
}

void command_greet(struct session *session)
{
    reply_add(&session->replies, session->settings.lmtp ? REPLY_LMTP_GREETING : REPLY_GREETING,
              session->settings.hostname);
}

static bool greet(struct session *session, struct span name, bool extended)
{
    if (!command_is_helo(name)) {
        say(session, REPLY_BAD_HELO);
        return false;
    }
    command_forget_transaction(session);
    session->extended = extended;
    memcpy(session->helo, name.octets, name.length);
    session->helo_length = name.length;
    return true;
}

static void ask(struct session *session, enum question question)
{
    session->question = question;
    session->want = WANT_VERDICT;
}

static void run_helo(struct session *session, struct span argument)
{
    if (greet(session, argument, false))
        command_reply(session, REPLY_HELO, session->settings.hostname);
}

static void run_ehlo(struct session *session, struct span argument)
{
    if (!greet(session, argument, true))
        return;
    bool unasked =
        session->settings.tls != TLS_POLICY_NONE && !session->secured && !session->tls_asked;
    if (unasked && !session->message_open) /* which is to be forgotten first: the next EHLO asks */
        ask(session, QUESTION_TLS);
    else
        extension_reply(session);
}

static void run_starttls(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->settings.tls == TLS_POLICY_NONE) {
        say(session, REPLY_NOT_IMPLEMENTED);
    } else if (session->secured || !session->extended || session->introduced) {
        say(session, REPLY_BAD_SEQUENCE);
    } else if (!session->tls_available) {
        say(session, REPLY_TLS_UNAVAILABLE);
    } else if (session->input_start < session->input_end) {
        command_leave(session, REPLY_TLS_PIPELINED);
    } else {
        say(session, REPLY_START_TLS);
        session->want = WANT_TLS;
    }
}

static struct span without_leading_spaces(struct span text)
{
    while (text.length > 0 && text.octets[0] == ' ')
        text = span_after(text, 1);
    return text;
}

/* Takes "FROM:" or "TO:" and the blanks behind it, which many clients send. */
static bool take_prefix(struct span *argument, const char *prefix)
{
    size_t length = strlen(prefix);
    if (argument->length < length || !span_equal(span_first(*argument, length), span_of(prefix)))
        return false;
    *argument = without_leading_spaces(span_after(*argument, length));
    return true;
}

/* Takes the path; what stands behind it must be set off by a space. */
static enum path_result take_path(struct span *argument, const char *prefix, enum path_kind kind,
                                  struct mailbox *mailbox)
{
    if (!take_prefix(argument, prefix))
        return PATH_RESULT_MALFORMED;
    enum path_result result = path_parse(argument, kind, mailbox);
    if (result == PATH_RESULT_OK && argument->length > 0 && argument->octets[0] != ' ')
        return PATH_RESULT_MALFORMED;
    return result;
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

/* False, with its reply queued, where a parameter is wrong. */
static bool take_parameters(struct session *session, struct span input, unsigned allowed,
                            struct parameters *parameters)
{
    struct span offender;
    switch (parameters_parse(input, allowed, parameters, &offender)) {
    case PARAMETER_UNKNOWN:
        command_reply(session, REPLY_UNKNOWN_PARAMETER, offender);
        return false;
    case PARAMETER_BAD:
        command_reply(session, REPLY_BAD_PARAMETER, offender);
        return false;
    case PARAMETER_OK:
        break;
    }
    return true;
}

void command_leave(struct session *session, enum reply reply)
{
    if (session->message_open)
        message_abandon(session);
    command_reply(session, reply, session->settings.hostname);
    session->phase = PHASE_OVER;
}

/* What must come before MAIL; REPLY_NONE where nothing is missing. */
static enum reply find_missing(const struct session *session)
{
    bool in_clear = session->settings.tls == TLS_POLICY_REQUIRED && !session->secured;
    if (in_clear)
        return session->tls_asked && !session->tls_available ? REPLY_TLS_UNAVAILABLE
                                                             : REPLY_TLS_REQUIRED;
    bool unknown = session->settings.auth_required && !session->auth.authenticated;
    return unknown ? REPLY_AUTH_REQUIRED : REPLY_NONE;
}

static void run_mail(struct session *session, struct span argument)
{
    const struct session_settings *settings = &session->settings;
    struct parameters *parameters = &session->envelope.parameters;
    struct span rest = argument;
    if (session->counts.messages == settings->max_messages) {
        command_leave(session, REPLY_TOO_MANY_MESSAGES);
        return;
    }
    enum reply missing = find_missing(session);
    if (missing != REPLY_NONE) {
        say(session, missing);
        return;
    }
    enum path_result result =
        take_path(&rest, "FROM:", PATH_KIND_REVERSE, &session->envelope.sender);
    if (result != PATH_RESULT_OK) {
        say(session, result == PATH_RESULT_TOO_LONG ? REPLY_SENDER_TOO_LONG : REPLY_BAD_SENDER);
        return;
    }
    if (!take_parameters(session, rest, extension_parameters(session) & PARAMETER_SETS_OF_MAIL,
                         parameters))
        return;
    if (!parameters->utf8 && !span_is_ascii(argument)) {
        say(session, REPLY_SENDER_NOT_ASCII);
    } else if (settings->max_size > 0 && parameters->size > settings->max_size) {
        say(session, REPLY_SIZE_TOO_LARGE);
    } else {
        begin_transaction(session);
        ask(session, QUESTION_SENDER);
    }
}

static void run_rcpt(struct session *session, struct span argument)
{
    const struct parameters *wanted = &session->envelope.parameters;
    unsigned allowed = extension_parameters(session) & PARAMETER_SETS_OF_RCPT;
    struct span rest = argument;
    enum path_result result = take_path(&rest, "TO:", PATH_KIND_FORWARD, &session->candidate);
    if (result != PATH_RESULT_OK)
        say(session,
            result == PATH_RESULT_TOO_LONG ? REPLY_RECIPIENT_TOO_LONG : REPLY_BAD_RECIPIENT);
    else if (!take_parameters(session, rest, allowed, &session->candidate_parameters))
        return;
    else if (!wanted->utf8 && !span_is_ascii(argument))
        say(session, REPLY_RECIPIENT_NOT_ASCII);
    else if (session->envelope.count == extension_max_recipients(session, wanted->prdr))
        say(session, REPLY_TOO_MANY_RECIPIENTS);
    else
        ask(session, QUESTION_RECIPIENT);
}

static void run_data(struct session *session, struct span argument)
{
    (void)argument;                     /* there is none */
    if (session->phase == PHASE_SENDER) /* RFC 2033 4.2 is stricter */
        say(session, session->settings.lmtp ? REPLY_BAD_SEQUENCE : REPLY_NO_RECIPIENTS);
    else if (session->envelope.parameters.binary)
        say(session, REPLY_BINARY_WANTS_BDAT);
    else
        message_begin_content(session);
}

/* Octets follow, and nobody knows how many: they must not be taken for commands. */
static void lose_count(struct session *session)
{
    say(session, REPLY_BAD_CHUNK);
    command_leave(session, REPLY_LOST_COUNT);
}

/* RFC 3030 2: the octets follow the line whatever is said to it, so that this waits for their end.
 */
static void run_bdat(struct session *session, struct span argument)
{
    argument = without_leading_spaces(argument);
    struct span digits = span_first(argument, span_find(argument, ' '));
    struct span rest = without_leading_spaces(span_after(argument, digits.length));
    bool last = span_equal(rest, span_of("LAST"));
    uint64_t size;
    if (!parameter_number(digits, &size))
        lose_count(session);
    else if (rest.length > 0 && !last)
        message_refuse_chunk(session, size, REPLY_BAD_CHUNK);
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
    command_leave(session, REPLY_GOODBYE);
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
    {"HELO", DIALECT_SMTP, ARGUMENT_REQUIRED, true, ALWAYS, run_helo},
    {"EHLO", DIALECT_SMTP, ARGUMENT_REQUIRED, true, ALWAYS, run_ehlo},
    {"LHLO", DIALECT_LMTP, ARGUMENT_REQUIRED, true, ALWAYS, run_ehlo},
    {"STARTTLS", DIALECT_BOTH, ARGUMENT_NONE, true, PHASE_GREETED | PHASE_IDLE, run_starttls},
    {"AUTH", DIALECT_BOTH, ARGUMENT_REQUIRED, true, PHASE_IDLE, auth_run},
    {"XCLIENT", DIALECT_BOTH, ARGUMENT_REQUIRED, true, PHASE_GREETED | PHASE_IDLE, xclient_run},
    {"MAIL", DIALECT_BOTH, ARGUMENT_REQUIRED, false, PHASE_IDLE, run_mail},
    {"RCPT", DIALECT_BOTH, ARGUMENT_REQUIRED, false, IN_TRANSACTION, run_rcpt},
    {"DATA", DIALECT_BOTH, ARGUMENT_NONE, true, IN_TRANSACTION, run_data},
    {"BDAT", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, ALWAYS, run_bdat},
    {"RSET", DIALECT_BOTH, ARGUMENT_NONE, false, ALWAYS, run_rset},
    {"NOOP", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, ALWAYS, run_noop},
    {"VRFY", DIALECT_BOTH, ARGUMENT_REQUIRED, true, ALWAYS, run_vrfy},
    {"HELP", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, ALWAYS, run_help},
    {"QUIT", DIALECT_BOTH, ARGUMENT_NONE, true, ALWAYS, run_quit},
    {"EXPN", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, ALWAYS, run_not_implemented},
    {"SEND", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, ALWAYS, run_not_implemented},
    {"SOML", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, ALWAYS, run_not_implemented},
    {"SAML", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, ALWAYS, run_not_implemented},
    {"TURN", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, ALWAYS, run_not_implemented},
};

static const struct command *find(struct span verb, enum dialect dialect)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *command = &commands[i];
        bool spoken = command->dialect == DIALECT_BOTH || command->dialect == dialect;
        if (spoken && span_equal(verb, span_of(command->verb)))
            return command;
    }
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

/* The line holds octets that no command may hold, a CR or LF among them. */
static void refuse_line(struct session *session, struct span line)
{
    static const char chunk[] = "BDAT";
    if (line.length > strlen(chunk) && span_equal(span_first(line, strlen(chunk)), span_of(chunk)))
        lose_count(session);
    else
        say(session, REPLY_LINE_BROKEN);
}

/* RFC 2920 3.1. It is answered all the same: nothing is read before its reply is queued. */
static void note_pipelining(struct session *session, const struct command *command)
{
    bool more_is_here = session->input_start < session->input_end;
    if (command->ends_group && more_is_here && session->counts.pipelined_behind == NULL)
        session->counts.pipelined_behind = command->verb;
}

void command_run(struct session *session, struct span line)
{
    line = without_trailing_blanks(line);
    struct span verb = span_first(line, span_find(line, ' '));
    struct span argument = span_after(line, verb.length);
    if (argument.length > 0)
        argument = span_after(argument, 1);
    const struct command *command =
        find(verb, session->settings.lmtp ? DIALECT_LMTP : DIALECT_SMTP);
    if (command != NULL)
        note_pipelining(session, command);
    if (holds_control_character(line))
        refuse_line(session, line);
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
