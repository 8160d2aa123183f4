/*
 * The machine's memory, and what more than one of its parts does to it: reply, count an error,
 * forget. The parts include this, and never session.h, which is the face of all of them.
 */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include "session/auth.h"
#include "session/content.h"
#include "session/envelope.h"
#include "session/errors.h"
#include "session/header.h"
#include "session/helo.h"
#include "session/line.h"
#include "session/refusal.h"
#include "session/reply.h"
#include "session/text/span.h"
#include "session/xclient.h"

enum {
    SESSION_INPUT_MAX = 64 * 1024,  /* octets read at once */
    SESSION_OCTETS_MAX = 64 * 1024, /* octets of a message handed over at once */
    SESSION_ID_MAX = 64,            /* octets, a message's number included */
    SESSION_UNEXPECTED_MAX = 64     /* octets of a command line */
};

/* Whether the client may, or must, have TLS before it sends mail (RFC 3207). */
enum tls_policy { TLS_POLICY_NONE, TLS_POLICY_OFFERED, TLS_POLICY_REQUIRED };

/*
 * What the machine cannot know by itself. All spans are borrowed for the session's whole life,
 * those of the client until session_xclient_done gives others.
 */
struct session_settings {
    struct span hostname;        /* ours: a domain name, RFC 5321 2.3.5 */
    struct span client_address;  /* in text; empty if unknown */
    struct span client_hostname; /* a domain name; empty if unknown */
    struct span id;              /* unique: atom characters, at most 40 octets */
    uint64_t max_size;           /* of a message, in octets; 0 for no limit */
    unsigned max_recipients;     /* a message, 1 to ENVELOPE_RECIPIENTS_MAX */
    unsigned max_messages;       /* a session */
    unsigned max_errors;         /* without a message accepted in between */
    bool lmtp;                   /* speak LMTP, RFC 2033 */
    bool one_recipient;  /* a message has one recipient: the verdict on each more is asked, too */
    bool combined_reply; /* then deliver to several one by one, with one reply: retries skip those
                            served */
    bool dsn;            /* offer DSN, RFC 3461 */
    enum tls_policy tls; /* of plaintext sessions */
    bool lacks_tls;      /* it is not to be had, whatever the policy says */
    bool secured;        /* TLS from the start, before the greeting */
    bool auth;           /* offer AUTH, RFC 4954, once TLS protects it */
    bool auth_required;  /* before MAIL, RFC 6409 4.3 */
    bool xclient;        /* the client is a trusted proxy: offer XCLIENT */
    bool early;          /* the client spoke before the greeting, and may not: it gets none */
    bool strict_pipelining; /* a command that is to be awaited ends the session if it is not */
    enum newlines newlines;
    enum line_ending line_ending; /* of the octets handed over */
    bool trace; /* put Return-Path, Received and, for one recipient, Delivered-To in front */
};

/* What the caller shall do next; in brackets the function that settles it. */
enum want_kind {
    WANT_NOTHING,     /* octets or time */
    WANT_VERDICT,     /* may this be: TLS, a sender, a recipient? [session_answer] */
    WANT_CREDENTIALS, /* are these right? [session_answer] */
    WANT_XCLIENT,     /* replace the client's identity [session_xclient_done] */
    WANT_TLS,         /* do the handshake, as the server, now [session_secured] */
    WANT_STORE,       /* keep these octets as the message's next ones [session_stored] */
    WANT_DELIVERY,    /* deliver the whole message, to all or to one [session_answer] */
    WANT_DISCARD,     /* forget the message [session_discarded] */
    WANT_REPORT,      /* log a refusal [session_reported] */
    WANT_CLOSE        /* close the connection: everything is said */
};

enum question {
    QUESTION_TLS, /* whether the handshake can begin */
    QUESTION_SENDER,
    QUESTION_RECIPIENT
};

/* Which commands make sense (RFC 5321 4.1.4). */
enum phase {
    PHASE_GREETED = 1,    /* neither HELO nor EHLO yet */
    PHASE_IDLE = 2,       /* no transaction */
    PHASE_SENDER = 4,     /* MAIL accepted, no recipient */
    PHASE_RECIPIENT = 8,  /* a recipient accepted */
    PHASE_CHUNKED = 16,   /* between the chunks of a message; RFC 3030 */
    PHASE_CONTENT = 32,   /* within the message, after DATA */
    PHASE_CHUNK = 64,     /* within a chunk */
    PHASE_REFUSED = 128,  /* within a chunk that is discarded */
    PHASE_DELIVERY = 256, /* the message goes to one recipient at a time */
    PHASE_AUTH = 512,     /* within the exchange of AUTH; RFC 4954 4 */
    PHASE_OVER = 1024     /* nothing more is read */
};

/* How a session went, for the log. */
struct session_counts {
    unsigned messages;   /* transactions begun */
    unsigned accepted;   /* messages delivered */
    unsigned errors;     /* of the client's, in all; see state_count_error */
    unsigned commands;   /* command lines, valid or not */
    unsigned unreported; /* refusals beyond REFUSALS_MAX */
    bool spoke;          /* octets came */
    bool stopped_at_lf;  /* the client waited behind a bare LF in a command line */
    bool quit;           /* the client sent QUIT */
    /*
     * The first command that must end a group (RFC 2920) and had octets behind it, or the one that
     * ended the session so; or NULL.
     */
    const char *pipelined_behind;
    const char *abuse; /* what ended the session, in a word; NULL if nothing of it did */
};

/*
 * The machine. The caller owns its memory and reads none of its fields. Hot fields first, large
 * buffers last: untouched pages cost nothing.
 */
struct session {
    struct session_settings settings;
    enum phase phase;
    enum want_kind want;
    enum question question;
    bool input_is_over; /* what is here is the last of it */
    bool begun;         /* the first line that is not empty has come, since greeting or handshake */
    bool extended;      /* greeted with EHLO */
    bool secured;       /* TLS protects what is said */
    bool lacks_tls;     /* as in the settings, or by the answer to QUESTION_TLS */
    bool xclient_done;  /* XCLIENT replaced the client: no TLS, and no XCLIENT, after that */
    bool saw_auth;      /* what follows may be a password, even if it is no command */
    bool refusal_is_due; /* to be reported, before anything else is done */
    unsigned refusals;   /* reported so far */
    bool message_open;   /* a message was begun and is not discarded yet */
    bool storing;        /* octets of it were handed over */
    uint32_t trace_length;
    uint64_t chunk_size;
    uint64_t chunk_left; /* octets of the chunk that have not come yet */
    bool chunk_is_last;
    bool apart; /* each recipient must have a delivery of its own; with `combined_reply` alone */
    unsigned recipient;             /* in PHASE_DELIVERY: the one whose turn it is */
    enum verdict summary;           /* of the verdicts on the recipients so far */
    enum phase phase_after_discard; /* of the refused chunk */
    enum reply chunk_refusal;       /* of it */
    enum verdict verdict;
    struct session_counts counts;
    struct errors errors;
    const char *verb;       /* of the latest command that is known, or NULL */
    enum subject subject;   /* of the command at hand, until it is answered, */
    struct span argument;   /* with this argument, borrowed from the input */
    unsigned idle_commands; /* since a message was answered */
    int64_t now;
    size_t input_start, input_end;
    size_t octets_length;
    struct line line;
    struct content content;
    struct auth auth;
    struct helo helo;
    char id[SESSION_ID_MAX];
    size_t id_length;
    struct replies replies;
    struct header header;
    struct xclient xclient;
    struct refusal refusal;
    size_t unexpected_length;
    char unexpected[SESSION_UNEXPECTED_MAX]; /* command, the first; length 0 for none */
    struct mailbox candidate;
    struct parameters candidate_parameters;
    struct envelope envelope;
    char input[SESSION_INPUT_MAX];
    char octets[SESSION_OCTETS_MAX];
};

/*@ // Readable; by its place, since the prover knows less of copies.
    predicate lent(struct span *span) = \valid_read(span->octets + (0 .. span->length - 1));
    predicate settings_ok(struct session_settings *settings) =
        lent(&settings->hostname) && settings->hostname.length <= DOMAIN_MAX &&
        lent(&settings->client_address) && lent(&settings->client_hostname) &&
        lent(&settings->id);
    // In each of these the envelope has a recipient.
    predicate has_recipient(struct session *session, integer phase) =
        phase == PHASE_RECIPIENT || phase == PHASE_CHUNKED || phase == PHASE_CONTENT ||
            phase == PHASE_CHUNK || phase == PHASE_DELIVERY ==> session->envelope.count > 0;
    predicate phase_ok(struct session *session) =
        has_recipient(session, session->phase) &&
        (session->phase == PHASE_DELIVERY ==> session->recipient <= session->envelope.count) &&
        (session->phase == PHASE_REFUSED ==> session->phase_after_discard <= PHASE_CHUNKED &&
            has_recipient(session, session->phase_after_discard)) &&
        (session->want == WANT_STORE ==>
            session->envelope.count > 0 && session->phase != PHASE_DELIVERY) &&
        (session->want == WANT_DELIVERY ==> session->envelope.count > 0 &&
            (session->phase == PHASE_DELIVERY ==> session->recipient < session->envelope.count));
    predicate command_ok(struct session *session) =
        (session->verb == \null || \valid_read(session->verb)) &&
        (session->subject != SUBJECT_OTHER ==>
            !session->refusal_is_due && lent(&session->argument));
    predicate answers_ok(struct session *session) = verdict_ok(session->verdict) &&
        verdict_ok(session->summary) && reply_ok(session->chunk_refusal);
    predicate lengths_ok(struct session *session) =
        session->input_start <= session->input_end <= SESSION_INPUT_MAX &&
        session->octets_length + room_needed(&session->header) <= SESSION_OCTETS_MAX &&
        session->id_length <= SESSION_ID_MAX &&
        session->unexpected_length <= SESSION_UNEXPECTED_MAX;
    predicate parts_ok(struct session *session) =
        line_ok(&session->line) && content_ok(&session->content) && header_ok(&session->header) &&
        auth_ok(&session->auth) && helo_ok(&session->helo) && replies_ok(&session->replies) &&
        xclient_ok(&session->xclient) && mailbox_ok(&session->candidate) &&
        parameters_ok(&session->candidate_parameters) && envelope_ok(&session->envelope);
    predicate session_ok(struct session *session) = \valid(session) &&
        settings_ok(&session->settings) && phase_ok(session) && command_ok(session) &&
        answers_ok(session) && lengths_ok(session) && parts_ok(session) &&
        \separated(session, session->settings.hostname.octets +
                                (0 .. session->settings.hostname.length - 1));
    // There is room for a last reply, and before that for what answers what is asked.
    predicate answerable(struct session *session) =
        (session->phase != PHASE_OVER ==> replies_fit(&session->replies, REPLY_LINE_MAX)) &&
        (session->want == WANT_VERDICT || session->want == WANT_CREDENTIALS ||
            session->want == WANT_XCLIENT || session->want == WANT_STORE ||
            session->want == WANT_DELIVERY ==> replies_fit(&session->replies, 2 * REPLY_ROOM));
    // What is here of the input; and with it a number that each step makes less: 2048 is more than
    // a message has recipients, and 8192 than what an octet of the input can begin.
    logic integer left_to_read(struct session *session) =
        2 * (session->input_end - session->input_start) + (session->line.last_length > 0 ? 1 : 0);
    logic integer left_to_do(struct session *session) = 8192 * left_to_read(session) +
        (session->want == WANT_NOTHING ? 4096 : 0) +
        (session->phase == PHASE_DELIVERY ? session->envelope.count - session->recipient :
            session->phase == PHASE_CONTENT || session->phase == PHASE_CHUNK ||
                session->phase == PHASE_REFUSED ? 2048 : 0);
    // What the client said is apart from what it is parsed into.
    predicate is_said(struct session *session, struct span said) = readable(said) &&
        \separated(said.octets + (0 .. said.length - 1), &session->auth) &&
        \separated(said.octets + (0 .. said.length - 1), &session->xclient) &&
        \separated(said.octets + (0 .. said.length - 1), &session->candidate) &&
        \separated(said.octets + (0 .. said.length - 1), &session->candidate_parameters) &&
        \separated(said.octets + (0 .. said.length - 1), &session->envelope);
    // A command with this argument can be run.
    predicate runnable(struct session *session, struct span argument) = session_ok(session) &&
        is_said(session, argument) && session->want == WANT_NOTHING &&
        session->phase <= PHASE_CHUNKED && replies_fit(&session->replies, 2 * REPLY_ROOM); */

/*
 * Queues `reply`, with `detail` if its text has a place for one; a 5xx counts as an error, and what
 * refuses the command at hand is reported.
 */
/*@ requires session_ok(session) && reply_ok(reply);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject,
            session->refusals, session->refusal_is_due, session->refusal.subject,
            session->refusal.reply, session->refusal.in_transaction, session->refusal.size,
            session->refusal.length, session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1],
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1],
            session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && session->subject == SUBJECT_OTHER;
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void state_reply(struct session *session, enum reply reply);
/*@ requires session_ok(session) && reply_ok(reply) && readable(detail);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject,
            session->refusals, session->refusal_is_due, session->refusal.subject,
            session->refusal.reply, session->refusal.in_transaction, session->refusal.size,
            session->refusal.length, session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1],
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1],
            session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && session->subject == SUBJECT_OTHER;
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void state_reply_with(struct session *session, enum reply reply, struct span detail);

/* Queues `reply`, the last one: nothing more is read. */
/*@ requires session_ok(session) && reply_ok(reply);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->phase, session->want, session->verdict,
            session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject,
            session->refusals, session->refusal_is_due, session->refusal.subject,
            session->refusal.reply, session->refusal.in_transaction, session->refusal.size,
            session->refusal.length, session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1],
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1],
            session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && session->phase == PHASE_OVER;
    ensures session->want == WANT_DISCARD || session->want == \old(session->want);
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void state_leave(struct session *session, enum reply reply);

/* Notes a command that is unknown, not implemented or misplaced, for the log: the first alone. */
/*@ requires session_ok(session) && readable(said);
    assigns session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1];
    ensures session_ok(session); */
void state_note_unexpected(struct session *session, struct span said);

/* Whether TLS should be there and cannot be had: the client was not to blame. */
/*@ requires \valid_read(session);
    assigns \nothing; */
bool state_lacks_tls(const struct session *session);

/* Queues the greeting, 220. */
/*@ requires session_ok(session);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject,
            session->refusals, session->refusal_is_due, session->refusal.subject,
            session->refusal.reply, session->refusal.in_transaction, session->refusal.size,
            session->refusal.length, session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1],
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1],
            session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session);
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void state_send_banner(struct session *session);

/*
 * Counts an error: a mistake of the client, or a recipient that cannot be decided on now.
 */
/*@ requires session_ok(session);
    assigns session->counts.errors, session->errors.count, session->errors.set_aside;
    ensures session_ok(session); */
void state_count_error(struct session *session);

/* Resets to the state after the greeting (RFC 3207 4.2): forgets HELO, AUTH and the transaction. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    assigns session->phase, session->extended, session->helo.length, session->id_length,
            session->apart, session->auth.mechanism, session->auth.authenticated,
            session->auth.user_length, session->auth.password_length,
            session->auth.password[0 .. AUTH_PASSWORD_MAX - 1], session->envelope.sender.length,
            session->envelope.sender.local_length, session->envelope.count,
            session->envelope.parameters.size, session->envelope.parameters.utf8,
            session->envelope.parameters.prdr, session->envelope.parameters.binary,
            session->envelope.parameters.ret, session->envelope.parameters.envid_length,
            session->envelope.parameters.notify_length, session->envelope.parameters.orcpt_length,
            session->envelope.parameters.dropped_length;
    ensures session_ok(session) && session->phase == PHASE_GREETED; */
void state_reset(struct session *session);

/* The client does not finish the open message: it is discarded next. */
/*@ requires session_ok(session);
    assigns session->verdict, session->want;
    ensures session_ok(session) && session->want == WANT_DISCARD; */
void state_abandon_message(struct session *session);

/* Forgets the transaction, so that MAIL may begin another. */
/*@ requires session_ok(session) &&
        (session->want == WANT_NOTHING || session->want == WANT_DISCARD);
    assigns session->verdict, session->want, session->errors.count, session->errors.set_aside,
            session->errors.recipients, session->envelope.sender.length,
            session->envelope.sender.local_length, session->envelope.count,
            session->envelope.parameters.size, session->envelope.parameters.utf8,
            session->envelope.parameters.prdr, session->envelope.parameters.binary,
            session->envelope.parameters.ret, session->envelope.parameters.envid_length,
            session->envelope.parameters.notify_length, session->envelope.parameters.orcpt_length,
            session->envelope.parameters.dropped_length, session->id_length, session->apart,
            session->phase;
    ensures session_ok(session);
    ensures session->want == (session->message_open ? WANT_DISCARD : \old(session->want)); */
void state_forget_transaction(struct session *session);

/* The octets that are here and not read yet. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures readable(\result) && \result.length == session->input_end - session->input_start;
    ensures \result.octets == &session->input[0] + session->input_start; */
struct span state_input(const struct session *session);

/* The transaction's id; empty before MAIL. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result, &session->id[0], SESSION_ID_MAX); */
struct span state_id(const struct session *session);

#endif
