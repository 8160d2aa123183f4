/*
 * The exchange of AUTH with PLAIN and LOGIN (RFC 4954, RFC 4616), up to a name and a password that
 * somebody else must check. It knows no session: each line of the client's gives a reply.
 */
#ifndef SESSION_AUTH_H
#define SESSION_AUTH_H

#include <stdbool.h>

#include "session/reply.h"
#include "session/text/span.h"

enum {
    AUTH_NAME_MAX = 255, /* octets: checkpassword takes 512 with password, time and three NULs */
    AUTH_PASSWORD_MAX = 246, /* likewise */
    AUTH_FAILURES_MAX = 3,   /* a session; then 421 */
    AUTH_DEFERRALS_MAX = 5   /* credentials that could not be checked; likewise */
};

/* Borrowed from the exchange until they are answered. Neither holds a NUL. */
struct credentials {
    struct span mechanism; /* "PLAIN" or "LOGIN" */
    struct span user;
    struct span password;
};

enum auth_mechanism {
    AUTH_MECHANISM_NONE,
    AUTH_MECHANISM_PLAIN,
    AUTH_MECHANISM_LOGIN,
    AUTH_MECHANISM_XCLIENT /* a proxy named the user */
};

struct auth {
    enum auth_mechanism mechanism; /* at work, or that has worked */
    bool authenticated;
    unsigned failures, deferrals;
    size_t user_length; /* 0 until LOGIN has received it */
    size_t password_length;
    char user[AUTH_NAME_MAX];
    char password[AUTH_PASSWORD_MAX]; /* cleared as soon as it is answered */
};

/*@ predicate auth_ok(struct auth *auth) = \valid(auth) &&
        AUTH_MECHANISM_NONE <= auth->mechanism <= AUTH_MECHANISM_XCLIENT &&
        auth->user_length <= AUTH_NAME_MAX && auth->password_length <= AUTH_PASSWORD_MAX;
    predicate reply_or_none(enum reply reply) = reply == REPLY_NONE || reply_ok(reply); */

/* Resets to unauthenticated: at start, after STARTTLS and XCLIENT. Failures stay counted. */
/*@ requires \valid(auth);
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && auth->failures == \old(auth->failures);
    ensures auth->deferrals == \old(auth->deferrals); */
void auth_clear(struct auth *auth);

/* Whether it may name a user: UTF-8 without control characters, for the log and the environment. */
/*@ requires readable(name);
    assigns \nothing;
    ensures \result ==> 0 < name.length <= AUTH_NAME_MAX; */
bool auth_is_name(struct span name);

/* Whether it may be a password: without NUL, and not empty, which is an anonymous bind in LDAP. */
/*@ requires readable(password);
    assigns \nothing;
    ensures \result ==> 0 < password.length <= AUTH_PASSWORD_MAX; */
bool auth_is_password(struct span password);

/* The client is `user`, by the word of a proxy. */
/*@ requires auth_ok(auth) && readable(user) && user.length <= AUTH_NAME_MAX;
    requires \separated(auth, user.octets + (0 .. user.length - 1));
    assigns auth->mechanism, auth->authenticated, auth->user_length,
            auth->user[0 .. AUTH_NAME_MAX - 1];
    ensures auth_ok(auth); */
void auth_believe(struct auth *auth, struct span user);

/*
 * Parses the argument of AUTH, a mechanism and perhaps an initial response; then each line of the
 * exchange. Returns the reply: a 334, after which the exchange goes on, or an error, which ends it.
 * REPLY_NONE: the credentials are complete and must be checked.
 */
/*@ requires auth_ok(auth) && readable(argument);
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->user[0 .. AUTH_NAME_MAX - 1], auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && reply_or_none(\result); */
enum reply auth_begin(struct auth *auth, struct span argument);
/*@ requires auth_ok(auth) && readable(line);
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->user[0 .. AUTH_NAME_MAX - 1], auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && reply_or_none(\result); */
enum reply auth_continue(struct auth *auth, struct span line);

/* Ends the exchange without a result; returns `reply`. */
/*@ requires auth_ok(auth);
    assigns auth->mechanism, auth->authenticated, auth->user_length, auth->password_length,
            auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && \result == reply; */
enum reply auth_cancel(struct auth *auth, enum reply reply);

/*@ requires auth_ok(auth);
    assigns \nothing;
    ensures readable(\result.mechanism) && lies_in(\result.user, &auth->user[0], AUTH_NAME_MAX);
    ensures lies_in(\result.password, &auth->password[0], AUTH_PASSWORD_MAX); */
struct credentials auth_credentials(const struct auth *auth);

/* The reply to credentials by what checking them came to. */
/*@ requires outcome_ok(outcome);
    assigns \nothing;
    ensures reply_ok(\result); */
enum reply auth_reply(enum outcome outcome);

/* The credentials were checked; returns auth_reply. */
/*@ requires auth_ok(auth) && outcome_ok(outcome);
    assigns auth->mechanism, auth->authenticated, auth->failures, auth->deferrals,
            auth->user_length, auth->password_length, auth->password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures auth_ok(auth) && reply_ok(\result); */
enum reply auth_answer(struct auth *auth, enum outcome outcome);

/* Whether the session has failed so often that it must end. */
/*@ requires auth_ok(auth);
    assigns \nothing; */
bool auth_is_exhausted(const struct auth *auth);

/* Who the client is; empty if unauthenticated. */
/*@ requires auth_ok(auth);
    assigns \nothing;
    ensures lies_in(\result, &auth->user[0], AUTH_NAME_MAX);
    ensures \result.length <= AUTH_NAME_MAX; */
struct span auth_user(const struct auth *auth);

#endif
