/*
 * Does for the session process what it may not do itself, and nothing else: takes its records one
 * by one, has each looked at and done (operation.h), answers, and ends the session process when its
 * time is over. A record that is wrong ends the connection, with a line in the log; nothing is
 * delivered then.
 */
#ifndef HANDLER_RUNNER_H
#define HANDLER_RUNNER_H

#include "connection.h"
#include "deliver.h"
#include "done.h"
#include "options.h"
#include "recipients.h"
#include "record.h"
#include "spool.h"
#include "tls.h"
#include "transaction.h"

enum { RUNNER_FAREWELL_SECONDS = 30 }; /* that a session may go on for behind its time, to end */

/* What was asked before, so that the next makes sense. */
enum runner_phase {
    RUNNER_PHASE_PROXY = 1,     /* the PROXY header must come first */
    RUNNER_PHASE_IDLE = 2,      /* no transaction */
    RUNNER_PHASE_SENDER = 4,    /* accepted */
    RUNNER_PHASE_RECIPIENT = 8, /* one at least accepted */
    RUNNER_PHASE_SPOOL = 16,    /* a message is stored */
    RUNNER_PHASE_EACH = 32,     /* some recipients have had their turn, one by one */
    RUNNER_PHASE_OVER = 64
};

/* The caller owns its memory; what stands in front of `socket` is its to set. */
struct runner {
    const struct options *options;
    struct connection *connection;
    const struct recipients *recipients;
    const char *command_path, *auth_path;
    const char *id; /* of the session */
    int64_t began;  /* milliseconds */
    struct spool spool;
    int socket; /* to the session process */
    pid_t process;
    int64_t until; /* when it must have ended, in milliseconds */
    enum runner_phase phase;
    bool introduced; /* by XCLIENT */
    bool tls_asked, tls_available;
    uint64_t statuses;
    bool delivered;    /* the message at hand was given to the command */
    bool counted;      /* it was accepted by a recipient */
    bool failed;       /* and not by another */
    bool unheard;      /* the client may not know of some that were accepted */
    bool stopped;      /* SIGTERM was handed on */
    unsigned failures; /* wrong credentials */
    unsigned refused;  /* senders and recipients, since a message was accepted */
    unsigned missing;  /* of the sandbox */
    int status;        /* to exit with */
    const char *wrong; /* with a record, in words */
    const char *doing; /* as the service manager was told last, with so many messages */
    unsigned accepted_told;
    struct answer answer;
    int descriptors[RECORD_DESCRIPTORS_MAX]; /* to go beside it, */
    size_t descriptor_count;                 /* so many, */
    bool gives_away;                         /* for good */
    struct tls tls;
    struct transaction transaction;
    struct done done;
    struct delivery delivery;
};

/*
 * Serves the session `process` over `socket` until it has ended. Returns the exit status from
 * sysexits.h.
 */
int runner_run(struct runner *runner, int socket, pid_t process);

/* The session process may go on until `time`, in milliseconds, and a little to say good-bye. */
void runner_allow_until(struct runner *runner, int64_t time);

#endif
