#include "session/transaction.h"

#include "session/argument.h"
#include "session/message.h"

/*@ requires session_ok(session) && reply_ok(reply) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void answer(struct session *session, enum reply reply)
{
    state_reply(session, reply);
}

void transaction_run_data(struct session *session, struct span argument)
{
    (void)argument;                   /* there is none */
    if (session->envelope.count == 0) /* RFC 2033 4.2 is stricter */
        answer(session, session->settings.lmtp ? REPLY_BAD_SEQUENCE : REPLY_NO_RECIPIENTS);
    else if (session->envelope.parameters.binary)
        answer(session, REPLY_BINARY_NEEDS_BDAT);
    else
        message_begin_content(session);
}

void transaction_refuse_unsized(struct session *session)
{
    state_reply(session, REPLY_BAD_BDAT);
    state_leave(session, REPLY_UNSIZED_BDAT);
}

/*@ requires session_ok(session) && answerable(session);
    assigns session->idle_commands;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void count_idle(struct session *session)
{
    session->idle_commands++;
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void begin_chunk(struct session *session, uint64_t size, bool last)
{
    message_begin_chunk(session, size, last);
    if (size == 0 && !last)
        count_idle(session);
}

/* The argument of BDAT (RFC 3030 2). */
struct chunk {
    uint64_t size;
    bool sized; /* there is a size */
    bool last;
    bool malformed; /* something else follows the size */
};

/*@ requires readable(argument);
    assigns \nothing; */
static struct chunk parse_chunk(struct span argument)
{
    struct chunk chunk;
    struct span trimmed = argument_trim(argument);
    struct span digits = span_first(trimmed, span_find(trimmed, ' '));
    struct span rest = argument_trim(span_after(trimmed, digits.length));
    chunk.sized = span_number(digits, &chunk.size);
    chunk.last = span_equal(rest, span_of("LAST"));
    chunk.malformed = rest.length > 0 && !chunk.last;
    return chunk;
}

void transaction_run_bdat(struct session *session, struct span argument)
{
    struct chunk chunk = parse_chunk(argument);
    if (!chunk.sized)
        transaction_refuse_unsized(session);
    else if (chunk.malformed)
        message_refuse_chunk(session, chunk.size, REPLY_BAD_BDAT);
    else if (session->phase == PHASE_SENDER)
        message_refuse_chunk(session, chunk.size, REPLY_NO_RECIPIENTS);
    else if (session->phase != PHASE_RECIPIENT && session->phase != PHASE_CHUNKED)
        message_refuse_chunk(session, chunk.size, REPLY_BAD_SEQUENCE);
    else
        begin_chunk(session, chunk.size, chunk.last);
}
