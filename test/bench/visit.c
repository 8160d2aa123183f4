/* Work of sessions: of greetings, handshakes, and small messages. */
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test/bench/work.h"

enum { GREETINGS = 50 };

void visit_start(struct work *work)
{
    static double cpu[WORK_SESSIONS_MAX], greeting[WORK_SESSIONS_MAX], wall[WORK_SESSIONS_MAX];
    for (size_t i = 0; i < work->count; i++) {
        double began = work_now();
        work_begin(work, WORK_PATH_LOCAL);
        client_expect(&work->client, '2');
        greeting[i] = work_now() - began;
        client_quit(&work->client);
        cpu[i] = work_cost(work);
        wall[i] = work_now() - began;
    }
    printf("cpu_us %.1f\ngreeting_us %.1f\nwall_us %.1f\n", work_median(cpu, work->count),
           work_median(greeting, work->count), work_median(wall, work->count));
}

static void visit_once(struct work *work)
{
    if (work->bare) {
        client_secure(&work->client);
        client_finish(&work->client);
        return;
    }
    client_greet(&work->client, work->starttls);
    if (work->with_message)
        mail_send(work);
    client_quit(&work->client);
}

void visit_connections(struct work *work)
{
    static double wall[WORK_SESSIONS_MAX];
    double cpu = 0;
    if (work->with_message)
        mail_prepare(work);
    work_count(work);
    for (size_t i = 0; i < work->count; i++) {
        double began = work_now();
        work_begin(work, WORK_PATH_TCP);
        visit_once(work);
        wall[i] = work_now() - began;
        cpu += work->program != NULL ? work_cost(work) : 0;
    }
    cpu += work->program == NULL ? work_cost(work) : 0;
    printf("cpu_us %.1f\nwall_us %.1f\n", cpu / (double)work->count,
           work_median(wall, work->count));
}

/* To the greeting, or with STARTTLS to the reply to the second EHLO. */
static void greet(struct work *work, unsigned source)
{
    client_connect(&work->client, work->port, source);
    if (work->starttls)
        client_greet(&work->client, true);
    else
        client_expect(&work->client, '2');
}

/* The median time from connecting to being greeted, in microseconds. */
static double greet_some(struct work *work)
{
    static double waited[GREETINGS];
    for (size_t i = 0; i < GREETINGS; i++) {
        double began = work_now();
        greet(work, 0);
        waited[i] = work_now() - began;
        client_quit(&work->client);
    }
    return work_median(waited, GREETINGS);
}

/* Waits until the sessions are gone: they are not to disturb what is measured next. */
static void settle(const struct work *work, double memory)
{
    for (int i = 0; i < 100 && process_memory_below(work->server) > memory * 1.1; i++)
        (void)poll(NULL, 0, 100); /* a little while is enough */
}

void visit_crowd(struct work *work)
{
    static struct {
        int descriptor;
        SSL *tls;
    } crowd[WORK_SESSIONS_MAX];
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* if these are too few, socket(2) says so */
    }
    double alone = greet_some(work), before = process_memory_below(work->server);
    for (size_t i = 0; i < work->count; i++) {
        greet(work, (unsigned)i + 1);
        crowd[i].descriptor = work->client.descriptor;
        crowd[i].tls = work->client.tls;
    }
    double beside = greet_some(work), after = process_memory_below(work->server);
    for (size_t i = 0; i < work->count; i++) {
        SSL_free(crowd[i].tls);
        (void)close(crowd[i].descriptor); /* nothing more is wanted of them */
    }
    settle(work, before);
    printf("alone_us %.1f\nbeside_us %.1f\nkib_each %.1f\n", alone, beside,
           (after - before) / (double)work->count);
}
