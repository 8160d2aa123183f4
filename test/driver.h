/*
 * Drives the session machine without a process or a socket: octets go in, the wants are settled by
 * simple rules, and the replies and wants are written down in their order.
 *
 * Recipients called "nobody" are refused, those called "later" deferred, and with one called
 * "apart" each has a delivery of its own. A message from "refused" is refused, with its own
 * beginning as the reply's text; one from "full" cannot be stored. XCLIENT may name any address but
 * "0.0.0.0".
 */
#ifndef TEST_DRIVER_H
#define TEST_DRIVER_H

#include "session.h"

enum { DRIVER_RECORD_MAX = 64 * 1024 * 1024, DRIVER_MESSAGE_MAX = 4 * 1024 * 1024 };

struct driver {
    struct session session;
    size_t reply_piece; /* octets of the replies written at once, 0 for all */
    size_t record_length;
    size_t replies_length;
    size_t message_length;
    struct span client_address;
    struct span client_hostname;
    char client_octets[XCLIENT_VALUE_MAX];
    char hostname_octets[XCLIENT_VALUE_MAX];
    /* Called before each want is settled, if it is set. */
    void (*watch)(struct driver *driver, const struct want *want);
    char record[DRIVER_RECORD_MAX];   /* replies and wants */
    char replies[DRIVER_RECORD_MAX];  /* the replies alone */
    char message[DRIVER_MESSAGE_MAX]; /* stored so far */
};

/* What the tests agree on; they change some of it. */
struct session_settings driver_settings(void);

/* A new session, with its greeting written down. Set `watch` and `reply_piece` before. */
void driver_begin(struct driver *driver, const struct session_settings *settings);

/* Lets the session read `octets`, as many at once as it has room for; false when it is over. */
bool driver_feed(struct driver *driver, struct span octets);

/* The client sends nothing for a while; false when the session is over. */
bool driver_pause(struct driver *driver);

/* The client sends no more. */
void driver_end(struct driver *driver);

#endif
