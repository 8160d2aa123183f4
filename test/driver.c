#include "test/driver.h"

#include <assert.h>
#include <stdio.h>

#include "session/text/text.h"

static void record(struct driver *driver, struct span octets)
{
    assert(octets.length <= sizeof driver->record - driver->record_length);
    memcpy(driver->record + driver->record_length, octets.octets, octets.length);
    driver->record_length += octets.length;
}

static void record_string(struct driver *driver, const char *string)
{
    record(driver, span_of(string));
}

static void record_quoted(struct driver *driver, struct span octets)
{
    for (size_t i = 0; i < octets.length; i++) {
        unsigned char c = (unsigned char)octets.octets[i];
        char quoted[8];
        if (c == '\n')
            (void)snprintf(quoted, sizeof quoted, "\\n\n| "); /* fits, as the others do */
        else if (c >= ' ' && c <= '~' && c != '\\')
            (void)snprintf(quoted, sizeof quoted, "%c", c);
        else
            (void)snprintf(quoted, sizeof quoted, "\\x%02x", c);
        record_string(driver, quoted);
    }
    record_string(driver, "\n");
}

static bool is_local(const struct mailbox *mailbox, const char *local)
{
    return span_equal(mailbox_local(mailbox), span_of(local));
}

static void answer_about_address(struct driver *driver, const struct mailbox *mailbox)
{
    enum verdict verdict = is_local(mailbox, "nobody")  ? VERDICT_UNKNOWN_MAILBOX
                           : is_local(mailbox, "later") ? VERDICT_DEFERRED
                           : is_local(mailbox, "apart") ? VERDICT_ACCEPTED_APART
                                                        : VERDICT_ACCEPTED;
    record_string(driver, "WANT_VERDICT ");
    record_quoted(driver, mailbox_whole(mailbox));
    session_answer(&driver->session, verdict, span_empty());
}

/* TLS can be had. */
static void answer_question(struct driver *driver, const struct want *want)
{
    if (want->verdict.question != QUESTION_TLS) {
        answer_about_address(driver, want->verdict.mailbox);
        return;
    }
    assert(!session_within_message(&driver->session));
    record_string(driver, "WANT_VERDICT TLS\n");
    session_answer(&driver->session, VERDICT_ACCEPTED, span_empty());
}

/* The password is the name backwards, or "later". */
static void check_credentials(struct driver *driver, struct credentials credentials)
{
    size_t length = credentials.user.length;
    bool right = length == credentials.password.length;
    for (size_t i = 0; right && i < length; i++)
        right = credentials.user.octets[i] == credentials.password.octets[length - 1 - i];
    bool later = span_equal(credentials.password, span_of("later"));
    record_string(driver, "WANT_CREDENTIALS ");
    record_quoted(driver, credentials.user);
    session_answer(&driver->session,
                   right   ? VERDICT_ACCEPTED
                   : later ? VERDICT_DEFERRED
                           : VERDICT_REFUSED,
                   span_empty());
}

static struct span copy(char *octets, struct span text)
{
    memcpy(octets, text.octets, text.length);
    return (struct span){octets, text.length};
}

/* "0.0.0.0" is nobody's address. */
static void replace_client(struct driver *driver, const struct xclient *told)
{
    struct span address = xclient_value(told, XCLIENT_ADDR);
    struct span hostname = xclient_value(told, XCLIENT_NAME);
    bool replaced = !span_equal(address, span_of("0.0.0.0"));
    record_string(driver, "WANT_XCLIENT\n");
    for (int attribute = 0; attribute < XCLIENT_ATTRIBUTES; attribute++)
        record_quoted(driver, xclient_value(told, (enum xclient_attribute)attribute));
    if (replaced && address.octets != NULL)
        driver->client_address = copy(driver->client_octets, address);
    if (replaced && hostname.octets != NULL)
        driver->client_hostname = copy(driver->hostname_octets, hostname);
    session_xclient_done(&driver->session, replaced, driver->client_address,
                         driver->client_hostname);
}

static void secure(struct driver *driver)
{
    record_string(driver, "WANT_TLS\n");
    session_secured(&driver->session);
}

static void store(struct driver *driver, struct span octets)
{
    struct session *session = &driver->session;
    assert(session_will_store(session));
    bool fits = octets.length <= sizeof driver->message - driver->message_length &&
                !is_local(&session_envelope(session)->sender, "full");
    if (fits) {
        memcpy(driver->message + driver->message_length, octets.octets, octets.length);
        driver->message_length += octets.length;
    }
    session_stored(session, fits);
}

static void deliver(struct driver *driver, const struct session_message *delivered)
{
    struct span recipient = delivered->recipient;
    struct session *session = &driver->session;
    struct span message = {driver->message, driver->message_length};
    bool refused = is_local(&session_envelope(session)->sender, "refused");
    struct span local = span_first(recipient, span_find(recipient, '@'));
    bool deferred = span_equal(local, span_of("full"));
    record_string(driver, "WANT_DELIVERY");
    if (recipient.length > 0) {
        record_string(driver, " ");
        record(driver, recipient);
    }
    if (delivered->bare_lf_count > 0) {
        char count[32];
        (void)snprintf(count, sizeof count, " bare LF: %llu",
                       (unsigned long long)delivered->bare_lf_count); /* fits */
        record_string(driver, count);
    }
    record_string(driver, "\n| ");
    record_quoted(driver, message);
    session_answer(session,
                   deferred  ? VERDICT_MAILBOX_TROUBLE
                   : refused ? VERDICT_REFUSED
                             : VERDICT_ACCEPTED,
                   refused ? message : span_of("2.1.5 so be it"));
}

static void discard(struct driver *driver, const struct session_message *message)
{
    char line[128];
    (void)snprintf(line, sizeof line, "WANT_DISCARD %s %llu %s\n", verdict_status(message->verdict),
                   (unsigned long long)message->size,
                   message->bad_line_end == NULL ? "" : message->bad_line_end); /* fits */
    record_string(driver, line);
    driver->message_length = 0;
    session_discarded(&driver->session);
}

static void report(struct driver *driver, const struct refusal *refusal)
{
    static const char *const subjects[] = {
        [SUBJECT_SENDER] = "sender", [SUBJECT_RECIPIENT] = "recipient", [SUBJECT_AUTH] = "auth"};
    char line[128];
    (void)snprintf(line, sizeof line, "WANT_REPORT %s %s %d %llu ", subjects[refusal->subject],
                   reply_status(refusal->reply), refusal->in_transaction,
                   (unsigned long long)refusal->size); /* fits */
    record_string(driver, line);
    record_quoted(driver, refusal_text(refusal));
    assert(text_is_harmless(refusal_text(refusal)));
    session_reported(&driver->session);
}

static void write_replies(struct driver *driver)
{
    struct span replies = session_replies(&driver->session);
    size_t max = driver->reply_piece;
    if (max > 0 && max < replies.length)
        replies.length = max;
    record(driver, replies);
    memcpy(driver->replies + driver->replies_length, replies.octets, replies.length);
    driver->replies_length += replies.length; /* less than the record */
    session_written(&driver->session, replies.length);
}

/* Settles wants until there is none; false when the session is over. */
static bool settle(struct driver *driver)
{
    struct session *session = &driver->session;
    for (;;) {
        while (session_replies(session).length > 0)
            write_replies(driver);
        struct want want = session_want(session);
        if (driver->watch != NULL)
            driver->watch(driver, &want);
        switch (want.kind) {
        case WANT_NOTHING:
            return true;
        case WANT_VERDICT:
            answer_question(driver, &want);
            break;
        case WANT_CREDENTIALS:
            check_credentials(driver, want.credentials);
            break;
        case WANT_XCLIENT:
            replace_client(driver, want.xclient);
            break;
        case WANT_TLS:
            secure(driver);
            break;
        case WANT_STORE:
            store(driver, want.octets);
            break;
        case WANT_DELIVERY:
            deliver(driver, &want.message);
            break;
        case WANT_DISCARD:
            discard(driver, &want.message);
            break;
        case WANT_REPORT:
            report(driver, want.refusal);
            break;
        case WANT_CLOSE:
            return false;
        }
    }
}

struct session_settings driver_settings(void)
{
    return (struct session_settings){
        .hostname = span_of("mx.test"),
        .client_address = span_of("192.0.2.1"),
        .client_hostname = span_empty(),
        .id = span_of("id"),
        .max_size = 1024ULL * 1024,
        .max_recipients = 100,
        .max_messages = 1000,
        .max_errors = 20,
        .newlines = NEWLINES_STRICT,
        .line_ending = LINE_ENDING_LF,
        .trace = true,
    };
}

void driver_begin(struct driver *driver, const struct session_settings *settings)
{
    driver->record_length = driver->replies_length = driver->message_length = 0;
    driver->client_address = settings->client_address;
    driver->client_hostname = settings->client_hostname;
    session_begin(&driver->session, settings);
    (void)settle(driver); /* it only greets */
}

bool driver_feed(struct driver *driver, struct span octets)
{
    bool goes_on = true;
    while (goes_on && octets.length > 0) {
        struct room room = session_room(&driver->session);
        size_t length = octets.length < room.length ? octets.length : room.length;
        assert(length > 0);
        memcpy(room.octets, octets.octets, length);
        octets = span_after(octets, length);
        session_fed(&driver->session, length, 1700000000);
        goes_on = settle(driver);
    }
    return goes_on;
}

bool driver_pause(struct driver *driver)
{
    session_paused(&driver->session);
    return settle(driver);
}

void driver_end(struct driver *driver)
{
    session_end(&driver->session, ENDING_INPUT_OVER);
    bool goes_on = settle(driver);
    assert(!goes_on);
    record_string(driver, "WANT_CLOSE\n");
}
