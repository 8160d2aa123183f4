#include "session/opening.h"

#include "session/trace.h"

/*
 * We add Delivered-To, so one that names the same recipient means a loop; not in LMTP, since the
 * server before us may have added it.
 */
/*@ requires \valid_read(session);
    assigns \nothing; */
static bool adds_delivered_to(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    return settings->trace && settings->one_recipient && !settings->lmtp;
}

/* Whether it is nobody who could tell our own authentication results (RFC 8601 5). */
/*@ requires \valid_read(session);
    assigns \nothing; */
static bool is_stranger(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    return !settings->lmtp && !settings->xclient && !session->auth.authenticated;
}

/*@ requires \valid_read(session);
    assigns \nothing;
    ensures readable(\result); */
static struct span protocol_of(const struct session *session)
{
    return protocol_name((struct protocol){
        .extended = session->extended,
        .lmtp = session->settings.lmtp,
        .utf8 = session->envelope.parameters.utf8,
        .secured = session->secured,
        .authenticated = session->auth.authenticated,
    });
}

/* The recipient if there is only one; else empty. */
/*@ requires session_ok(session) && session->envelope.count > 0;
    assigns \nothing;
    ensures readable(\result); */
static struct span only_recipient(const struct session *session)
{
    if (session->envelope.count > 1)
        return span_empty();
    return envelope_line(&session->envelope.recipients, 0);
}

/* Writes the trace to the front of the octets; returns its length. */
/*@ requires session_ok(session) && session->envelope.count > 0;
    assigns session->octets[0 .. SESSION_OCTETS_MAX - 1];
    ensures \result <= TRACE_FIELDS_MAX; */
static size_t write_trace(struct session *session, enum line_ending line_ending)
{
    const struct session_settings *settings = &session->settings;
    struct span id = state_id(session);
    struct room output = {session->octets, sizeof session->octets};
    struct trace trace = {
        .sender = mailbox_whole(&session->envelope.sender),
        .recipient = only_recipient(session),
        .delivered_to = adds_delivered_to(session),
        .helo = helo_name(&session->helo),
        .client_hostname = settings->client_hostname,
        .client_address = settings->client_address,
        .user = auth_user(&session->auth),
        .hostname = settings->hostname,
        .protocol = protocol_of(session),
        .id = id,
        .time = session->now,
    };
    trace_write(&trace, line_ending, &output);
    return sizeof session->octets - output.length;
}

/*@ requires session_ok(session);
    assigns session->content.state, session->content.encoding, session->content.newlines,
            session->content.line_ending, session->content.size, session->content.bare_lf_count,
            session->content.bad_line_end, session->content.smuggled_end;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
static void begin_content(struct session *session, enum encoding encoding,
                          enum line_ending line_ending)
{
    content_begin(&session->content, encoding, session->settings.newlines, line_ending);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && readable(recipient);
    assigns session->header.recipient;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
static void look_for(struct session *session, struct span recipient)
{
    header_look_for(&session->header, recipient);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && readable(hostname);
    assigns session->header.hostname;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
static void leave_out(struct session *session, struct span hostname)
{
    header_leave_out(&session->header, hostname);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && session->octets_length == 0;
    assigns session->header.over, session->header.is_traced, session->header.begun,
            session->header.passed, session->header.left_out, session->header.delivered,
            session->header.is_astray, session->header.after_return, session->header.has_return,
            session->header.is_broken, session->header.is_held, session->header.line_ending,
            session->header.kind, session->header.received, session->header.added,
            session->header.line_length;
    ensures session_ok(session);
    ensures room_needed(&session->header) <= HEADER_ADDED_MAX + HEADER_END_MAX;
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
static void begin_header(struct session *session, enum line_ending line_ending)
{
    header_begin(&session->header, session->settings.trace, line_ending);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* The first `length` octets are ours. */
/*@ requires session_ok(session) && length + room_needed(&session->header) <= SESSION_OCTETS_MAX;
    assigns session->octets_length;
    ensures session_ok(session) && session->octets_length == length;
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
static void keep(struct session *session, size_t length)
{
    session->octets_length = length;
}

/* What is here is the trace, and nothing is stored yet. */
/*@ requires session_ok(session);
    assigns session->trace_length, session->message_open, session->storing, session->verdict;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
static void open_message(struct session *session)
{
    session->trace_length = (uint32_t)session->octets_length;
    session->message_open = true;
    session->storing = false;
    session->verdict = VERDICT_ACCEPTED;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

void opening_begin(struct session *session, enum encoding encoding)
{
    bool is_binary = encoding == ENCODING_BINARY;
    enum line_ending line_ending = is_binary ? LINE_ENDING_CRLF : session->settings.line_ending;
    keep(session, 0);
    begin_content(session, encoding, line_ending);
    look_for(session, adds_delivered_to(session) ? only_recipient(session) : span_empty());
    leave_out(session, is_stranger(session) ? session->settings.hostname : span_empty());
    begin_header(session, line_ending);
    if (session->settings.trace)
        keep(session, write_trace(session, line_ending));
    open_message(session);
}
