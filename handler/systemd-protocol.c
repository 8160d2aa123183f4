/* systemd.h by systemd's documented protocols, without its library. */
#include "handler/systemd.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    FIRST_DESCRIPTOR = 3,
    DESCRIPTORS_MAX = 1024,
    FIELDS_MAX = 32,                   /* of an entry in the journal */
    FIELD_HEAD = 1 + sizeof(uint64_t), /* octets between its name and its value */
    FIELD_PIECES = 4
};

/* The number in the variable `name` if it is meant for this process, as `pid` says; 0 for none. */
static uint64_t number_for_us(const char *name, const char *pid)
{
    const char *value = getenv(name), *process = getenv(pid);
    bool is_ours = process == NULL || strtol(process, NULL, 10) == getpid();
    return value != NULL && is_ours ? strtoull(value, NULL, 10) : 0;
}

/* Picks the connection among `count` descriptors: the one of that name, or the first. */
static int pick(int count)
{
    static const char wanted[] = "connection";
    const char *name = getenv("LISTEN_FDNAMES");
    for (int i = 0; name != NULL && i < count; i++) {
        size_t length = strcspn(name, ":");
        if (length == strlen(wanted) && memcmp(name, wanted, length) == 0)
            return FIRST_DESCRIPTOR + i;
        name = name[length] == ':' ? name + length + 1 : NULL;
    }
    return FIRST_DESCRIPTOR;
}

bool systemd_take_descriptors(struct systemd_descriptors *passed, struct problem *problem)
{
    *passed = (struct systemd_descriptors){.first = FIRST_DESCRIPTOR, .connection = -1};
    if (getenv("LISTEN_FDS") == NULL || getenv("LISTEN_PID") == NULL)
        return true;
    uint64_t count = number_for_us("LISTEN_FDS", "LISTEN_PID");
    if (count > DESCRIPTORS_MAX)
        return problem_set(problem, EX_OSERR, "LISTEN_FDS: %s", strerror(EINVAL));
    passed->count = (int)count;
    if (count > 0)
        passed->connection = pick(passed->count);
    for (int i = 0; i < passed->count; i++)
        if (fcntl(FIRST_DESCRIPTOR + i, F_SETFD, FD_CLOEXEC) != 0)
            return problem_set(problem, EX_OSERR, "LISTEN_FDS: %s", strerror(errno));
    (void)unsetenv("LISTEN_PID"); /* these names are valid */
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return true;
}

/* Sends one datagram to the socket at `path`, which is abstract if it begins with "@". */
static bool send_datagram(const char *path, struct iovec *pieces, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    struct msghdr message = {.msg_name = &address,
                             .msg_namelen =
                                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length),
                             .msg_iov = pieces};
    message.msg_iovlen = (__typeof__(message.msg_iovlen))count; /* an int for some libcs */
    int end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_sent = end >= 0 && sendmsg(end, &message, MSG_NOSIGNAL) >= 0;
    if (end >= 0)
        (void)close(end); /* the datagram is sent, or not */
    return is_sent;
}

/*
 * A "FIELD=value" as systemd's Native Journal Protocol has it with a length, so that a value may
 * hold line ends: FIELD, a line end and the length, which `head` keeps, the value, a line end.
 */
static bool split_field(struct iovec field, char head[FIELD_HEAD],
                        struct iovec pieces[FIELD_PIECES])
{
    static char line_end[] = "\n";
    char *name = field.iov_base;
    char *equals = memchr(name, '=', field.iov_len);
    if (equals == NULL)
        return false;
    size_t name_length = (size_t)(equals - name);
    size_t value_length = field.iov_len - name_length - 1;
    uint64_t little_endian = htole64(value_length);
    head[0] = '\n';
    memcpy(head + 1, &little_endian, sizeof little_endian);
    pieces[0] = (struct iovec){name, name_length};
    pieces[1] = (struct iovec){head, FIELD_HEAD};
    pieces[2] = (struct iovec){equals + 1, value_length};
    pieces[3] = (struct iovec){line_end, 1};
    return true;
}

bool systemd_journal_send(const struct iovec *fields, size_t count)
{
    char heads[FIELDS_MAX][FIELD_HEAD];
    struct iovec pieces[FIELDS_MAX * FIELD_PIECES];
    if (count > FIELDS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!split_field(fields[i], heads[i], pieces + i * FIELD_PIECES))
            return false;
    return send_datagram("/run/systemd/journal/socket", pieces, count * FIELD_PIECES);
}

int64_t systemd_watchdog_interval(void)
{
    uint64_t microseconds = number_for_us("WATCHDOG_USEC", "WATCHDOG_PID");
    return microseconds > 0 ? (int64_t)(microseconds / 2000) : -1;
}

void systemd_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct iovec piece = {(char *)state, strlen(state)}; /* sendmsg(2) only reads it */
    if (path != NULL)
        (void)send_datagram(path, &piece, 1); /* a status is only informative */
}
