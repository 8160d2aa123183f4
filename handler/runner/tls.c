#include "handler/runner/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/confine.h"
#include "handler/credential.h"
#include "handler/helper.h"
#include "handler/process.h"
#include "handler/relay.h"
#include "handler/runner/keeper.h"
#include "handler/signals.h"
#include "handler/wait.h"

enum { LOADING_MILLISECONDS = 10000, FAREWELL_MILLISECONDS = 3000 };

/* The relay's descriptors. */
enum { RELAY_CONTROL = 3, RELAY_PLAIN = 4 };

/* Adopts a descriptor that a UCSPI-TLS server names; commands do not inherit it. */
static bool adopt_descriptor(int *descriptor, const char *variable, struct problem *problem)
{
    const char *value = getenv(variable);
    long number = value == NULL || value[0] < '0' || value[0] > '9' ? -1 : strtol(value, NULL, 10);
    *descriptor = number > STDERR_FILENO && number <= INT_MAX ? (int)number : -1;
    return fcntl(*descriptor, F_SETFD, FD_CLOEXEC) == 0 ||
           problem_set(problem, EX_CONFIG, "UCSPI-TLS: %s=%s is no descriptor", variable,
                       value == NULL ? "" : value);
}

static bool adopt_descriptors(int *control, int *in, int *out, struct problem *problem)
{
    return adopt_descriptor(control, "SSLCTLFD", problem) &&
           adopt_descriptor(in, "SSLREADFD", problem) &&
           adopt_descriptor(out, "SSLWRITEFD", problem);
}

/*
 * Reads from `descriptor` into `octets`; 0 at its end, -errno, or when the time is over. Of the
 * signals SIGTERM alone ends it: SIGCHLD may be of a command that ended long ago.
 */
static ssize_t read_until(int descriptor, char *octets, size_t room, int64_t until)
{
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};
    int ready = 0;
    while (ready == 0 && !signals_stop_pending())
        ready = wait_until(&polled, 1, until);
    if (ready <= 0)
        return ready < 0 ? ready : -EINTR;
    ssize_t length = read(descriptor, octets, room);
    return length < 0 ? -errno : length;
}

/* The ends of two pairs of sockets: ours, and those of the relay. */
struct ends {
    int control[2];
    int plain[2];
};

static int open_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return -errno;
    int result = process_move(&pair[0]);
    return result == 0 ? process_move(&pair[1]) : result;
}

/* 0, or -errno. */
static int open_ends(struct ends *ends)
{
    int result = open_pair(ends->control);
    return result == 0 ? open_pair(ends->plain) : result;
}

/* The relay has its own ends, and ours are for `tls`. */
static void keep_ends(struct tls *tls, const struct ends *ends)
{
    (void)close(ends->control[1]);
    (void)close(ends->plain[1]);
    tls->control = ends->control[0];
    tls->in = tls->out = ends->plain[0];
}

/* Starts a relay of ours. */
static bool start(struct tls *tls, const struct ends *ends, const struct options *options,
                  const struct connection *connection, struct problem *problem)
{
    struct relay_files files;
    char path[PROCESS_PATH_MAX];
    if (!relay_list_files(&files, options, false, problem) ||
        !helper_find("tls-relay", path, problem))
        return false;
    const struct process_descriptor descriptors[] = {
        {connection->in, STDIN_FILENO},
        {connection->out, STDOUT_FILENO},
        {ends->control[1], RELAY_CONTROL},
        {ends->plain[1], RELAY_PLAIN},
    };
    const struct process_plan plan = {path, files.arguments, environ,        descriptors,
                                      4,    PROCESS_HELPER,  PROCESS_UNRULED};
    int result = process_start(&tls->relay, &plan);
    return result == 0 || problem_set(problem, EX_OSERR, "%s: %s", path, process_error(-result));
}

/* Has a keeper start a relay. */
static bool request(struct tls *tls, const struct ends *ends, const struct options *options,
                    const struct connection *connection, struct problem *problem)
{
    const int descriptors[] = {connection->in, ends->control[1], ends->plain[1]};
    tls->is_kept =
        keeper_ask(options, descriptors, 3, clock_milliseconds() + LOADING_MILLISECONDS, problem);
    return tls->is_kept;
}

/*
 * Waits until the relay has loaded its keys and confined itself; false if it reports a problem with
 * them, or has ended.
 */
static bool wait_until_loaded(int control, unsigned *missing, bool *ended, struct problem *problem)
{
    char said[sizeof problem->text];
    ssize_t length =
        read_until(control, said, sizeof said, clock_milliseconds() + LOADING_MILLISECONDS);
    *ended = length == 0;
    if (length == 2 && said[0] == 'R') {
        *missing = (unsigned char)said[1];
        return true;
    }
    if (length <= 0)
        return problem_set(problem, EX_OSERR, "tls-relay: %s",
                           length == 0 ? "ended" : strerror((int)-length));
    return problem_set(problem, EX_CONFIG, "%.*s", (int)length, said);
}

/* Whether the relay may be used as it is confined. */
static bool is_confined_enough(const struct tls *tls, const struct options *options,
                               struct problem *problem)
{
    char words[CONFINE_WORDS_MAX] = "";
    if (tls->missing == 0 || !options->require_sandbox)
        return true;
    confine_add_words(words, "", tls->missing);
    return problem_set(problem, EX_OSERR, "the sandbox of the relay lacks %s", words);
}

/*
 * Starts the relay, or has a keeper do so, and waits until it is ready for the handshake. If the
 * relay ended, which has told nothing, *ended is set.
 */
static bool try_to_launch(struct tls *tls, const struct options *options,
                          const struct connection *connection, bool *ended, struct problem *problem)
{
    struct ends ends;
    int result = open_ends(&ends);
    if (result < 0) /* this process has no descriptors to spare, and soon ends */
        return problem_set(problem, EX_OSERR, "tls-relay: %s", process_error(-result));
    bool started = keeper_is_used(options) ? request(tls, &ends, options, connection, problem)
                                           : start(tls, &ends, options, connection, problem);
    keep_ends(tls, &ends);
    if (!started) {
        (void)close(tls->control); /* nothing was sent */
        tls_close_plaintext(tls);
    }
    bool fit = started &&
               (wait_until_loaded(tls->control, &tls->missing, ended, problem) ||
                relay_blame_file(options, problem)) &&
               is_confined_enough(tls, options, problem);
    if (started && !fit)
        tls_finish(tls);
    return fit;
}

/* If a keeper is ended, the request that it has taken last is lost: so it is made once more. */
static bool launch(struct tls *tls, const struct options *options,
                   const struct connection *connection, struct problem *problem)
{
    bool ended = false;
    if (try_to_launch(tls, options, connection, &ended, problem))
        return true;
    return ended && keeper_is_used(options) &&
           try_to_launch(tls, options, connection, &ended, problem);
}

/* A keeper takes one descriptor of the client. */
static bool are_sockets(const struct connection *connection, const struct options *options,
                        struct problem *problem)
{
    bool fit = keeper_is_used(options) ? connection->is_one_socket
                                       : connection->in_is_socket && connection->out_is_socket;
    return fit || problem_set(problem, EX_CONFIG, "TLS needs a socket to the client");
}

/* Asks the keeper whether it has files. If its answer is the end, *ended is set. */
static bool ask_for_files(const struct options *options, bool *ended, struct problem *problem)
{
    int pair[2];
    unsigned missing;
    int result = open_pair(pair);
    if (result < 0)
        return problem_set(problem, EX_OSERR, "tls-relay: %s", process_error(-result));
    int64_t deadline = clock_milliseconds() + LOADING_MILLISECONDS;
    bool asked = keeper_ask(options, &pair[1], 1, deadline, problem);
    (void)close(pair[1]); /* the keeper has its own */
    bool fit = asked && wait_until_loaded(pair[0], &missing, ended, problem);
    (void)close(pair[0]); /* nothing more comes */
    return fit;
}

/* As launch. */
static bool look_through_keeper(const struct options *options, struct problem *problem)
{
    bool ended = false;
    return ask_for_files(options, &ended, problem) ||
           (ended && ask_for_files(options, &ended, problem));
}

static bool look_at_files(const struct options *options, struct problem *problem)
{
    struct relay_files files;
    char relay[PROCESS_PATH_MAX];
    if (!relay_list_files(&files, options, false, problem) ||
        !helper_find("tls-relay", relay, problem))
        return false;
    for (char **file = files.arguments + 1; *file != NULL; file++) {
        if ((*file)[0] == '-')
            continue; /* an option of the relay */
        if (!credential_check(*file, problem))
            return false;
        if (access(*file, R_OK) == 0)
            continue;
        (void)problem_set(problem, EX_CONFIG, "%s: %s", *file, process_error(errno)); /* is false */
        return relay_blame_file(options, problem);
    }
    return true;
}

bool tls_look(const struct options *options, const struct connection *connection,
              struct problem *problem)
{
    int control, in, out;
    if (relay_is_superservers())
        return adopt_descriptors(&control, &in, &out, problem);
    return are_sockets(connection, options, problem) &&
           (options->tls_relay != NULL ? look_through_keeper(options, problem)
                                       : look_at_files(options, problem));
}

bool tls_prepare(struct tls *tls, const struct options *options,
                 const struct connection *connection, struct problem *problem)
{
    if (tls->relay != 0 || tls->is_kept)
        return true;
    if (relay_is_superservers())
        return adopt_descriptors(&tls->control, &tls->in, &tls->out, problem);
    return are_sockets(connection, options, problem) && launch(tls, options, connection, problem);
}

bool tls_check(struct tls *tls, const struct options *options, const struct connection *connection,
               struct problem *problem)
{
    bool wanted = relay_policy(options) != TLS_POLICY_NONE || options->tls == TLS_OPTION_IMPLICIT;
    if (!wanted || relay_is_superservers())
        return true;
    bool fit = launch(tls, options, connection, problem);
    tls_finish(tls);
    return fit;
}

/* Whether all parameters are here: an empty string follows the last. */
static bool is_complete(const struct tls *tls)
{
    size_t length = tls->length;
    return length > 0 && tls->parameters[length - 1] == '\0' &&
           (length == 1 || tls->parameters[length - 2] == '\0');
}

/* The client chooses the names in its certificate, and the server's name in the handshake. */
static void replace_controls(struct tls *tls)
{
    for (char *octet = tls->parameters; octet < tls->parameters + tls->length; octet++)
        if (*octet != '\0' && (*octet < ' ' || *octet > '~'))
            *octet = '?';
}

/* Reads the parameters of the handshake, or why it failed. */
static bool read_parameters(struct tls *tls, int64_t until, struct problem *problem)
{
    static const char error[] = "TLS_ERROR=";
    while (!is_complete(tls)) {
        ssize_t length = read_until(tls->control, tls->parameters + tls->length,
                                    sizeof tls->parameters - tls->length, until);
        if (length <= 0)
            return problem_set(problem, EX_PROTOCOL, "%s",
                               length == 0 ? "the handshake failed" : strerror((int)-length));
        tls->length += (size_t)length;
    }
    replace_controls(tls);
    return strncmp(tls->parameters, error, strlen(error)) != 0 ||
           problem_set(problem, EX_PROTOCOL, "%s", tls->parameters + strlen(error));
}

static bool is_socket(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

bool tls_perform_handshake(struct tls *tls, int64_t timeout, struct problem *problem)
{
    int64_t until = clock_milliseconds() + timeout;
    if (write(tls->control, "Y", 1) != 1)
        return problem_set(problem, EX_OSERR, "%s", strerror(errno));
    tls->are_sockets = is_socket(tls->in) && is_socket(tls->out);
    return read_parameters(tls, until, problem);
}

void tls_close_plaintext(struct tls *tls)
{
    (void)close(tls->in); /* the frontend has its own, and sees late errors */
    if (tls->out != tls->in)
        (void)close(tls->out);
    tls->in = tls->out = -1;
}

void tls_finish(struct tls *tls)
{
    int status;
    if (tls->relay == 0 && !tls->is_kept)
        return;
    (void)close(tls->control); /* the relay sees the end of both */
    if (tls->in >= 0)
        tls_close_plaintext(tls);
    if (tls->relay != 0 && !process_wait(tls->relay, FAREWELL_MILLISECONDS, &status))
        (void)kill(tls->relay, SIGKILL); /* the client does not take the last of it */
    tls->relay = 0;                      /* one of a keeper's has a farewell of its own */
    tls->is_kept = false;
}
