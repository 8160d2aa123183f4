/*
 * Processes that are measured: those that were started for a session, and servers with all that is
 * below them. Every trouble ends the program with a line that says what it was.
 */
#ifndef TEST_BENCH_PROCESS_H
#define TEST_BENCH_PROCESS_H

#include <sys/types.h>

/* Whatever loses its parent below this process becomes its child, so that its cost is counted. */
void process_adopt_orphans(void);

/* Starts `argv` with `descriptor` as its standard input and output; what it says on standard error
 * is not kept. */
pid_t process_start(char **argv, int descriptor);

/* Waits until no child is left. Returns the CPU time, in microseconds, of all that ended. */
double process_reap_all(void);

/* What this process used so far, and the children that it waited for. */
double process_own_cpu(void);

/*
 * What `root` and the processes below it used so far, in microseconds, those that were waited for
 * included: what these used the kernel tells in ticks of 10 milliseconds.
 */
double process_cpu_below(pid_t root);

/* The same, once it is at rest: sessions that are ending have ended, and count. */
double process_cpu_at_rest(pid_t root);

/* The private dirty memory of `root` and the processes below it, in KiB. */
double process_memory_below(pid_t root);

#endif
