/*
 * One message shown to one milter, in as few turns as it takes: all commands are said together, and
 * their answers read meanwhile; but if a milter answers each piece of the body it may want no more.
 */
#ifndef HELPERS_MILTER_FILTER_VISIT_H
#define HELPERS_MILTER_FILTER_VISIT_H

#include "helpers/milter-filter/state.h"

/*
 * Shows the message, of which the facts are known, to the milter, to which the server is connected,
 * and takes its edits and its verdict: the outcome. All else of `visit` begins here.
 */
void visit_make(struct visit *visit);

#endif
