/* A piece of work with one server: what is shared by all kinds of it. */
#ifndef TEST_BENCH_WORK_H
#define TEST_BENCH_WORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "test/bench/client.h"
#include "test/bench/process.h"

enum { WORK_SESSIONS_MAX = 20000 };

struct work {
    unsigned long count, size, recipients, every;
    bool pipelined, dots, starttls, bare, with_message;
    unsigned port;
    pid_t server;
    char **program; /* NULL if a server is there already */
    double cpu_before;
    struct client client;
};

/* A clock, in microseconds. */
double work_now(void);

double work_median(double *values, size_t count);

enum work_path { WORK_PATH_LOCAL, WORK_PATH_TCP };

/* From here on a server's cost counts. */
void work_count(struct work *work);

/* Begins a session with the server, or starts the program for one. */
void work_begin(struct work *work, enum work_path path);

/*
 * In microseconds of CPU time: what the program of a session cost, until it has ended, or what the
 * server did since work_count.
 */
double work_cost(const struct work *work);

/* The kinds of work; each prints what it found. */
void visit_start(struct work *work);
void visit_connections(struct work *work);
void visit_crowd(struct work *work);
void storm_visit(struct work *work);
void mail_messages(struct work *work);
void mail_octets(struct work *work);
void mail_memory(struct work *work);
void mail_spawn(struct work *work);

/* Makes a small message, with the end that SMTP wants; mail_send sends it, and awaits its reply. */
void mail_prepare(const struct work *work);
void mail_send(struct work *work);

#endif
