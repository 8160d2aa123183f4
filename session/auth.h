/*
 * AUTH with PLAIN and LOGIN (RFC 4954, RFC 4616): the exchange of lines, up to a name and a
 * password that somebody else must judge. Nothing is offered where no TLS protects it.
 */
#ifndef SESSION_AUTH_H
#define SESSION_AUTH_H

#include <stdbool.h>

#include "span.h"

struct session;

enum {
    AUTH_NAME_MAX = 255, /* octets: checkpassword takes 512 with password, time and three NULs */
    AUTH_PASSWORD_MAX = 246, /* likewise */
    AUTH_FAILURES_MAX = 3    /* in a session; then 421 */
};

/* Borrowed from the session, until they are judged. */
struct credentials {
    struct span mechanism; /* "PLAIN" or "LOGIN" */
    struct span user;
    struct span password;
};

enum auth_mechanism {
    AUTH_MECHANISM_NONE,
    AUTH_MECHANISM_PLAIN,
    AUTH_MECHANISM_LOGIN,
    AUTH_MECHANISM_XCLIENT /* a proxy has said so */
};

struct auth {
    enum auth_mechanism mechanism; /* at work, or that has worked */
    bool authenticated;
    unsigned failures;
    size_t user_length; /* 0 where LOGIN has not heard it yet */
    size_t password_length;
    char user[AUTH_NAME_MAX];
    char password[AUTH_PASSWORD_MAX]; /* forgotten as soon as it is judged */
};

/* Nobody is anybody: at first, after STARTTLS, and after XCLIENT. */
void auth_clear(struct auth *auth);

/* Whether it may name a user: UTF-8 without control characters, for the log and the environment. */
bool auth_is_name(struct span name);

/* The client is `user`, by the word of a proxy. */
void auth_believe(struct auth *auth, struct span user);

/* Runs AUTH: `argument` is the mechanism and perhaps an initial response. */
void auth_run(struct session *session, struct span argument);

/* Takes the client's next line of the exchange. */
void auth_continue(struct session *session, struct span line);

/* Takes the place of a line that was too long to be kept. */
void auth_break_off(struct session *session);

/* The credentials were judged, if they are `known` to be right or wrong: queues the reply. */
void auth_answer(struct session *session, bool right, bool known);

#endif
