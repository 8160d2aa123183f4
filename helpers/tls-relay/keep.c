#include "helpers/tls-relay/keep.h"

#include <errno.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "helpers/tls-relay/carry.h"
#include "helpers/tls-relay/control.h"
#include "helpers/tls-relay/shelter.h"

enum { REQUESTED_MAX = 3, RETRY_MILLISECONDS = 1000, OCTETS_OF_NOTHING = 1 };

/* For the log of who started us: in one write, so that lines stay whole. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[KEYS_REASON_MAX + 128] = "tls-relay: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + length, sizeof line - 1 - length, format, arguments); /* or it is cut */
    va_end(arguments);
    length = strlen(line);
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* there is nobody else to tell */
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* File number `i` of those that the server is made of; NULL ends them. */
static const char *file_at(const struct keeper *keeper, size_t i)
{
    size_t count = 0;
    while (keeper->files[count] != NULL)
        count++;
    return i < count ? keeper->files[i] : i == count ? keeper->client_ca : NULL;
}

/* Notes the files as they are; whether one has changed, come or gone. */
static bool have_changed(struct keeper *keeper)
{
    bool changed = false;
    const char *file;
    for (size_t i = 0; i < KEYS_FILES_MAX && (file = file_at(keeper, i)) != NULL; i++) {
        struct stat now;
        if (stat(file, &now) != 0)
            memset(&now, 0, sizeof now);
        changed = changed || !is_same(&now, &keeper->known[i]);
        keeper->known[i] = now;
    }
    return changed;
}

/*
 * Whether it is better to begin anew: systemd does not change its copies of the files while we run,
 * and starts us again for the next request.
 */
static bool is_in_vain(const struct keeper *keeper)
{
    return keeper->server == NULL && getenv("LISTEN_FDS") != NULL;
}

/* A server of the files as they are now, unless they are not fit: then that from before stays. */
static void renew(struct keeper *keeper)
{
    bool changed = have_changed(keeper);
    int64_t now = carry_clock();
    if (!changed && (!keeper->unfit || now - keeper->tried < RETRY_MILLISECONDS))
        return;
    struct server *next = &keeper->servers[keeper->server == &keeper->servers[0] ? 1 : 0];
    keeper->tried = now;
    keeper->unfit = !server_make(next, keeper->files, keeper->client_ca, keeper->reason);
    if (keeper->unfit) {
        if (changed && !is_in_vain(keeper)) /* once for each change */
            say("%s%s", keeper->reason,
                keeper->server != NULL ? "; the pair from before stays in use" : "");
        return;
    }
    if (keeper->server != NULL)
        server_free(keeper->server);
    keeper->server = next;
}

/* Whether there are files to make a server of, whatever is in them. */
static bool look(const struct keeper *keeper, char reason[KEYS_REASON_MAX])
{
    struct stat status;
    const char *file;
    for (size_t i = 0; (file = file_at(keeper, i)) != NULL; i++) {
        errno = 0;
        if (stat(file, &status) != 0 || access(file, R_OK) != 0)
            (void)snprintf(reason, KEYS_REASON_MAX, "%s: %s", file, strerror(errno)); /* or cut */
        else if (status.st_size <= OCTETS_OF_NOTHING)
            (void)snprintf(reason, KEYS_REASON_MAX, "%s: nothing is in it", file); /* likewise */
        else
            continue;
        return false;
    }
    return true;
}

/* Whether nobody holds the other end any more, or somebody has shut it down. */
static bool is_over(void)
{
    struct pollfd polled = {.fd = KEEP_SOCKET, .events = POLLRDHUP};
    return poll(&polled, 1, 0) > 0;
}

/* At once: who sent a socket may have told it to linger until its octets are taken. */
static void close_all(const int *descriptors, size_t count)
{
    static const struct linger at_once = {0};
    for (size_t i = 0; i < count; i++) {
        (void)setsockopt(descriptors[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(descriptors[i]); /* nothing was written */
    }
}

/*
 * Receives a request: how many descriptors, 0 for a malformed one or a signal, -1 if there can be
 * no more.
 */
static int receive(int descriptors[REQUESTED_MAX])
{
    char octet;
    struct iovec piece = {&octet, 1};
    union {
        struct cmsghdr header;
        char octets[CMSG_SPACE(REQUESTED_MAX * sizeof(int))];
    } beside;
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = beside.octets,
                             .msg_controllen = CMSG_LEN(REQUESTED_MAX * sizeof(int))};
    ssize_t length = recvmsg(KEEP_SOCKET, &message, MSG_CMSG_CLOEXEC);
    if (length < 0)
        return errno == EINTR ? 0 : -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    size_t count = 0;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
    }
    bool whole = length == 1 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    if (whole && (count == 1 || count == REQUESTED_MAX))
        return (int)count;
    close_all(descriptors, count);
    return length == 0 && is_over() ? -1 : 0;
}

/* In the relay: its descriptors, and no others. The last may take the place of the first. */
static void place(const int descriptors[REQUESTED_MAX])
{
    if (dup2(descriptors[0], STDIN_FILENO) < 0 || dup2(descriptors[0], STDOUT_FILENO) < 0 ||
        dup2(descriptors[1], CONTROL_DESCRIPTOR) < 0 ||
        dup2(descriptors[2], CARRY_PLAIN_DESCRIPTOR) < 0)
        _exit(EX_OSERR); /* its end tells the handler */
    (void)syscall(SYS_close_range, CARRY_PLAIN_DESCRIPTOR + 1, ~0U, 0); /* or they do no harm */
}

static void answer(int descriptor, const char *octets, size_t length)
{
    /* What is no socket, or is full, gets no answer: we never wait. */
    (void)send(descriptor, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void answer_look(const struct keeper *keeper, int descriptor)
{
    char reason[KEYS_REASON_MAX];
    if (look(keeper, reason))
        answer(descriptor, "R", 2);
    else
        answer(descriptor, reason, strlen(reason));
}

/* Whether the layout of our memory has served its time. */
static bool is_worn(struct keeper *keeper)
{
    int status;
    bool worn = keeper->relays >= KEEP_RELAYS_MAX;
    pid_t relay;
    while ((relay = waitpid(-1, &status, WNOHANG)) > 0)
        if (WIFSIGNALED(status)) {
            say("relay %ld was ended by signal %d", (long)relay, WTERMSIG(status));
            worn = true;
        }
    return worn;
}

/* Interrupts recvmsg(2), so that a relay that has ended is waited for. */
static void notice(int signal)
{
    (void)signal; /* there is one */
}

static void prepare(struct keeper *keeper)
{
    const struct sigaction noticing = {.sa_handler = notice, .sa_flags = SA_NOCLDSTOP};
    (void)sigaction(SIGCHLD, &noticing, NULL); /* cannot fail */
    (void)signal(SIGTERM, SIG_DFL);            /* likewise: it ends us, and no relay */
    (void)signal(SIGINT, SIG_DFL);
    if (!keeper->unconfined && !keeper->confined)
        shelter_enter(keeper->files, keeper->client_ca);
}

struct server *keep_relays(struct keeper *keeper, bool *is_relay, int *status)
{
    int descriptors[REQUESTED_MAX];
    *is_relay = false;
    prepare(keeper);
    renew(keeper);
    for (;;) {
        if (is_worn(keeper))
            shelter_execute(keeper->argv); /* or all goes on as it is */
        int count = receive(descriptors);
        if (count < 0)
            break;
        if (count == 0)
            continue;
        renew(keeper);
        if (count == 1)
            answer_look(keeper, descriptors[0]);
        pid_t relay = count == REQUESTED_MAX ? fork() : -1;
        if (relay == 0) {
            place(descriptors);
            *is_relay = true;
            return keeper->server;
        }
        keeper->relays += relay > 0 ? 1 : 0;
        close_all(descriptors, (size_t)count);
        if (is_in_vain(keeper))
            break;
    }
    *status = is_over() || is_in_vain(keeper) ? EX_OK : EX_OSERR;
    return NULL;
}
