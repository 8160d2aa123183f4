/*
 * Runs the session machine without a process or a socket: standard input is what the client sends,
 * standard output gets the replies and the wants, in their order.
 *
 *     session-driver [OCTETS [lenient]]    OCTETS at a time, 0 (as many as fit) unless told
 *
 * Recipients called "nobody" are refused and those called "later" deferred; a message from
 * "refused" is refused.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../session.h"

static struct session session;
static char message[4 * 1024 * 1024];
static size_t message_length;

static void print_quoted(struct span octets)
{
    for (size_t i = 0; i < octets.length; i++) {
        unsigned char c = (unsigned char)octets.octets[i];
        if (c == '\n')
            printf("\\n\n| ");
        else if (c >= ' ' && c <= '~' && c != '\\')
            putchar(c);
        else
            printf("\\x%02x", c);
    }
    putchar('\n');
}

static bool is_local(const struct mailbox *mailbox, const char *local)
{
    return span_equal(mailbox_local(mailbox), span_of(local));
}

static void answer_question(void)
{
    const struct mailbox *mailbox = session_question(&session) == QUESTION_SENDER
                                        ? &session_envelope(&session)->sender
                                        : session_candidate(&session);
    enum verdict verdict = is_local(mailbox, "nobody")  ? VERDICT_UNKNOWN_MAILBOX
                           : is_local(mailbox, "later") ? VERDICT_DEFERRED
                                                        : VERDICT_ACCEPTED;
    printf("WANT_VERDICT ");
    print_quoted(mailbox_whole(mailbox));
    session_answer(&session, verdict, span_empty());
}

static void store(void)
{
    struct span octets = session_octets(&session);
    bool fits = octets.length <= sizeof message - message_length;
    if (fits)
        memcpy(message + message_length, octets.octets, octets.length);
    message_length += fits ? octets.length : 0;
    session_stored(&session, fits);
}

static void deliver(void)
{
    bool refused = is_local(&session_envelope(&session)->sender, "refused");
    printf("WANT_DELIVERY\n| ");
    print_quoted((struct span){message, message_length});
    session_answer(&session, refused ? VERDICT_REFUSED : VERDICT_ACCEPTED,
                   span_of("5.7.1 so be it"));
}

static void discard(void)
{
    struct session_result result = session_result(&session);
    printf("WANT_DISCARD %s %llu %s\n", verdict_status(result.verdict),
           (unsigned long long)result.size, result.broken_form == NULL ? "" : result.broken_form);
    message_length = 0;
    session_discarded(&session);
}

static void print_replies(void)
{
    struct span replies = session_replies(&session);
    fwrite(replies.octets, 1, replies.length, stdout);
    if (replies.length > 0)
        session_written(&session, replies.length);
}

/* Settles wants until there is none; false when the session is over. */
static bool settle(void)
{
    for (;;) {
        print_replies();
        switch (session_want(&session)) {
        case WANT_NOTHING:
            if (session_replies(&session).length == 0)
                return true;
            break;
        case WANT_VERDICT:
            answer_question();
            break;
        case WANT_STORE:
            store();
            break;
        case WANT_DELIVERY:
            deliver();
            break;
        case WANT_DISCARD:
            discard();
            break;
        case WANT_CLOSE:
            printf("WANT_CLOSE\n");
            return false;
        }
    }
}

int main(int argc, char **argv)
{
    size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    struct session_settings settings = {
        .hostname = span_of("mx.test"),
        .client_address = span_of("192.0.2.1"),
        .client_hostname = span_empty(),
        .id = span_of("id"),
        .max_size = 1024ULL * 1024,
        .max_recipients = 100,
        .max_messages = 1000,
        .max_errors = 20,
        .newlines = argc > 2 ? NEWLINES_LENIENT : NEWLINES_STRICT,
        .line_ending = LINE_ENDING_LF,
        .trace = true,
    };
    session_begin(&session, &settings);
    while (settle()) {
        struct room room = session_room(&session);
        size_t length = most > 0 && most < room.length ? most : room.length;
        length = fread(room.octets, 1, length, stdin);
        if (length == 0)
            session_end(&session, ENDING_INPUT_OVER);
        else
            session_fed(&session, length, 1700000000);
    }
    return 0;
}
