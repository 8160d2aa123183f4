/*
 * The message between DATA, or its first BDAT (RFC 3030), and its reply: octets are decoded and
 * handed over as they come; when the last is stored the message is delivered, and then answered.
 */
#ifndef SESSION_MESSAGE_H
#define SESSION_MESSAGE_H

#include "session/state.h"

/* DATA: opens the message; what the client sends from here on is content. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void message_begin_content(struct session *session);

/* BDAT: opens the message unless it is open; the next `size` octets are content. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void message_begin_chunk(struct session *session, uint64_t size, bool last);

/* A BDAT that is refused: its `size` octets are discarded, then `reply` is queued. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING && reply_ok(reply);
    requires session->phase <= PHASE_CHUNKED && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns session->phase, session->chunk_left, session->phase_after_discard,
            session->chunk_refusal;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void message_refuse_chunk(struct session *session, uint64_t size, enum reply reply);

/* Decodes the input that is here and sets the want that follows, if one does. False if octets are
 * missing. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->phase == PHASE_CONTENT || session->phase == PHASE_CHUNK ||
        session->phase == PHASE_REFUSED;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures \result ==> left_to_do(session) < \old(left_to_do(session)); */
bool message_read(struct session *session);

/* Settles WANT_STORE. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && session->phase != PHASE_DELIVERY;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void message_stored(struct session *session, bool kept);

#endif
