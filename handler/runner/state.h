/*
 * What the runner remembers of a connection, and what all its operations share: the time that the
 * frontend has, and what the service manager is told. It serves no request itself.
 */
#ifndef HANDLER_RUNNER_STATE_H
#define HANDLER_RUNNER_STATE_H

#include "handler/boundary/channel.h"
#include "handler/boundary/record.h"
#include "handler/connection.h"
#include "handler/delivery/deliver.h"
#include "handler/delivery/duplicate.h"
#include "handler/delivery/edits.h"
#include "handler/delivery/filters.h"
#include "handler/delivery/route.h"
#include "handler/ledger.h"
#include "handler/options/options.h"
#include "handler/runner/spool.h"
#include "handler/runner/tls.h"
#include "handler/transaction.h"
#include "handler/verdict/policy.h"
#include "handler/verdict/recipients.h"

/* How far the frontend has come: which requests may come next. */
enum runner_phase {
    RUNNER_PHASE_PROXY = 1,     /* the PROXY header must come first */
    RUNNER_PHASE_IDLE = 2,      /* no transaction */
    RUNNER_PHASE_SENDER = 4,    /* accepted */
    RUNNER_PHASE_RECIPIENT = 8, /* one or more accepted */
    RUNNER_PHASE_SPOOL = 16,    /* a message is stored */
    RUNNER_PHASE_EACH = 32,     /* it was delivered to some recipients, one by one */
    RUNNER_PHASE_OVER = 64
};

/* What the client was told of one of several recipients. */
struct told {
    enum verdict verdict;
    bool discarded;
    struct record_text text; /* of the reply */
};

/* A part of a message, in octets; of length 0 it is not there. */
struct part {
    uint32_t at, length;
};

/* A message that is stored and sealed. */
struct stored {
    int descriptor;       /* to read it from its first octet */
    uint64_t length;      /* octets */
    struct part front;    /* our trace fields, */
    struct part received; /* or if something stands among them: those from Received on */
    uint32_t added;       /* octets behind the trace of what keeps the client's apart */
};

enum { FILTERED_FIELDS_MAX = 16 * 1024 }; /* octets for the front, of one who adds them */

enum filtered_state {
    FILTERED_NOT_YET,
    FILTERED_PASSED, /* the command may run */
    FILTERED_ENDED   /* this is the verdict of every recipient */
};

/* What was made of the message at hand before the command; zeros at first. */
struct filtered {
    enum filtered_state state;
    struct told told; /* if it ended */
    bool is_changed;  /* it is another, */
    struct stored message;
    struct edits edits; /* of its envelope */
    size_t front_length;
    char front[FILTERED_FIELDS_MAX]; /* fields of ours that filters see already */
};

/* What was made of the message at hand for its recipients, one by one; zeros at first. */
struct copies {
    bool is_scanned;                         /* the header was read, */
    uint64_t octets;                         /* and so much copied */
    bool has_named[ENVELOPE_RECIPIENTS_MAX]; /* the header's Delivered-To, them */
};

/* The caller owns its memory; what stands in front of `socket` is its to set. */
struct runner {
    const struct options *options;
    struct connection *connection;
    struct recipients *recipients;
    const struct command *command;         /* without words if the list alone has commands */
    const struct command *recipient_check; /* NULL for none */
    struct policy policy;                  /* if options->policy says that there is a server */
    const struct filters *filters;
    const char *auth_path;
    bool one_recipient; /* the command runs once for each */
    const char *hostname;
    const char *id; /* of the session */
    int64_t began;  /* milliseconds */
    struct ledger ledger;
    struct spool spool;
    int socket; /* to the frontend */
    pid_t process;
    int64_t until; /* when that must have ended, in milliseconds */
    bool gone;     /* it is: only how the connection ended is still received */
    enum runner_phase phase;
    bool name_asked; /* of the client */
    bool xclient_served;
    bool tls_asked, tls_available;
    bool ran_command;         /* once or more, */
    int command_rules;        /* under these rules, as process_start has them */
    bool delivered;           /* a delivery of the message at hand was tried, */
    bool accepted;            /* with success, */
    bool failed;              /* without success */
    bool acknowledgement_due; /* the client has not acknowledged an accepted message */
    bool stopped;             /* SIGTERM was passed on */
    bool worked;              /* since then, once */
    unsigned failures;        /* wrong credentials */
    unsigned deferrals;       /* credentials that nobody could check */
    bool policy_skipped;      /* the server was not asked, since the client has no address */
    unsigned checks;          /* of recipients, by that program */
    unsigned refusals;        /* that the frontend told of */
    unsigned reported;        /* refused senders and recipients in the log, */
    unsigned unreported;      /* and not in it, since there were so many */
    struct errors errors;     /* senders and recipients that were not accepted */
    unsigned sandbox_gaps;    /* what the frontend's sandbox lacks, as confine.h has it */
    unsigned password_gaps;   /* what that of the password program lacks */
    int status;               /* to exit with */
    const char *violation;    /* of the protocol, by the frontend */
    const char *status_text;  /* the service manager knows it, with so many messages */
    unsigned status_accepted;
    struct answer answer;
    int descriptors[CHANNEL_DESCRIPTORS_MAX]; /* sent with it, so many */
    size_t descriptor_count;
    bool close_after_answer;    /* they are the frontend's alone then */
    struct key_content content; /* of the message at hand */
    struct tls tls;
    struct transaction transaction;
    struct duplicate duplicate;
    struct delivery delivery;
    struct filtered filtered;
    struct copies copies;
    struct routed asked, run; /* commands of the list: of the recipient in question, of a run */
    struct told told[ENVELOPE_RECIPIENTS_MAX]; /* of them so far, one by one */
};

/*
 * Whether several recipients of a message have a delivery each: in LMTP, with PRDR, and with
 * --done-list if there is --one-recipient or their commands differ.
 */
bool runner_delivers_each(const struct runner *runner);

/* Whether the session has outlasted its time and its farewell. */
bool runner_is_late(const struct runner *runner);

/*
 * Whether work that takes time may begin: not after the session's time. After SIGTERM was passed on
 * one more may, which the frontend requested before it knew of that.
 */
bool runner_may_work(struct runner *runner);

/* Whether `command`, which may be NULL, is told the message's key. */
bool runner_tells_key(const struct runner *runner, const struct command *command);

/* What ends the lines of the message at hand. */
enum line_ending runner_line_ending(const struct runner *runner);

/* Lets the frontend live until `time`, in milliseconds, and a little longer for its farewell. */
void runner_allow_until(struct runner *runner, int64_t time);

/* Tells the service manager what is going on, unless it knows; `text` must outlive the runner. */
void runner_notify(struct runner *runner, const char *text);

#endif
