#include "session/command.h"

#include "session/abuse.h"
#include "session/control.h"
#include "session/identity.h"
#include "session/mail.h"
#include "session/transaction.h"

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED };

/* LMTP greets with LHLO, and with nothing else (RFC 2033 4.1). */
enum dialect { DIALECT_BOTH, DIALECT_SMTP, DIALECT_LMTP };

enum moment { ALWAYS, OUTSIDE /* of a transaction */, IDLE, IN_TRANSACTION };

struct command {
    const char *verb;
    enum dialect dialect;
    enum argument argument;
    bool ends_group; /* the client must wait for its reply; RFC 2920 3.1 */
    bool idle;       /* no message comes nearer by it, see life.c */
    enum moment moment;
    void (*run)(struct session *session, struct span argument);
};

static const struct command commands[] = {
    {"HELO", DIALECT_SMTP, ARGUMENT_OPTIONAL, true, true, ALWAYS, control_run_helo},
    {"EHLO", DIALECT_SMTP, ARGUMENT_OPTIONAL, true, true, ALWAYS, control_run_ehlo},
    {"LHLO", DIALECT_LMTP, ARGUMENT_OPTIONAL, true, true, ALWAYS, control_run_ehlo},
    {"STARTTLS", DIALECT_BOTH, ARGUMENT_NONE, true, false, OUTSIDE, control_run_starttls},
    {"AUTH", DIALECT_BOTH, ARGUMENT_REQUIRED, true, false, IDLE, identity_run_auth},
    {"XCLIENT", DIALECT_BOTH, ARGUMENT_REQUIRED, true, false, OUTSIDE, identity_run_xclient},
    {"MAIL", DIALECT_BOTH, ARGUMENT_REQUIRED, false, false, IDLE, mail_run_mail},
    {"RCPT", DIALECT_BOTH, ARGUMENT_REQUIRED, false, false, IN_TRANSACTION, mail_run_rcpt},
    {"DATA", DIALECT_BOTH, ARGUMENT_NONE, true, false, IN_TRANSACTION, transaction_run_data},
    {"BDAT", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, transaction_run_bdat},
    {"RSET", DIALECT_BOTH, ARGUMENT_NONE, false, true, ALWAYS, control_run_rset},
    {"NOOP", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, true, ALWAYS, control_run_noop},
    {"VRFY", DIALECT_BOTH, ARGUMENT_REQUIRED, true, true, ALWAYS, control_run_vrfy},
    {"HELP", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, true, ALWAYS, control_run_help},
    {"QUIT", DIALECT_BOTH, ARGUMENT_NONE, true, false, ALWAYS, control_run_quit},
    {"EXPN", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, false, ALWAYS, control_run_unimplemented},
    {"SEND", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, control_run_unimplemented},
    {"SOML", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, control_run_unimplemented},
    {"SAML", DIALECT_BOTH, ARGUMENT_OPTIONAL, false, false, ALWAYS, control_run_unimplemented},
    {"TURN", DIALECT_BOTH, ARGUMENT_OPTIONAL, true, false, ALWAYS, control_run_unimplemented},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/*@ requires row < COMMANDS;
    assigns \nothing;
    ensures \result.run == &control_run_helo || \result.run == &control_run_ehlo ||
        \result.run == &control_run_starttls || \result.run == &control_run_rset ||
        \result.run == &control_run_noop || \result.run == &control_run_vrfy ||
        \result.run == &control_run_help || \result.run == &control_run_quit ||
        \result.run == &control_run_unimplemented || \result.run == &identity_run_auth ||
        \result.run == &identity_run_xclient || \result.run == &mail_run_mail ||
        \result.run == &mail_run_rcpt || \result.run == &transaction_run_data ||
        \result.run == &transaction_run_bdat; */
static struct command command_at(size_t row)
{
    return commands[row];
}

/*@ requires row < COMMANDS;
    assigns \nothing;
    ensures \valid_read(\result); */
static const char *verb_of(size_t row)
{
    return commands[row].verb;
}

/*@ requires row < COMMANDS;
    assigns \nothing; */
static bool is_spoken(size_t row, enum dialect dialect)
{
    return commands[row].dialect == DIALECT_BOTH || commands[row].dialect == dialect;
}

/*@ requires row < COMMANDS;
    assigns \nothing;
    ensures \result ==> phase <= PHASE_CHUNKED; */
static bool is_allowed(size_t row, enum phase phase)
{
    switch (commands[row].moment) {
    case OUTSIDE:
        return phase == PHASE_GREETED || phase == PHASE_IDLE;
    case IDLE:
        return phase == PHASE_IDLE;
    case IN_TRANSACTION:
        return phase == PHASE_SENDER || phase == PHASE_RECIPIENT;
    case ALWAYS:
        break;
    }
    return phase <= PHASE_CHUNKED;
}

/* The row of the command in that dialect; COMMANDS if it has none. */
/*@ requires readable(verb);
    assigns \nothing;
    ensures \result <= COMMANDS; */
static size_t find(struct span verb, enum dialect dialect)
{
    size_t row = 0;
    /*@ loop invariant 0 <= row <= COMMANDS;
        loop assigns row;
        loop variant COMMANDS - row; */
    for (; row < COMMANDS; row++) {
        if (is_spoken(row, dialect) && span_equal(verb, span_of(verb_of(row))))
            break;
    }
    return row;
}

/* RFC 5321 4.1.1: blanks at the end of a line should be tolerated. */
/*@ requires readable(line);
    assigns \nothing;
    ensures \result.octets == line.octets && \result.length <= line.length; */
static struct span without_trailing_blanks(struct span line)
{
    size_t length = line.length;
    /*@ loop invariant 0 <= length <= line.length;
        loop assigns length;
        loop variant length; */
    while (length > 0 && (line.octets[length - 1] == ' ' || line.octets[length - 1] == '\t'))
        length--;
    return span_first(line, length);
}

/*@ requires session_ok(session) && \valid_read(verb);
    assigns session->counts.pipelined_behind;
    ensures session_ok(session); */
static void note_pipelined(struct session *session, const char *verb)
{
    session->counts.pipelined_behind = verb;
}

/*
 * Whether the command may be run, with what is here behind it. If it must end a group
 * (RFC 2920 3.1) and does not, that is noted; its reply is queued before more is read.
 */
/*@ requires session_ok(session) && row < COMMANDS;
    assigns session->counts.pipelined_behind;
    ensures session_ok(session); */
static bool may_be_followed(struct session *session, size_t row)
{
    bool more_is_here = session->input_start < session->input_end;
    if (!command_at(row).ends_group || !more_is_here)
        return true;
    bool may_be = !session->settings.strict_pipelining || !abuse_must_wait(verb_of(row));
    if (session->counts.pipelined_behind == NULL || !may_be)
        note_pipelined(session, verb_of(row));
    return may_be;
}

/*@ requires row < COMMANDS;
    requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void answer(struct session *session, size_t row, struct span argument)
{
    struct command command = command_at(row);
    /*@ calls control_run_helo, control_run_ehlo, control_run_starttls, control_run_rset,
              control_run_noop, control_run_vrfy, control_run_help, control_run_quit,
              control_run_unimplemented, identity_run_auth, identity_run_xclient, mail_run_mail,
              mail_run_rcpt, transaction_run_data, transaction_run_bdat; */
    command.run(session, argument);
}

/*@ requires session_ok(session) && answerable(session);
    assigns session->idle_commands;
    ensures session_ok(session) && answerable(session); */
static void count_idle(struct session *session)
{
    session->idle_commands++;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* An idle command that is an error by itself counts once. */
/*@ requires row < COMMANDS;
    requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void run(struct session *session, size_t row, struct span argument)
{
    unsigned errors = session->counts.errors;
    answer(session, row, argument);
    if (command_at(row).idle && session->counts.errors == errors)
        count_idle(session);
}

/* Of the commands whose refusal is reported. */
/*@ requires readable(verb);
    assigns \nothing; */
static enum subject subject_of(struct span verb)
{
    static const char verbs[SUBJECTS][sizeof "MAIL"] = {
        [SUBJECT_OTHER] = "",
        [SUBJECT_SENDER] = "MAIL",
        [SUBJECT_RECIPIENT] = "RCPT",
        [SUBJECT_AUTH] = "AUTH",
    };
    unsigned subject = SUBJECTS - 1;
    /*@ loop invariant 0 <= subject < SUBJECTS;
        loop assigns subject;
        loop variant subject; */
    while (subject > SUBJECT_OTHER && !span_equal(verb, span_of(verbs[subject])))
        subject--;
    return (enum subject)subject;
}

/*@ requires session_ok(session) && (verb == \null || \valid_read(verb));
    assigns session->verb;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void set_verb(struct session *session, const char *verb)
{
    session->verb = verb;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && readable(argument);
    assigns session->argument.octets, session->argument.length;
    ensures session_ok(session) && session->argument == argument;
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void set_argument(struct session *session, struct span argument)
{
    session->argument.octets = argument.octets;
    session->argument.length = argument.length;
    /*@ assert header_ok(&session->header); */
    /*@ assert envelope_ok(&session->envelope); */
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && readable(session->argument) && !session->refusal_is_due;
    assigns session->subject;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void set_subject(struct session *session, enum subject subject)
{
    session->subject = subject;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && readable(line);
    assigns session->saw_auth, session->unexpected_length,
            session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1];
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void note_unknown(struct session *session, struct span line)
{
    if (!session->saw_auth)
        state_note_unexpected(session, line);
}

/*@ requires session_ok(session);
    assigns session->saw_auth;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void note_auth(struct session *session, enum subject subject)
{
    session->saw_auth = session->saw_auth || subject == SUBJECT_AUTH;
}

/* What stands behind the verb, and the blank that follows it. */
/*@ requires readable(line) && verb_length <= line.length;
    assigns \nothing;
    ensures readable(\result) && rest_of(\result, line); */
static struct span argument_of(struct span line, size_t verb_length)
{
    return span_after(line, verb_length < line.length ? verb_length + 1 : verb_length);
}

/* The row of the command that the line begins with, which is the one at hand from now on. */
/*@ requires session_ok(session) && is_said(session, line) && !session->refusal_is_due;
    assigns session->subject, session->argument.octets, session->argument.length,
            session->verb, session->saw_auth,
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1];
    ensures session_ok(session) && is_said(session, session->argument) && \result <= COMMANDS;
    ensures left_to_read(session) == \old(left_to_read(session)); */
static size_t find_command(struct session *session, struct span line)
{
    struct span verb = span_first(line, span_find(line, ' '));
    struct span argument = argument_of(line, verb.length);
    enum subject subject = subject_of(verb);
    size_t row = find(verb, session->settings.lmtp ? DIALECT_LMTP : DIALECT_SMTP);
    /*@ assert is_said(session, argument); */
    set_verb(session, row == COMMANDS ? NULL : verb_of(row));
    note_auth(session, subject);
    if (row == COMMANDS)
        note_unknown(session, line);
    set_argument(session, argument);
    set_subject(session, subject);
    return row;
}

/* Whether the line, or what another server takes for a line within it, announces a chunk. */
/*@ requires readable(line);
    assigns \nothing; */
static bool announces_chunk(struct span line)
{
    static const char chunk[] = "BDAT";
    size_t length = sizeof chunk - 1;
    /*@ loop invariant readable(line) && 0 <= line.length;
        loop assigns line;
        loop variant line.length; */
    while (line.length > length) {
        if (span_equal(span_first(line, length), span_of(chunk)))
            return true;
        size_t end = span_find(line, '\n');
        line = span_after(line, end < line.length ? end + 1 : end);
    }
    return false;
}

/*@ requires session_ok(session) && readable(line) && session->want == WANT_NOTHING;
    requires reply_ok(reply) && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void refuse(struct session *session, struct span line, enum reply reply)
{
    if (announces_chunk(line))
        transaction_refuse_unsized(session);
    else
        state_reply(session, reply);
}

void command_refuse(struct session *session, struct span line, enum reply reply)
{
    (void)find_command(session, line); /* it is not run */
    refuse(session, line, reply);
}

/* What is wrong with the use of this command; REPLY_NONE for nothing. */
/*@ requires row < COMMANDS;
    assigns \nothing;
    ensures reply_or_none(\result);
    ensures \result == REPLY_NONE ==> phase <= PHASE_CHUNKED; */
static enum reply find_fault(size_t row, enum phase phase, struct span argument)
{
    enum argument wanted = commands[row].argument;
    if (!is_allowed(row, phase))
        return REPLY_BAD_SEQUENCE;
    if (wanted == ARGUMENT_NONE && argument.length > 0)
        return REPLY_ARGUMENT_UNWANTED;
    return wanted == ARGUMENT_REQUIRED && argument.length == 0 ? REPLY_ARGUMENT_MISSING
                                                               : REPLY_NONE;
}

/*@ requires row < COMMANDS;
    requires session_ok(session) && is_said(session, argument) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void check_and_run(struct session *session, size_t row, struct span argument)
{
    enum reply fault = find_fault(row, session->phase, argument);
    if (fault != REPLY_NONE)
        state_reply(session, fault);
    else
        run(session, row, argument);
}

void command_run(struct session *session, struct span line)
{
    line = without_trailing_blanks(line);
    size_t row = find_command(session, line);
    if (row < COMMANDS && !may_be_followed(session, row))
        abuse_end(session, "pipelining");
    else if (span_has_controls(line))
        refuse(session, line, REPLY_BAD_CHARACTERS);
    else if (row == COMMANDS)
        state_reply(session, REPLY_UNKNOWN_COMMAND);
    else
        check_and_run(session, row, session->argument);
}
