#include "test/bench/work.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

double work_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

double work_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* Connects the client over TCP; returns the other end. */
static int connect_by_tcp(struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        err(1, "listen");
    client_connect(client, ntohs(address.sin_port), 0);
    int end = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (end < 0)
        err(1, "accept");
    (void)close(listener); /* it has done its work */
    return end;
}

static int connect_by_pair(struct client *client)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        err(1, "socketpair");
    client_begin(client, pair[0]);
    return pair[1];
}

void work_count(struct work *work)
{
    if (work->program == NULL)
        work->cpu_before = process_cpu_at_rest(work->server);
}

void work_begin(struct work *work, enum work_path path)
{
    if (work->program == NULL) {
        client_connect(&work->client, work->port, 0);
        return;
    }
    int end =
        path == WORK_PATH_TCP ? connect_by_tcp(&work->client) : connect_by_pair(&work->client);
    work->server = process_start(work->program, end);
    (void)close(end); /* the program has its own */
}

double work_cost(const struct work *work)
{
    return work->program != NULL ? process_reap_all()
                                 : process_cpu_at_rest(work->server) - work->cpu_before;
}
