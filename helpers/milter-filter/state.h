/*
 * The state of one message's visit to one milter: what is known, said and awaited, and what has
 * come of it.
 */
#ifndef HELPERS_MILTER_FILTER_STATE_H
#define HELPERS_MILTER_FILTER_STATE_H

#include "helpers/milter-filter/answer.h"
#include "helpers/milter-filter/envelope.h"
#include "helpers/milter-filter/facts.h"
#include "helpers/milter-filter/message.h"
#include "helpers/milter-filter/server.h"

/* In the order in which they are said, and answered. */
enum stage {
    STAGE_OFFER,
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_HEADER,
    STAGE_END_OF_HEADER,
    STAGE_BODY,
    STAGE_END,
    STAGES
};

enum outcome {
    OUTCOME_OPEN,
    OUTCOME_ACCEPTED,
    OUTCOME_DISCARDED,
    OUTCOME_REFUSED, /* or deferred, by `reply` */
    OUTCOME_DOWN,    /* the milter is gone, or does not speak the protocol; this has been said */
    OUTCOME_TROUBLE  /* it wants what we cannot do; this has been said */
};

enum { VISIT_ASKED_MAX = 4096 };

struct visit {
    struct server server;
    struct message message;
    struct facts facts;
    struct agreement agreement;
    char asked[VISIT_ASKED_MAX]; /* what the agreement borrows */
    unsigned unanswered[STAGES]; /* commands */
    bool is_sated;               /* it wants no more of the body */
    bool is_quarantined;
    char reason[ENVELOPE_REASON_MAX + 1]; /* for the last quarantine, printable */
    struct envelope_edits edits;
    struct reply reply;
    enum outcome outcome;
};

/*@ predicate visit_ok(struct visit *visit) = \valid(visit) && server_ok(&visit->server) &&
        fields_ok(&visit->message.fields) && agreement_ok(&visit->agreement) &&
        edits_ok(&visit->edits); */

#endif
