#include "auth.h"

#include "base64.h"
#include "command.h"
#include "utf8.h"

enum { MESSAGE_MAX = 2 * AUTH_NAME_MAX + AUTH_PASSWORD_MAX + 2 }; /* octets: RFC 4616 2 */

/* By their enum; the last is none that a client can ask for. */
static const char *const names[] = {
    [AUTH_MECHANISM_PLAIN] = "PLAIN", /* RFC 4616 */
    [AUTH_MECHANISM_LOGIN] = "LOGIN", /* draft-murchison-sasl-login */
    [AUTH_MECHANISM_XCLIENT] = "XCLIENT",
};

static void say(struct session *session, enum reply reply)
{
    command_reply(session, reply, span_empty());
}

/* Ends the exchange without a result. */
static void give_up(struct session *session, enum reply reply)
{
    auth_clear(&session->auth);
    session->phase = PHASE_IDLE;
    say(session, reply);
}

void auth_clear(struct auth *auth)
{
    auth->mechanism = AUTH_MECHANISM_NONE;
    auth->authenticated = false;
    auth->user_length = auth->password_length = 0;
    memset(auth->password, 0, sizeof auth->password);
}

bool auth_is_name(struct span name)
{
    if (name.length == 0 || name.length > AUTH_NAME_MAX)
        return false;
    while (name.length > 0) {
        unsigned char c = (unsigned char)name.octets[0];
        size_t length = c < 128 ? c >= ' ' && c != 127 : utf8_length(name);
        if (length == 0)
            return false;
        name = span_after(name, length);
    }
    return true;
}

static bool is_password(struct span password)
{
    return password.length > 0 && password.length <= AUTH_PASSWORD_MAX &&
           span_find(password, '\0') == password.length;
}

static void keep_user(struct auth *auth, struct span user)
{
    memcpy(auth->user, user.octets, user.length);
    auth->user_length = user.length;
}

void auth_believe(struct auth *auth, struct span user)
{
    keep_user(auth, user);
    auth->mechanism = AUTH_MECHANISM_XCLIENT;
    auth->authenticated = true;
}

static void ask(struct session *session, struct span password)
{
    struct auth *auth = &session->auth;
    memcpy(auth->password, password.octets, password.length);
    auth->password_length = password.length;
    session->want = WANT_CREDENTIALS;
}

/* "authzid NUL authcid NUL password"; nobody acts for another here. */
static bool take_plain(struct session *session, struct span message)
{
    struct span other = span_first(message, span_find(message, '\0'));
    if (other.length == message.length)
        return false;
    message = span_after(message, other.length + 1);
    struct span user = span_first(message, span_find(message, '\0'));
    if (user.length == message.length)
        return false;
    struct span password = span_after(message, user.length + 1);
    bool same = other.length == user.length && memcmp(other.octets, user.octets, user.length) == 0;
    if (!auth_is_name(user) || !is_password(password) || (other.length > 0 && !same))
        return false;
    keep_user(&session->auth, user);
    ask(session, password);
    return true;
}

/* First the name, then the password. */
static bool take_login(struct session *session, struct span message)
{
    if (session->auth.user_length > 0) {
        if (!is_password(message))
            return false;
        ask(session, message);
        return true;
    }
    if (!auth_is_name(message))
        return false;
    keep_user(&session->auth, message);
    say(session, REPLY_AUTH_PASSWORD);
    return true;
}

static void take(struct session *session, struct span text)
{
    char octets[MESSAGE_MAX];
    struct room room = {octets, sizeof octets};
    bool plain = session->auth.mechanism == AUTH_MECHANISM_PLAIN;
    if (!base64_decode(text, &room)) {
        give_up(session, REPLY_AUTH_ENCODING);
        return;
    }
    struct span message = {octets, room.length};
    if (!(plain ? take_plain(session, message) : take_login(session, message)))
        give_up(session, REPLY_AUTH_MALFORMED);
}

static enum auth_mechanism find(struct span name)
{
    for (unsigned i = AUTH_MECHANISM_PLAIN; i < AUTH_MECHANISM_XCLIENT; i++)
        if (span_equal(name, span_of(names[i])))
            return (enum auth_mechanism)i;
    return AUTH_MECHANISM_NONE;
}

void auth_run(struct session *session, struct span argument)
{
    struct span name = span_first(argument, span_find(argument, ' '));
    struct span initial = span_trim(span_after(argument, name.length));
    enum auth_mechanism mechanism = find(name);
    if (!session->settings.auth) {
        say(session, REPLY_NOT_IMPLEMENTED);
    } else if (!session->secured) {
        say(session, REPLY_AUTH_WANTS_TLS);
    } else if (session->auth.authenticated || !session->extended) {
        say(session, REPLY_BAD_SEQUENCE);
    } else if (mechanism == AUTH_MECHANISM_NONE) {
        say(session, REPLY_AUTH_UNKNOWN);
    } else {
        session->auth.mechanism = mechanism;
        session->phase = PHASE_AUTH;
        if (initial.length == 0)
            say(session, mechanism == AUTH_MECHANISM_PLAIN ? REPLY_AUTH_PLAIN : REPLY_AUTH_USER);
        else /* "=" is one of no octets */
            take(session, span_equal(initial, span_of("=")) ? span_empty() : initial);
    }
}

void auth_continue(struct session *session, struct span line)
{
    if (span_equal(line, span_of("*")))
        give_up(session, REPLY_AUTH_CANCELLED);
    else
        take(session, line);
}

void auth_break_off(struct session *session)
{
    give_up(session, REPLY_AUTH_TOO_LONG);
}

void auth_answer(struct session *session, bool right, bool known)
{
    struct auth *auth = &session->auth;
    memset(auth->password, 0, sizeof auth->password);
    session->phase = PHASE_IDLE;
    if (right) {
        auth->authenticated = true;
        say(session, REPLY_AUTH_OK);
    } else if (!known) {
        give_up(session, REPLY_AUTH_TROUBLE);
    } else {
        auth->failures++;
        give_up(session, REPLY_AUTH_WRONG);
        if (auth->failures == AUTH_FAILURES_MAX)
            command_leave(session, REPLY_AUTH_TOO_MANY);
    }
}

struct credentials session_credentials(const struct session *session)
{
    const struct auth *auth = &session->auth;
    return (struct credentials){
        .mechanism = span_of(names[auth->mechanism]),
        .user = {auth->user, auth->user_length},
        .password = {auth->password, auth->password_length},
    };
}

struct span session_user(const struct session *session)
{
    const struct auth *auth = &session->auth;
    return auth->authenticated ? (struct span){auth->user, auth->user_length} : span_empty();
}
