#include "session/auth.h"

#include "session/text/base64.h"
#include "session/text/utf8.h"

enum { MESSAGE_MAX = 2 * AUTH_NAME_MAX + AUTH_PASSWORD_MAX + 2 }; /* octets: RFC 4616 2 */

/* By their enum; a client cannot ask for the first and the last. */
static const char *const names[] = {
    [AUTH_MECHANISM_NONE] = "",
    [AUTH_MECHANISM_PLAIN] = "PLAIN", /* RFC 4616 */
    [AUTH_MECHANISM_LOGIN] = "LOGIN", /* draft-murchison-sasl-login */
    [AUTH_MECHANISM_XCLIENT] = "XCLIENT",
};

void auth_clear(struct auth *auth)
{
    auth->mechanism = AUTH_MECHANISM_NONE;
    auth->authenticated = false;
    auth->user_length = auth->password_length = 0;
    memset(auth->password, 0, sizeof auth->password);
}

bool auth_is_name(struct span name)
{
    if (name.length == 0 || name.length > AUTH_NAME_MAX || span_has_controls(name))
        return false;
    /*@ loop invariant rest_of(name, \at(name, Pre));
        loop assigns name;
        loop variant name.length; */
    while (name.length > 0) {
        size_t length = (unsigned char)name.octets[0] < 128 ? 1 : utf8_length(name);
        if (length == 0)
            return false;
        name = span_after(name, length);
    }
    return true;
}

bool auth_is_password(struct span password)
{
    return password.length > 0 && password.length <= AUTH_PASSWORD_MAX &&
           span_find(password, '\0') == password.length;
}

/*@ requires auth_ok(auth) && readable(user) && user.length <= AUTH_NAME_MAX;
    requires \separated(auth, user.octets + (0 .. user.length - 1));
    assigns auth->user_length, auth->user[0 .. AUTH_NAME_MAX - 1];
    ensures auth->user_length == user.length; */
static void copy_user(struct auth *auth, struct span user)
{
    memcpy(auth->user, user.octets, user.length);
    auth->user_length = user.length;
}

/*@ requires auth_ok(auth) && readable(password) && password.length <= AUTH_PASSWORD_MAX;
    requires \separated(auth, password.octets + (0 .. password.length - 1));
    assigns auth->password_length, auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth->password_length == password.length; */
static void copy_password(struct auth *auth, struct span password)
{
    memcpy(auth->password, password.octets, password.length);
    auth->password_length = password.length;
}

void auth_believe(struct auth *auth, struct span user)
{
    copy_user(auth, user);
    auth->mechanism = AUTH_MECHANISM_XCLIENT;
    auth->authenticated = true;
}

enum reply auth_cancel(struct auth *auth, enum reply reply)
{
    auth_clear(auth);
    return reply;
}

/* "authzid NUL authcid NUL password"; nobody acts for another here. */
/*@ requires auth_ok(auth) && readable(message);
    requires \separated(auth, message.octets + (0 .. message.length - 1));
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->user[0 .. AUTH_NAME_MAX - 1], auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && reply_or_none(\result); */
static enum reply parse_plain(struct auth *auth, struct span message)
{
    struct span other = span_first(message, span_find(message, '\0'));
    if (other.length == message.length)
        return auth_cancel(auth, REPLY_AUTH_MALFORMED);
    message = span_after(message, other.length + 1);
    struct span user = span_first(message, span_find(message, '\0'));
    if (user.length == message.length)
        return auth_cancel(auth, REPLY_AUTH_MALFORMED);
    struct span password = span_after(message, user.length + 1);
    bool same = other.length == user.length && memcmp(other.octets, user.octets, user.length) == 0;
    if (auth_is_name(user) && password.length == 0)
        return auth_cancel(auth, REPLY_AUTH_NO_PASSWORD);
    if (!auth_is_name(user) || !auth_is_password(password) || (other.length > 0 && !same))
        return auth_cancel(auth, REPLY_AUTH_MALFORMED);
    copy_user(auth, user);
    copy_password(auth, password);
    return REPLY_NONE;
}

/* First the name, then the password. */
/*@ requires auth_ok(auth) && readable(message);
    requires \separated(auth, message.octets + (0 .. message.length - 1));
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->user[0 .. AUTH_NAME_MAX - 1], auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && reply_or_none(\result); */
static enum reply parse_login(struct auth *auth, struct span message)
{
    bool is_user = auth->user_length == 0;
    if (!is_user && message.length == 0)
        return auth_cancel(auth, REPLY_AUTH_NO_PASSWORD);
    if (!(is_user ? auth_is_name(message) : auth_is_password(message)))
        return auth_cancel(auth, REPLY_AUTH_MALFORMED);
    if (is_user)
        copy_user(auth, message);
    else
        copy_password(auth, message);
    return is_user ? REPLY_AUTH_PASSWORD : REPLY_NONE;
}

/*@ requires auth_ok(auth) && readable(text);
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->user[0 .. AUTH_NAME_MAX - 1], auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && reply_or_none(\result); */
static enum reply parse_response(struct auth *auth, struct span text)
{
    char octets[MESSAGE_MAX];
    struct room room = {octets, sizeof octets};
    if (!base64_decode(text, &room))
        return auth_cancel(auth, REPLY_AUTH_ENCODING);
    struct span message = {octets, room.length};
    return auth->mechanism == AUTH_MECHANISM_PLAIN ? parse_plain(auth, message)
                                                   : parse_login(auth, message);
}

/*@ requires readable(name);
    assigns \nothing;
    ensures AUTH_MECHANISM_NONE <= \result <= AUTH_MECHANISM_LOGIN; */
static enum auth_mechanism find_mechanism(struct span name)
{
    /*@ loop invariant AUTH_MECHANISM_PLAIN <= i <= AUTH_MECHANISM_XCLIENT;
        loop assigns i;
        loop variant AUTH_MECHANISM_XCLIENT - i; */
    for (unsigned i = AUTH_MECHANISM_PLAIN; i < AUTH_MECHANISM_XCLIENT; i++)
        if (span_equal(name, span_of(names[i])))
            return (enum auth_mechanism)i;
    return AUTH_MECHANISM_NONE;
}

enum reply auth_begin(struct auth *auth, struct span argument)
{
    struct span name = span_first(argument, span_find(argument, ' '));
    struct span initial = span_trim(span_after(argument, name.length));
    auth->mechanism = find_mechanism(name);
    if (auth->mechanism == AUTH_MECHANISM_NONE)
        return REPLY_AUTH_UNKNOWN;
    if (initial.length == 0)
        return auth->mechanism == AUTH_MECHANISM_PLAIN ? REPLY_AUTH_PLAIN : REPLY_AUTH_USER;
    /* RFC 4954 4: "=" is an empty response. */
    return parse_response(auth, span_equal(initial, span_of("=")) ? span_empty() : initial);
}

enum reply auth_continue(struct auth *auth, struct span line)
{
    return span_equal(line, span_of("*")) ? auth_cancel(auth, REPLY_AUTH_CANCELLED)
                                          : parse_response(auth, line);
}

enum reply auth_reply(enum outcome outcome)
{
    static const enum reply replies[] = {
        [OUTCOME_ACCEPTED] = REPLY_AUTH_OK,
        [OUTCOME_DEFERRED] = REPLY_AUTH_DEFERRED,
        [OUTCOME_REFUSED] = REPLY_AUTH_INVALID,
    };
    return replies[outcome];
}

enum reply auth_answer(struct auth *auth, enum outcome outcome)
{
    if (outcome == OUTCOME_ACCEPTED) {
        memset(auth->password, 0, sizeof auth->password);
        auth->authenticated = true;
        return auth_reply(outcome);
    }
    if (outcome == OUTCOME_REFUSED)
        auth->failures++;
    else
        auth->deferrals++;
    return auth_cancel(auth, auth_reply(outcome));
}

bool auth_is_exhausted(const struct auth *auth)
{
    return auth->failures == AUTH_FAILURES_MAX || auth->deferrals == AUTH_DEFERRALS_MAX;
}

struct credentials auth_credentials(const struct auth *auth)
{
    return (struct credentials){
        .mechanism = span_of(names[auth->mechanism]),
        .user = {auth->user, auth->user_length},
        .password = {auth->password, auth->password_length},
    };
}

struct span auth_user(const struct auth *auth)
{
    return auth->authenticated ? (struct span){auth->user, auth->user_length} : span_empty();
}
