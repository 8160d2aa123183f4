#include "session/command.h"

#include "session/abuse.h"
#include "session/argument.h"
#include "session/extension.h"
#include "session/identity.h"
#include "session/transaction.h"

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED };

/* LMTP greets with LHLO, and with nothing else (RFC 2033 4.1). */
enum dialect { DIALECT_BOTH, DIALECT_SMTP, DIALECT_LMTP };

struct command {
    const char *verb;
    enum dialect dialect;
    enum argument argument;
    bool ends_group; /* the client must wait for its reply; RFC 2920 3.1 */
    bool idle;       /* no message comes nearer by it, see session.c */
    unsigned phases; /* those that allow it */
    void (*run)(struct session *session, struct span argument);
    enum reply reply; /* the whole of a command whose `run` is NULL */
};

static void accept_helo(struct session *session, struct span argument, bool extended)
{
    state_forget_transaction(session);
    session->extended = extended;
    helo_copy(&session->helo, argument_trim(argument));
}

static void run_helo(struct session *session, struct span argument)
{
    accept_helo(session, argument, false);
    state_reply_with(session, REPLY_HELO, session->settings.hostname);
}

static void run_ehlo(struct session *session, struct span argument)
{
    accept_helo(session, argument, true);
    extension_reply(session);
}

static void run_starttls(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->settings.tls == TLS_POLICY_NONE) {
        state_reply(session, REPLY_NOT_IMPLEMENTED);
    } else if (session->secured || !session->extended || session->xclient_done) {
        state_reply(session, REPLY_BAD_SEQUENCE);
    } else if (session->lacks_tls) {
        state_reply(session, REPLY_TLS_UNAVAILABLE);
    } else if (session->input_start < session->input_end) {
        state_leave(session, REPLY_TLS_PIPELINED);
    } else {
        session->question = QUESTION_TLS;
        session->want = WANT_VERDICT;
    }
}

static void run_rset(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->phase != PHASE_GREETED)
        state_forget_transaction(session);
    state_reply(session, REPLY_OK);
}

static void run_quit(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    session->counts.quit = true;
    state_leave(session, REPLY_GOODBYE);
}

enum {
    ALWAYS = PHASE_GREETED | PHASE_IDLE | PHASE_SENDER | PHASE_RECIPIENT | PHASE_CHUNKED,
    OUTSIDE = PHASE_GREETED | PHASE_IDLE, /* of a transaction */
    IN_TRANSACTION = PHASE_SENDER | PHASE_RECIPIENT
};

static const struct command commands[] = {
    {"HELO", DIALECT_SMTP, ARGUMENT_OPTIONAL, true, true, ALWAYS, run_helo, REPLY_NONE},
    {"EHLO", DIALECT_SMTP, ARGUMENT_OPTIONAL, true, true, ALWAYS, run_ehlo, REPLY_NONE},
    {"LHLO", DIALECT_LMTP, ARGUMENT_OPTIONAL, true, true, ALWAYS, run_ehlo, REPLY_NONE},
    {"STARTTLS", DIALECT_BOTH, ARGUMENT_NONE, true, false, OUTSIDE, run_starttls, REPLY_NONE},
    {"AUTH", DIALECT_BOTH, ARGUMENT_REQUIRED, true, false, PHASE_IDLE, identity_run_auth,
     REPLY_NONE},
    {"XCLIENT", DIALECT_BOTH, ARGUMENT_REQUIRED, true, false, OUTSIDE, identity_run_xclient,
     REPLY_NONE},
    {"MAIL", DIALECT_BOTH, ARGUMENT_REQUIRED, false, false, PHASE_IDLE, transaction_run_mail,
     REPLY_NONE},
    {"RCPT", DIALECT_BOTH, ARGUMENT_REQUIRED, false, false, IN_TRANSACTION, transaction_run_rcpt,
     REPLY_NONE},
    {"DATA", DIALECT_BOTH, ARGUMENT_NONE, true, false, IN_TRANSACTION, transaction_run_data,
     REPLY_NONE},
    {"BDAT", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, transaction_run_bdat,
     REPLY_NONE},
    {"RSET", DIALECT_BOTH, ARGUMENT_NONE, false, true, ALWAYS, run_rset, REPLY_NONE},
    {"NOOP", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, true, ALWAYS, NULL, REPLY_OK},
    {"VRFY", DIALECT_BOTH, ARGUMENT_REQUIRED, true, true, ALWAYS, NULL, REPLY_VRFY},
    {"HELP", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, true, ALWAYS, NULL, REPLY_HELP},
    {"QUIT", DIALECT_BOTH, ARGUMENT_NONE, true, false, ALWAYS, run_quit, REPLY_NONE},
    {"EXPN", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, false, ALWAYS, NULL, REPLY_NOT_IMPLEMENTED},
    {"SEND", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, NULL, REPLY_NOT_IMPLEMENTED},
    {"SOML", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, NULL, REPLY_NOT_IMPLEMENTED},
    {"SAML", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, NULL, REPLY_NOT_IMPLEMENTED},
    {"TURN", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, false, ALWAYS, NULL, REPLY_NOT_IMPLEMENTED},
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

/*
 * Whether the command may be run, with what is here behind it. If it must end a group
 * (RFC 2920 3.1) and does not, that is noted; its reply is queued before more is read.
 */
static bool may_be_followed(struct session *session, const struct command *command)
{
    bool more_is_here = session->input_start < session->input_end;
    if (!command->ends_group || !more_is_here)
        return true;
    bool may_be = !session->settings.strict_pipelining || !abuse_must_wait(command->verb);
    if (session->counts.pipelined_behind == NULL || !may_be)
        session->counts.pipelined_behind = command->verb;
    return may_be;
}

/* An idle command that is an error by itself counts once. */
static void run(struct session *session, const struct command *command, struct span argument)
{
    unsigned errors = session->counts.errors;
    if (command->run != NULL)
        command->run(session, argument);
    else
        state_reply(session, command->reply);
    if (command->idle && session->counts.errors == errors)
        session->idle_commands++;
}

/* Of the commands whose refusal is reported. */
static enum subject subject_of(struct span verb)
{
    static const char *const verbs[] = {
        [SUBJECT_OTHER] = "",
        [SUBJECT_SENDER] = "MAIL",
        [SUBJECT_RECIPIENT] = "RCPT",
        [SUBJECT_AUTH] = "AUTH",
    };
    unsigned subject = SUBJECTS - 1;
    while (subject > SUBJECT_OTHER && !span_equal(verb, span_of(verbs[subject])))
        subject--;
    return (enum subject)subject;
}

/* The command that the line begins with, which is the one at hand from now on; NULL for none. */
static const struct command *find_command(struct session *session, struct span line,
                                          struct span *argument)
{
    struct span verb = span_first(line, span_find(line, ' '));
    const struct command *command =
        find(verb, session->settings.lmtp ? DIALECT_LMTP : DIALECT_SMTP);
    *argument = span_after(line, verb.length);
    if (argument->length > 0)
        *argument = span_after(*argument, 1);
    session->subject = subject_of(verb);
    session->argument = *argument;
    session->verb = command == NULL ? NULL : command->verb;
    session->saw_auth |= session->subject == SUBJECT_AUTH;
    if (command == NULL && !session->saw_auth)
        state_note_unexpected(session, line);
    return command;
}

/* Whether the line, or what another server takes for a line within it, announces a chunk. */
static bool announces_chunk(struct span line)
{
    static const char chunk[] = "BDAT";
    while (line.length > strlen(chunk)) {
        if (span_equal(span_first(line, strlen(chunk)), span_of(chunk)))
            return true;
        size_t end = span_find(line, '\n');
        line = span_after(line, end < line.length ? end + 1 : end);
    }
    return false;
}

void command_refuse(struct session *session, struct span line, enum reply reply)
{
    struct span argument;
    (void)find_command(session, line, &argument); /* it is not run */
    if (announces_chunk(line))
        transaction_refuse_unsized(session);
    else
        state_reply(session, reply);
}

void command_run(struct session *session, struct span line)
{
    struct span argument;
    line = without_trailing_blanks(line);
    const struct command *command = find_command(session, line, &argument);
    if (command != NULL && !may_be_followed(session, command))
        abuse_end(session, "pipelining");
    else if (span_has_controls(line))
        command_refuse(session, line, REPLY_BAD_CHARACTERS);
    else if (command == NULL)
        state_reply(session, REPLY_UNKNOWN_COMMAND);
    else if ((command->phases & session->phase) == 0)
        state_reply(session, REPLY_BAD_SEQUENCE);
    else if (command->argument == ARGUMENT_NONE && argument.length > 0)
        state_reply(session, REPLY_ARGUMENT_UNWANTED);
    else if (command->argument == ARGUMENT_REQUIRED && argument.length == 0)
        state_reply(session, REPLY_ARGUMENT_MISSING);
    else
        run(session, command, argument);
}
