/* Servers that fork a process for each connection, and do nothing else. */
#ifndef TEST_BENCH_SERVE_H
#define TEST_BENCH_SERVE_H

/*
 * Serves `port`, a number, of 127.0.0.1 for ever. `child` is called in a process of its own; the
 * connection is closed on execve(2). What a child that has ended cost is added to what this process
 * did.
 */
_Noreturn void serve(const char *port, void (*child)(int connection, void *context), void *context);

#endif
