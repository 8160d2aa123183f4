#include "handler/frontend/wants.h"

#include <errno.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/frontend/known.h"
#include "handler/frontend/proxy.h"
#include "handler/signals.h"

/* Cuts the session off. */
static void close_session(struct frontend *frontend, enum ending ending)
{
    static const char *const reasons[] = {
        [ENDING_LEFT] = "lost",
        [ENDING_COMMAND_TIMEOUT] = "timeout",
        [ENDING_DATA_TIMEOUT] = "too-slow",
        [ENDING_SESSION_TIMEOUT] = "too-long",
        [ENDING_SHUTDOWN] = "shutdown",
    };
    if (frontend->reason == NULL)
        frontend->reason = reasons[ending];
    frontend->client_left |= ending == ENDING_LEFT;
    session_end(&frontend->session, ending);
    timeouts_limit(&frontend->timeouts, clock_milliseconds());
}

/* Writes what replies can go now; false if none can. */
static bool write_replies(struct frontend *frontend)
{
    struct session *session = &frontend->session;
    struct span replies = session_replies(session);
    if (replies.length == 0)
        return false;
    ssize_t written = stream_write(&frontend->stream, replies);
    if (written > 0) {
        session_written(session, (size_t)written);
        acknowledgement_after_write(&frontend->acknowledgement,
                                    session_replies(session).length == 0, &frontend->stream);
    } else if (written != -EAGAIN) {
        close_session(frontend, ENDING_LEFT);
    }
    return written != -EAGAIN;
}

static void read_octets(struct frontend *frontend, struct room room)
{
    struct session *session = &frontend->session;
    unsigned commands = session_counts(session).commands;
    bool within_message = session_within_message(session);
    ssize_t length = stream_read(&frontend->stream, room);
    frontend->read_was_full = frontend->stream.in_is_socket && length == (ssize_t)room.length;
    if (length == -EAGAIN)
        return;
    if (length < 0) {
        close_session(frontend, ENDING_LEFT);
        return;
    }
    if (length == 0) {
        frontend->client_left = true;
        session_end(session, ENDING_INPUT_OVER);
        return;
    }
    int64_t now = clock_milliseconds();
    acknowledgement_after_read(&frontend->acknowledgement, &frontend->boundary);
    session_fed(session, (size_t)length, clock_microseconds_utc() / 1000000);
    if (within_message)
        timeouts_credit(&frontend->timeouts, (size_t)length, now);
    else if (session_counts(session).commands != commands)
        timeouts_renew(&frontend->timeouts, now);
}

/* Whether the client must hurry when most connections are taken. */
static bool is_stranger(const struct frontend *frontend)
{
    return ledger_is_there(&frontend->ledger) && session_user(&frontend->session).length == 0;
}

/*
 * Until when to wait before something is checked: whether most connections are taken, or whether
 * the client has stopped behind a bare LF; else `deadline`.
 */
static int64_t next_check(const struct frontend *frontend, int64_t now, int64_t deadline)
{
    const int64_t pause = 500; /* milliseconds: a lost segment has come again by then */
    int64_t check = now + timeouts_when_crowded(&frontend->timeouts,
                                                session_within_message(&frontend->session));
    if (session_stops_at_lf(&frontend->session))
        return now + pause < deadline ? now + pause : deadline;
    return is_stranger(frontend) && check < deadline ? check : deadline;
}

/* WANT_NOTHING: writes replies, polls, reads. */
static void exchange(struct frontend *frontend)
{
    struct session *session = &frontend->session;
    enum ending ending;
    if (write_replies(frontend))
        return;
    if (session_will_store(session))
        boundary_request_spool(&frontend->boundary);
    struct room room = session_room(session);
    int events = (session_replies(session).length > 0 ? STREAM_WRITABLE : 0) |
                 (room.length > 0 ? STREAM_READABLE : 0);
    bool crowded = is_stranger(frontend) && ledger_is_crowded(&frontend->ledger);
    int64_t now = clock_milliseconds();
    int64_t deadline =
        timeouts_deadline(&frontend->timeouts, session_within_message(session), crowded, &ending);
    if (now >= deadline) {
        /* If the farewell could not be written either, give up silently. */
        close_session(frontend, frontend->reason == NULL ? ending : ENDING_LEFT);
        return;
    }
    int ready = frontend->read_was_full && room.length > 0
                    ? STREAM_READABLE
                    : stream_wait(&frontend->stream, events, next_check(frontend, now, deadline));
    if (ready == -ETIMEDOUT)
        session_paused(session);
    else if (ready < 0)
        close_session(frontend, ENDING_LEFT);
    else if (ready > 0 && (ready & STREAM_READABLE) != 0)
        read_octets(frontend, room);
}

/* Whether the session has lasted as long as it may: no more is asked of the runner then. */
static bool is_too_long(struct frontend *frontend)
{
    bool is_over = timeouts_session_is_over(&frontend->timeouts, clock_milliseconds());
    if (is_over)
        close_session(frontend, ENDING_SESSION_TIMEOUT);
    return is_over;
}

/* Of the sender, or the recipient if that is not NULL: one more may need a message of its own. */
static bool is_known(const struct frontend *frontend, const struct mailbox *recipient)
{
    const struct envelope *envelope = session_envelope(&frontend->session);
    bool is_one_more = recipient != NULL && envelope->count > 0;
    return !(is_one_more && frontend->one_recipient) &&
           known_accepted(frontend->options, frontend->recipients, envelope, recipient);
}

/* WANT_VERDICT: if that takes time, replies that wait are written first. */
static void ask_verdict(struct frontend *frontend)
{
    struct session *session = &frontend->session;
    struct boundary *boundary = &frontend->boundary;
    const struct mailbox *mailbox = frontend->want.verdict.mailbox;
    struct boundary_verdict answer = {VERDICT_DEFERRED, span_empty()};
    bool takes_time = frontend->want.verdict.question == QUESTION_RECIPIENT &&
                      known_takes_time(frontend->options);
    if (takes_time)
        (void)write_replies(frontend); /* what cannot go now goes later */
    if (session_want(session).kind != WANT_VERDICT || is_too_long(frontend))
        return;
    switch (frontend->want.verdict.question) {
    case QUESTION_TLS:
        answer.verdict = boundary_prepare_tls(boundary) ? VERDICT_ACCEPTED : VERDICT_DEFERRED;
        break;
    case QUESTION_SENDER:
        answer = boundary_ask_sender(boundary, session, is_known(frontend, NULL));
        break;
    case QUESTION_RECIPIENT:
        answer = boundary_ask_recipient(boundary, mailbox, frontend->want.verdict.parameters,
                                        is_known(frontend, mailbox));
        break;
    }
    if (takes_time)
        timeouts_renew(&frontend->timeouts, clock_milliseconds());
    session_answer(session, answer.verdict, answer.text);
}

/* WANT_CREDENTIALS */
static void ask_credentials(struct frontend *frontend)
{
    struct session *session = &frontend->session;
    if (is_too_long(frontend))
        return;
    boundary_send_credentials(&frontend->boundary, session, frontend->want.credentials);
    if (!stream_wait_beside(&frontend->stream, BOUNDARY_DESCRIPTOR)) {
        close_session(frontend, ENDING_LEFT);
        return;
    }
    session_answer(session, boundary_receive_verdict(&frontend->boundary), span_empty());
    timeouts_renew(&frontend->timeouts, clock_milliseconds());
}

/* WANT_XCLIENT */
static void apply_xclient(struct frontend *frontend)
{
    struct connection *connection = frontend->connection;
    const struct xclient *told = frontend->want.xclient;
    bool replaced = proxy_apply_xclient(connection, told) &&
                    boundary_replace_client(&frontend->boundary, connection, true,
                                            xclient_value(told, XCLIENT_LOGIN));
    session_xclient_done(&frontend->session, replaced, span_of(connection->client.text),
                         span_of(connection->client_hostname));
}

bool wants_handshake(struct frontend *frontend)
{
    int in, out;
    bool are_sockets;
    if (!boundary_handshake(&frontend->boundary, &in, &out, &are_sockets))
        return false;
    stream_switch(&frontend->stream, in, out, are_sockets);
    (void)close(STDIN_FILENO); /* the relay has it, and the next */
    (void)close(STDOUT_FILENO);
    return true;
}

/* WANT_TLS: if the handshake fails, nothing more is said. */
static void start_tls(struct frontend *frontend)
{
    if (wants_handshake(frontend))
        session_secured(&frontend->session);
    else
        close_session(frontend, ENDING_LEFT);
    timeouts_renew(&frontend->timeouts, clock_milliseconds());
}

/* WANT_STORE */
static void store(struct frontend *frontend)
{
    int result = boundary_store(&frontend->boundary, frontend->want.octets);
    session_stored(&frontend->session, result == 0);
}

/* WANT_DELIVERY: writes replies that wait first, since a delivery may take its time. */
static void deliver(struct frontend *frontend)
{
    struct session *session = &frontend->session;
    (void)write_replies(frontend); /* what cannot go now goes later */
    if (session_want(session).kind != WANT_DELIVERY || is_too_long(frontend))
        return;
    struct boundary_verdict answer = boundary_deliver(&frontend->boundary, &frontend->want.message);
    session_answer(session, answer.verdict, answer.text);
}

/* WANT_DISCARD */
static void discard(struct frontend *frontend)
{
    const struct session_message *message = &frontend->want.message;
    bool accepted = message->verdict == VERDICT_ACCEPTED;
    acknowledgement_after_message(&frontend->acknowledgement,
                                  accepted && frontend->options->done_list != NULL);
    boundary_discard(&frontend->boundary, message);
    timeouts_renew(&frontend->timeouts, clock_milliseconds());
    session_discarded(&frontend->session);
}

/* WANT_REPORT */
static void report(struct frontend *frontend)
{
    boundary_report_refusal(&frontend->boundary, &frontend->session, frontend->want.refusal);
    session_reported(&frontend->session);
}

/* sigpending(2) costs a system call: within a message, only every 32nd read has it. */
static bool is_to_stop(struct frontend *frontend)
{
    const unsigned signal_check_interval = 32;
    const struct session *session = &frontend->session;
    bool checks = !session_within_message(session) || session_want(session).kind == WANT_DELIVERY ||
                  ++frontend->reads % signal_check_interval == 0;
    return boundary_is_lost(&frontend->boundary) || signals_stop_caught() ||
           (checks && signals_stop_pending());
}

void wants_serve(struct frontend *frontend)
{
    static void (*const rows[])(struct frontend * frontend) = {
        [WANT_NOTHING] = exchange,
        [WANT_VERDICT] = ask_verdict,
        [WANT_CREDENTIALS] = ask_credentials,
        [WANT_XCLIENT] = apply_xclient,
        [WANT_TLS] = start_tls,
        [WANT_STORE] = store,
        [WANT_DELIVERY] = deliver,
        [WANT_DISCARD] = discard,
        [WANT_REPORT] = report,
    };
    for (;;) {
        if (frontend->reason == NULL && is_to_stop(frontend))
            close_session(frontend, ENDING_SHUTDOWN);
        frontend->want = session_want(&frontend->session);
        if (frontend->want.kind == WANT_CLOSE)
            return;
        rows[frontend->want.kind](frontend);
    }
}
