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

/* Resets to unauthenticated: at start, after STARTTLS and XCLIENT. Failures stay counted. */
void auth_clear(struct auth *auth);

/* Whether it may name a user: UTF-8 without control characters, for the log and the environment. */
bool auth_is_name(struct span name);

/* Whether it may be a password: without NUL, and not empty, which is an anonymous bind in LDAP. */
bool auth_is_password(struct span password);

/* The client is `user`, by the word of a proxy. */
void auth_believe(struct auth *auth, struct span user);

/*
 * Parses the argument of AUTH, a mechanism and perhaps an initial response; then each line of the
 * exchange. Returns the reply: a 334, after which the exchange goes on, or an error, which ends it.
 * REPLY_NONE: the credentials are complete and must be checked.
 */
enum reply auth_begin(struct auth *auth, struct span argument);
enum reply auth_continue(struct auth *auth, struct span line);

/* Ends the exchange without a result; returns `reply`. */
enum reply auth_cancel(struct auth *auth, enum reply reply);

struct credentials auth_credentials(const struct auth *auth);

/* The reply to credentials by what checking them came to. */
enum reply auth_reply(enum outcome outcome);

/* The credentials were checked; returns auth_reply. */
enum reply auth_answer(struct auth *auth, enum outcome outcome);

/* Whether the session has failed so often that it must end. */
bool auth_is_exhausted(const struct auth *auth);

/* Who the client is; empty if unauthenticated. */
struct span auth_user(const struct auth *auth);

#endif
