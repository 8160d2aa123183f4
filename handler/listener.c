#include "listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "process.h"
#include "signals.h"

static bool has_option(int descriptor, int option, int wanted)
{
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

static bool is_listening(int descriptor)
{
    return has_option(descriptor, SO_ACCEPTCONN, 1) && has_option(descriptor, SO_TYPE, SOCK_STREAM);
}

/* Sessions have nothing to tell the service manager. */
static void keep_environment(struct listener *listener)
{
    size_t count = 0;
    for (char **variable = environ; *variable != NULL && count < LISTENER_VARIABLES_MAX; variable++)
        if (strncmp(*variable, "NOTIFY_SOCKET=", strlen("NOTIFY_SOCKET=")) != 0 &&
            strncmp(*variable, "WATCHDOG_", strlen("WATCHDOG_")) != 0)
            listener->environment[count++] = *variable;
    listener->environment[count] = NULL;
}

bool listener_take(struct listener *listener, int first, int count)
{
    if (count > LISTENER_SOCKETS_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        /* Another process may be quicker to accept: that must not block us. */
        if (!is_listening(first + i) || fcntl(first + i, F_SETFL, O_NONBLOCK) != 0)
            return false;
        listener->sockets[i] = (struct pollfd){.fd = first + i, .events = POLLIN};
    }
    listener->socket_count = (unsigned)count;
    keep_environment(listener);
    listener->stderr_is_usable = fcntl(STDERR_FILENO, F_GETFD) >= 0 && !is_listening(STDERR_FILENO);
    return count > 0;
}

/* Whether accept(2) failed for the one connection, which is gone. */
static bool is_of_connection(int error)
{
    static const int errors[] = {
        EAGAIN,       EINTR,       ECONNABORTED, EPROTO,
        ENOPROTOOPT,  ENETDOWN,    ENONET,       EHOSTDOWN,
        EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP,   /* and by a firewall's rule */ EPERM,
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i] == error)
            return true;
    return false;
}

/* Accepts from one socket that has something; 1, 0 or -errno as listener_wait. */
static int accept_from(int socket, struct listener_arrival *arrival)
{
    union endpoint_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    int descriptor = accept4(socket, &address.any, &length, SOCK_CLOEXEC);
    if (descriptor < 0)
        return is_of_connection(errno) ? 0 : -errno;
    *arrival = (struct listener_arrival){.descriptor = descriptor, .client = endpoint_of(&address)};
    return 1;
}

int listener_wait(struct listener *listener, int64_t timeout, struct listener_arrival *arrival)
{
    struct timespec limit = {.tv_sec = (time_t)(timeout / 1000),
                             .tv_nsec = (long)(timeout % 1000) * 1000000};
    int ready = ppoll(listener->sockets, listener->socket_count, timeout < 0 ? NULL : &limit,
                      signals_waiting());
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    for (unsigned i = 0; ready > 0 && i < listener->socket_count; i++) {
        listener->turn = (listener->turn + 1) % listener->socket_count;
        if (listener->sockets[listener->turn].revents != 0)
            return accept_from(listener->sockets[listener->turn].fd, arrival);
    }
    return 0;
}

unsigned listener_count_network(const struct listener *listener,
                                const struct listener_arrival *arrival)
{
    unsigned count = 0;
    if (arrival->client.text[0] == '\0')
        return 0;
    for (unsigned i = 0; i < listener->count; i++)
        if (memcmp(listener->connections[i].client.network, arrival->client.network,
                   sizeof arrival->client.network) == 0)
            count++;
    return count;
}

int listener_start(struct listener *listener, const struct listener_arrival *arrival, char **argv)
{
    struct listener_connection connection = {.client = arrival->client};
    const struct process_descriptor descriptors[] = {
        {arrival->descriptor, STDIN_FILENO},
        {arrival->descriptor, STDOUT_FILENO},
        {arrival->descriptor, STDERR_FILENO},
    };
    assert(listener->count < OPTIONS_CONNECTIONS_MAX);
    int result = process_start(&connection.process, "/proc/self/exe", argv, listener->environment,
                               descriptors, listener->stderr_is_usable ? 2 : 3, PROCESS_SESSION);
    if (result < 0)
        return result;
    (void)close(arrival->descriptor); /* the session has its own */
    listener->connections[listener->count++] = connection;
    listener->started++;
    return 0;
}

/* A session ends with 0 whatever a client does; what it says itself is in the log already. */
static void report_end(const struct listener_connection *connection, int status)
{
    if (WIFSIGNALED(status))
        log_trouble("the session with %s, process %ld, was ended by signal %d",
                    connection->client.text, (long)connection->process, WTERMSIG(status));
}

void listener_reap(struct listener *listener)
{
    int status;
    pid_t process;
    while ((process = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned i = 0;
        while (i < listener->count && listener->connections[i].process != process)
            i++;
        if (i == listener->count)
            continue;
        report_end(&listener->connections[i], status);
        listener->connections[i] = listener->connections[--listener->count];
    }
}

void listener_stop(struct listener *listener)
{
    for (unsigned i = 0; i < listener->socket_count; i++)
        (void)close(listener->sockets[i].fd); /* whoever gave it to us has it still */
    listener->socket_count = 0;
    for (unsigned i = 0; i < listener->count; i++)
        (void)kill(listener->connections[i].process, SIGTERM); /* or it has ended by itself */
}
