/* The machine's clocks. */
#ifndef HANDLER_CLOCK_H
#define HANDLER_CLOCK_H

#include <stdint.h>

/* Milliseconds since some time in the past; never set back. */
int64_t clock_milliseconds(void);

/* Microseconds since 1970, UTC. */
int64_t clock_microseconds_utc(void);

#endif
