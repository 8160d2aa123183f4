#include "driver.h"

#include <assert.h>
#include <stdio.h>

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

static void answer_about_address(struct driver *driver)
{
    struct session *session = &driver->session;
    const struct mailbox *mailbox = session_question(session) == QUESTION_SENDER
                                        ? &session_envelope(session)->sender
                                        : session_candidate(session);
    enum verdict verdict = is_local(mailbox, "nobody")  ? VERDICT_UNKNOWN_MAILBOX
                           : is_local(mailbox, "later") ? VERDICT_DEFERRED
                                                        : VERDICT_ACCEPTED;
    record_string(driver, "WANT_VERDICT ");
    record_quoted(driver, mailbox_whole(mailbox));
    session_answer(session, verdict, span_empty());
}

/* TLS can be had. */
static void answer_question(struct driver *driver)
{
    if (session_question(&driver->session) != QUESTION_TLS) {
        answer_about_address(driver);
        return;
    }
    assert(!session_within_message(&driver->session));
    record_string(driver, "WANT_VERDICT TLS\n");
    session_answer(&driver->session, VERDICT_ACCEPTED, span_empty());
}

/* The password is the name backwards, or "later". */
static void judge_credentials(struct driver *driver)
{
    struct credentials credentials = session_credentials(&driver->session);
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

static struct span keep(char *octets, struct span text)
{
    memcpy(octets, text.octets, text.length);
    return (struct span){octets, text.length};
}

/* "0.0.0.0" is nobody's address. */
static void introduce(struct driver *driver)
{
    const struct xclient *told = session_xclient(&driver->session);
    struct span address = xclient_value(told, XCLIENT_ADDR);
    struct span hostname = xclient_value(told, XCLIENT_NAME);
    bool taken = !span_equal(address, span_of("0.0.0.0"));
    record_string(driver, "WANT_CLIENT\n");
    for (int attribute = 0; attribute < XCLIENT_ATTRIBUTES; attribute++)
        record_quoted(driver, xclient_value(told, (enum xclient_attribute)attribute));
    if (taken && address.octets != NULL)
        driver->client_address = keep(driver->client_octets, address);
    if (taken && hostname.octets != NULL)
        driver->client_hostname = keep(driver->hostname_octets, hostname);
    session_introduced(&driver->session, taken, driver->client_address, driver->client_hostname);
}

static void secure(struct driver *driver)
{
    record_string(driver, "WANT_TLS\n");
    session_secured(&driver->session);
}

static void store(struct driver *driver)
{
    struct session *session = &driver->session;
    struct span octets = session_octets(session);
    assert(session_keeps_octets(session));
    bool fits = octets.length <= sizeof driver->message - driver->message_length &&
                !is_local(&session_envelope(session)->sender, "full");
    if (fits) {
        memcpy(driver->message + driver->message_length, octets.octets, octets.length);
        driver->message_length += octets.length;
    }
    session_stored(session, fits);
}

static void deliver(struct driver *driver)
{
    struct session *session = &driver->session;
    struct span message = {driver->message, driver->message_length};
    struct mailbox recipient;
    bool refused = is_local(&session_envelope(session)->sender, "refused");
    bool each = session_recipient(session, &recipient);
    bool deferred = each && is_local(&recipient, "full");
    record_string(driver, "WANT_DELIVERY ");
    record(driver, session_protocol(session));
    if (each) {
        record_string(driver, " ");
        record(driver, mailbox_whole(&recipient));
    }
    record_string(driver, "\n| ");
    record_quoted(driver, message);
    record_string(driver, "NOTIFY ");
    record_quoted(driver, session_notify(session));
    record_string(driver, "ORCPT ");
    record_quoted(driver, session_orcpt(session));
    session_answer(session,
                   deferred  ? VERDICT_MAILBOX_TROUBLE
                   : refused ? VERDICT_REFUSED
                             : VERDICT_ACCEPTED,
                   refused ? message : span_of("2.1.5 so be it"));
}

static void discard(struct driver *driver)
{
    struct session_result result = session_result(&driver->session);
    char line[128];
    (void)snprintf(line, sizeof line, "WANT_DISCARD %s %llu %s\n", verdict_status(result.verdict),
                   (unsigned long long)result.size,
                   result.broken_form == NULL ? "" : result.broken_form); /* fits */
    record_string(driver, line);
    driver->message_length = 0;
    session_discarded(&driver->session);
}

static void write_replies(struct driver *driver)
{
    struct span replies = session_replies(&driver->session);
    size_t most = driver->reply_piece;
    if (most > 0 && most < replies.length)
        replies.length = most;
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
        enum want want = session_want(session);
        if (driver->watch != NULL)
            driver->watch(driver, want);
        switch (want) {
        case WANT_NOTHING:
            return true;
        case WANT_VERDICT:
            answer_question(driver);
            break;
        case WANT_CREDENTIALS:
            judge_credentials(driver);
            break;
        case WANT_CLIENT:
            introduce(driver);
            break;
        case WANT_TLS:
            secure(driver);
            break;
        case WANT_STORE:
            store(driver);
            break;
        case WANT_DELIVERY:
            deliver(driver);
            break;
        case WANT_DISCARD:
            discard(driver);
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

void driver_end(struct driver *driver)
{
    session_end(&driver->session, ENDING_INPUT_OVER);
    bool goes_on = settle(driver);
    assert(!goes_on);
    record_string(driver, "WANT_CLOSE\n");
}
