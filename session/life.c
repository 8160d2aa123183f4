#include "session/life.h"

#include "session/answers.h"
#include "session/input.h"
#include "session/message.h"

/*@ requires session_ok(session);
    assigns session->want;
    ensures session_ok(session) && session->want == WANT_NOTHING; */
static void settle(struct session *session)
{
    session->want = WANT_NOTHING;
}

/*@ requires session_ok(session);
    assigns session->phase;
    ensures session_ok(session) && session->phase == PHASE_OVER; */
static void stop_reading(struct session *session)
{
    session->phase = PHASE_OVER;
}

void life_end(struct session *session)
{
    stop_reading(session);
    if (session->want == WANT_DISCARD)
        return;
    settle(session);
    if (session->message_open)
        state_abandon_message(session);
}

/* Why the session has gone on too long without a message; REPLY_NONE if it has not. */
/*@ requires \valid_read(session);
    assigns \nothing;
    ensures \result == REPLY_NONE || reply_ok(\result); */
static enum reply find_excess(const struct session *session)
{
    const unsigned idle_commands_max = 100; /* beside as many as there may be errors */
    unsigned max_errors = session->settings.max_errors;
    if (session->errors.count >= max_errors)
        return REPLY_TOO_MANY_ERRORS;
    return session->idle_commands >= idle_commands_max + max_errors ? REPLY_TOO_MANY_IDLE
                                                                    : REPLY_NONE;
}

/* Reads a line, if need be one that no more octets will end. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires !session->refusal_is_due && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures \result ==> left_to_do(session) < \old(left_to_do(session)); */
static bool read_line(struct session *session)
{
    return input_read_line(session) || (session->input_is_over && input_cut_line(session));
}

void life_leave(struct session *session, enum reply reply)
{
    state_reply_with(session, reply, session->settings.hostname);
    life_end(session);
}

/* Goes one step on; false if octets or room for a reply are missing. */
/*@ requires session_ok(session) && answerable(session) && session->want == WANT_NOTHING;
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures \result ==> left_to_do(session) < \old(left_to_do(session)); */
static bool step(struct session *session)
{
    if (session->phase == PHASE_OVER || session->refusal_is_due ||
        !replies_have_room(&session->replies))
        return false;
    if (session->phase == PHASE_DELIVERY) {
        answers_continue(session);
        return true;
    }
    if (session->phase == PHASE_CONTENT || session->phase == PHASE_CHUNK ||
        session->phase == PHASE_REFUSED)
        return message_read(session);
    enum reply excess = find_excess(session);
    if (excess != REPLY_NONE) {
        life_leave(session, excess);
        return false;
    }
    return read_line(session);
}

void life_go_on(struct session *session)
{
    /*@ // left_to_do in full: a variant knows no function that reads memory.
        loop invariant session_ok(session) && answerable(session);
        loop invariant left_to_do(session) ==
            8192 * (2 * (session->input_end - session->input_start) +
                (session->line.last_length > 0 ? 1 : 0)) +
            (session->want == WANT_NOTHING ? 4096 : 0) +
            (session->phase == PHASE_DELIVERY ? session->envelope.count - session->recipient :
                session->phase == PHASE_CONTENT || session->phase == PHASE_CHUNK ||
                    session->phase == PHASE_REFUSED ? 2048 : 0);
        loop assigns *session;
        loop variant 8192 * (2 * (session->input_end - session->input_start) +
                (session->line.last_length > 0 ? 1 : 0)) +
            (session->want == WANT_NOTHING ? 4096 : 0) +
            (session->phase == PHASE_DELIVERY ? session->envelope.count - session->recipient :
                session->phase == PHASE_CONTENT || session->phase == PHASE_CHUNK ||
                    session->phase == PHASE_REFUSED ? 2048 : 0); */
    while (session->want == WANT_NOTHING && step(session))
        ;
    bool starved = session->want == WANT_NOTHING && !session->refusal_is_due &&
                   replies_have_room(&session->replies);
    if (session->input_is_over && starved)
        life_end(session);
}
