/*
 * Measures how quickly connections are served: each of many clients connects to 127.0.0.1, reads
 * the greeting, says QUIT, reads until the end, and begins again. Each has an address of its own,
 * 127.0.0.2 and up, so that limits on one source let them be.
 *
 *     connect PORT CLIENTS SECONDS
 *
 * When the SECONDS are over the connections that are there are served to the end, within a minute:
 * none is left to disturb the next measurement.
 * Prints connections a second, the median time from connecting to the greeting in milliseconds,
 * and how many connections failed: no first line that begins with 220.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 200, SAMPLES_MAX = 1 << 20 };

struct client {
    double began; /* in milliseconds, as all times here */
    int descriptor;
    struct sockaddr_in source;
    bool greeted;
};

static struct client clients[CLIENTS_MAX];
static double waited[SAMPLES_MAX]; /* for each greeting */
static size_t greetings, finished, failed, active;
static double until; /* when none begins any more */
static struct sockaddr_in server = {.sin_family = AF_INET};
static int poller;

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void begin(struct client *client)
{
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    client->greeted = false;
    client->began = milliseconds();
    /* The port is chosen when it connects: those of other clients are no hindrance then. */
    if (client->descriptor < 0 ||
        setsockopt(client->descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) !=
            0 ||
        bind(client->descriptor, (struct sockaddr *)&client->source, sizeof client->source) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, client->descriptor, &event) != 0)
        err(1, "socket");
    if (connect(client->descriptor, (struct sockaddr *)&server, sizeof server) != 0 &&
        errno != EINPROGRESS)
        err(1, "connect");
    active++;
}

static void finish(struct client *client, bool failure)
{
    failed += failure ? 1 : 0;
    finished++;
    (void)close(client->descriptor); /* everything was read, or is lost */
    active--;
    if (milliseconds() < until)
        begin(client);
}

static void take_greeting(struct client *client, const char *line, size_t length)
{
    bool is_expected = length >= 3 && memcmp(line, "220", 3) == 0;
    client->greeted = true;
    if (!is_expected || send(client->descriptor, "QUIT\r\n", 6, MSG_NOSIGNAL) != 6) {
        finish(client, true);
        return;
    }
    if (greetings < SAMPLES_MAX)
        waited[greetings++] = milliseconds() - client->began;
}

static void hear(struct client *client)
{
    char line[1024];
    ssize_t length = recv(client->descriptor, line, sizeof line, 0);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0)
        finish(client, length < 0 || !client->greeted);
    else if (!client->greeted)
        take_greeting(client, line, (size_t)length);
}

static void run(void)
{
    struct epoll_event events[CLIENTS_MAX];
    while (active > 0 && milliseconds() < until + 60e3) {
        int count = epoll_wait(poller, events, CLIENTS_MAX, 100);
        for (int i = 0; i < count; i++)
            hear(events[i].data.ptr);
    }
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

static void begin_all(uint16_t port, size_t count)
{
    server.sin_port = htons(port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(0);
    if (poller < 0)
        err(1, "epoll_create1");
    for (size_t i = 0; i < count; i++) {
        clients[i].source = server;
        clients[i].source.sin_port = 0;
        clients[i].source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)i);
        begin(&clients[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: connect PORT CLIENTS SECONDS");
    size_t count = strtoul(argv[2], NULL, 10);
    if (count < 1 || count > CLIENTS_MAX)
        errx(2, "1 to %d clients", CLIENTS_MAX);
    double began = milliseconds();
    until = began + strtod(argv[3], NULL) * 1e3;
    begin_all((uint16_t)strtoul(argv[1], NULL, 10), count);
    run();
    double took = milliseconds() - began;
    qsort(waited, greetings, sizeof *waited, compare);
    printf("%.1f %.3f %zu\n", (double)(finished - failed) * 1e3 / took,
           greetings > 0 ? waited[greetings / 2] : -1, failed + active);
    return 0;
}
