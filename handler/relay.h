/*
 * The program that speaks TLS for us, helpers/tls-relay/: its path, the files that it starts with,
 * and who starts it: a session for itself, a keeper (helpers/tls-relay/keep.h), or a superserver
 * that speaks UCSPI-TLS.
 */
#ifndef HANDLER_RELAY_H
#define HANDLER_RELAY_H

#include "handler/options/options.h"
#include "handler/problem.h"
#include "handler/process.h"
#include "session.h"

/* The number of the socket to a listener's keeper, in a session. */
enum { RELAY_KEEPER_DESCRIPTOR = 4 };

/* The variable for the environment of such a session. */
extern char relay_keeper_variable[];

/* Takes the socket that a listener handed over, if any, and its variable out of the environment. */
void relay_take_keeper(void);

/* That socket, or -1. */
int relay_keeper(void);

/* Whether the superserver has a relay (UCSPI-TLS). */
bool relay_is_superservers(void);

/* What the options and the superserver offer a client in plaintext. */
enum tls_policy relay_policy(const struct options *options);

/* The files of a relay, as its arguments. */
struct relay_files {
    char certificate[PROCESS_PATH_MAX], key[PROCESS_PATH_MAX]; /* systemd's, if options name none */
    char *arguments[2 * OPTIONS_TLS_PAIRS_MAX + 6];
};

/* Lists the arguments of a relay, or of a keeper. False, with `problem` filled in, if none serve.
 */
bool relay_list_files(struct relay_files *files, const struct options *options, bool keeps,
                      struct problem *problem);

/* Names the option of the file that the text of `problem` begins with. Returns false. */
bool relay_blame_file(const struct options *options, struct problem *problem);

#endif
