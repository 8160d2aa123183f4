#include "handler/listener/sockets.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/listener/bind.h"
#include "handler/log.h"
#include "handler/process.h"
#include "handler/relay.h"
#include "handler/socket-address.h"
#include "handler/wait.h"

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
static void filter_environment(struct sockets *sockets)
{
    size_t count = 0;
    for (char **variable = environ; *variable != NULL && count < SOCKETS_VARIABLES_MAX; variable++)
        if (strncmp(*variable, "NOTIFY_SOCKET=", strlen("NOTIFY_SOCKET=")) != 0 &&
            strncmp(*variable, "WATCHDOG_", strlen("WATCHDOG_")) != 0)
            sockets->environment[count++] = *variable;
    sockets->environment[count] = NULL;
    sockets->keeper = -1;
}

/* Adds a variable for sessions, for which there is room. */
static void add_variable(struct sockets *sockets, char *variable)
{
    size_t count = 0;
    while (sockets->environment[count] != NULL && sockets->environment[count] != variable)
        count++;
    if (sockets->environment[count] == NULL)
        sockets->environment[count + 1] = NULL;
    sockets->environment[count] = variable;
}

int sockets_share(struct sockets *sockets)
{
    filter_environment(sockets);
    int result = ledger_make(&sockets->ledger);
    if (result == 0)
        add_variable(sockets, ledger_variable);
    return result;
}

void sockets_hand_keeper(struct sockets *sockets, int keeper)
{
    sockets->keeper = keeper;
    if (keeper >= 0)
        add_variable(sockets, relay_keeper_variable);
}

static void add(struct sockets *sockets, int socket)
{
    sockets->polled[sockets->count++] = (struct pollfd){.fd = socket, .events = POLLIN};
}

static bool is_stderr_usable(void)
{
    return fcntl(STDERR_FILENO, F_GETFD) >= 0 && !is_listening(STDERR_FILENO);
}

bool sockets_take(struct sockets *sockets, int first, int count)
{
    sockets->count = 0;
    if (count > SOCKETS_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        /* Another process may be quicker to accept: that must not block us. */
        if (!is_listening(first + i) || fcntl(first + i, F_SETFL, O_NONBLOCK) != 0)
            return false;
        add(sockets, first + i);
    }
    sockets->stderr_is_usable = is_stderr_usable();
    return count > 0;
}

bool sockets_bind(struct sockets *sockets, const struct options_addresses *addresses,
                  struct problem *problem)
{
    sockets->count = 0;
    sockets->are_ours = true;
    for (unsigned i = 0; i < addresses->count; i++) {
        int socket = bind_address(&addresses->items[i], &sockets->files[i], problem);
        if (socket < 0) {
            sockets_stop(sockets);
            return false;
        }
        add(sockets, socket);
    }
    sockets->stderr_is_usable = is_stderr_usable();
    return true;
}

void sockets_announce(const struct sockets *sockets)
{
    char text[SOCKET_ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < sockets->count; i++) {
        bind_describe(sockets->polled[i].fd, text);
        fprintf(stderr, "listening on %s\n", text);
    }
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

/* Accepts from one socket that has something; 1, 0 or -errno as sockets_wait. */
static int accept_from(int socket, struct sockets_arrival *arrival)
{
    union socket_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    int descriptor = accept4(socket, &address.any, &length, SOCK_CLOEXEC);
    if (descriptor < 0)
        return is_of_connection(errno) ? 0 : -errno;
    *arrival = (struct sockets_arrival){.descriptor = descriptor,
                                        .client = socket_address_endpoint(&address)};
    return 1;
}

int sockets_wait(struct sockets *sockets, int64_t deadline, struct sockets_arrival *arrival)
{
    int ready = wait_until(sockets->polled, sockets->count, deadline);
    if (ready <= 0)
        return ready == -ETIMEDOUT ? 0 : ready;
    for (unsigned i = 0; i < sockets->count; i++) {
        sockets->turn = (sockets->turn + 1) % sockets->count;
        if (sockets->polled[sockets->turn].revents != 0)
            return accept_from(sockets->polled[sockets->turn].fd, arrival);
    }
    return 0;
}

bool sockets_are_full_of(const struct sockets *sockets, const struct sockets_arrival *arrival,
                         unsigned max)
{
    /* One customer has a network of 64 bits, or of 56, or of 48. */
    static const struct {
        unsigned left_out; /* of the first 64 bits */
        unsigned times;
    } sizes[] = {{0, 1}, {8, 4}, {16, 16}};
    uint64_t prefix = arrival->client.prefix;
    size_t count = prefix >> 32 == 0 ? 1 : sizeof sizes / sizeof *sizes; /* IPv4 has addresses */
    unsigned there[sizeof sizes / sizeof *sizes] = {0};
    if (arrival->client.text[0] == '\0')
        return false;
    for (unsigned i = 0; i < sockets->session_count; i++)
        for (size_t size = 0; size < count; size++)
            if ((sockets->sessions[i].client.prefix ^ prefix) >> sizes[size].left_out == 0)
                there[size]++;
    for (size_t size = 0; size < count; size++)
        if (there[size] >= max * sizes[size].times)
            return true;
    return false;
}

int sockets_start(struct sockets *sockets, const struct sockets_arrival *arrival, char **argv)
{
    struct sockets_session started = {.client = arrival->client};
    struct process_descriptor descriptors[5] = {
        {arrival->descriptor, STDIN_FILENO},
        {arrival->descriptor, STDOUT_FILENO},
    };
    size_t count = 2;
    if (!sockets->stderr_is_usable)
        descriptors[count++] = (struct process_descriptor){arrival->descriptor, STDERR_FILENO};
    /* These are the last, since they may take the arrival's place. */
    if (sockets->ledger.descriptor >= 0)
        descriptors[count++] =
            (struct process_descriptor){sockets->ledger.descriptor, LEDGER_DESCRIPTOR};
    if (sockets->keeper >= 0)
        descriptors[count++] =
            (struct process_descriptor){sockets->keeper, RELAY_KEEPER_DESCRIPTOR};
    assert(sockets->session_count < OPTIONS_CONNECTIONS_MAX);
    const struct process_plan plan = {"/proc/self/exe", argv,  sockets->environment,
                                      descriptors,      count, PROCESS_SESSION,
                                      PROCESS_UNRULED};
    int result = process_start(&started.process, &plan);
    if (result < 0)
        return result;
    (void)close(arrival->descriptor); /* the session has its own */
    sockets->sessions[sockets->session_count++] = started;
    sockets->started++;
    return 0;
}

/* A session exits with 0 whatever a client does, and logs its own trouble itself. */
static void report_exit(const struct sockets_session *ended, int status)
{
    if (WIFSIGNALED(status))
        log_trouble("the session with %s, process %ld, was ended by signal %d", ended->client.text,
                    (long)ended->process, WTERMSIG(status));
}

pid_t sockets_reap(struct sockets *sockets, int *status)
{
    pid_t process;
    while ((process = waitpid(-1, status, WNOHANG)) > 0) {
        unsigned i = 0;
        while (i < sockets->session_count && sockets->sessions[i].process != process)
            i++;
        if (i == sockets->session_count)
            return process;
        report_exit(&sockets->sessions[i], *status);
        sockets->sessions[i] = sockets->sessions[--sockets->session_count];
    }
    return 0;
}

void sockets_stop(struct sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++) {
        if (sockets->are_ours)
            bind_remove(sockets->polled[i].fd, &sockets->files[i]);
        (void)close(sockets->polled[i].fd); /* who gave it to us has it still */
    }
    sockets->count = 0;
    for (unsigned i = 0; i < sockets->session_count; i++)
        (void)kill(sockets->sessions[i].process, SIGTERM); /* or it has ended by itself */
}
