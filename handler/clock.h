/* The machine's clocks. */
#ifndef HANDLER_CLOCK_H
#define HANDLER_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds. */
int64_t clock_milliseconds(void);

/* Microseconds since 1970, UTC. */
int64_t clock_microseconds_utc(void);

#endif
