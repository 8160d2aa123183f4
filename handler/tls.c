#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "landlock.h"
#include "log.h"
#include "process.h"
#include "signals.h"

enum { LOADING_MILLISECONDS = 10000, FAREWELL_MILLISECONDS = 3000 };

/* The descriptors that the relay finds its ends under. */
enum { RELAY_CONTROL = 3, RELAY_PLAIN = 4 };

/* The files of a relay, as its arguments. */
struct files {
    char certificate[PROCESS_PATH_MAX], key[PROCESS_PATH_MAX]; /* where none are given */
    char *arguments[2 * OPTIONS_TLS_PAIRS_MAX + 4];
};

/* A descriptor that a UCSPI-TLS server tells of, from now on ours alone. */
static bool take_descriptor(int *descriptor, const char *variable, struct problem *problem)
{
    const char *value = getenv(variable);
    long number = value == NULL || value[0] < '0' || value[0] > '9' ? -1 : strtol(value, NULL, 10);
    *descriptor = number > STDERR_FILENO && number <= INT_MAX ? (int)number : -1;
    return fcntl(*descriptor, F_SETFD, FD_CLOEXEC) == 0 ||
           problem_set(problem, EX_CONFIG, "UCSPI-TLS: %s=%s is no descriptor", variable,
                       value == NULL ? "" : value);
}

/* Whether the superserver has a relay (UCSPI-TLS). */
static bool superserver_speaks_tls(void)
{
    return getenv("UCSPITLS") != NULL;
}

/* The file `name` among what systemd's LoadCredential= gave us; false where that is nothing. */
static bool find_credential(const char *name, char path[PROCESS_PATH_MAX])
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    int length = directory == NULL ? 0 : snprintf(path, PROCESS_PATH_MAX, "%s/%s", directory, name);
    return length > 0 && length < PROCESS_PATH_MAX;
}

static bool has_certificate(const struct options *options)
{
    char path[PROCESS_PATH_MAX];
    return options->tls_certificates.count > 0 ||
           (find_credential("tls.crt", path) && access(path, F_OK) == 0);
}

enum tls_policy tls_policy(const struct options *options)
{
    if (options->tls == TLS_OPTION_REQUIRED)
        return TLS_POLICY_REQUIRED;
    bool offered =
        options->tls == TLS_OPTION_STARTTLS ||
        (options->tls == TLS_OPTION_BEST && (has_certificate(options) || superserver_speaks_tls()));
    return offered ? TLS_POLICY_OFFERED : TLS_POLICY_NONE;
}

static bool list_files(struct files *files, const struct options *options, struct problem *problem)
{
    static char name[] = "tls-relay", client_ca[] = "--client-ca";
    const struct options_files *certificates = &options->tls_certificates;
    char **argument = files->arguments;
    if (certificates->count != options->tls_keys.count)
        return problem_set(problem, EX_CONFIG, "each --tls-cert needs its --tls-key");
    *argument++ = name;
    if (options->tls_client_ca != NULL) {
        *argument++ = client_ca;
        *argument++ = (char *)options->tls_client_ca; /* execve(2) leaves it alone */
    }
    for (unsigned i = 0; i < certificates->count; i++) {
        *argument++ = (char *)certificates->names[i]; /* as above */
        *argument++ = (char *)options->tls_keys.names[i];
    }
    if (certificates->count == 0) {
        if (!find_credential("tls.crt", files->certificate) ||
            !find_credential("tls.key", files->key))
            return problem_set(problem, EX_CONFIG, "TLS is wanted, but no --tls-cert is given");
        *argument++ = files->certificate;
        *argument++ = files->key;
    }
    *argument = NULL;
    return true;
}

/* The relay, where this program was built or where it is installed. */
static bool find_relay(char path[PROCESS_PATH_MAX], struct problem *problem)
{
    static const char *const places[] = {"helpers", "../libexec/smtp-handler"};
    char ours[PROCESS_PATH_MAX] = "";
    if (readlink("/proc/self/exe", ours, sizeof ours - 1) < 0)
        return problem_set(problem, EX_OSERR, "/proc/self/exe: %s", strerror(errno));
    size_t directory = (size_t)(strrchr(ours, '/') - ours); /* it is an absolute path */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int length =
            snprintf(path, PROCESS_PATH_MAX, "%.*s/%s/tls-relay", (int)directory, ours, places[i]);
        if (length > 0 && length < PROCESS_PATH_MAX && access(path, X_OK) == 0)
            return true;
    }
    return problem_set(problem, EX_CONFIG, "no tls-relay in %.*s/%s", (int)directory, ours,
                       places[1]);
}

/*
 * Reads from `descriptor` into `octets`; 0 at its end, -errno, or when the time is over. Of the
 * signals SIGTERM alone ends it: SIGCHLD may be of a command that ended long ago.
 */
static ssize_t read_until(int descriptor, char *octets, size_t room, int64_t until)
{
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};
    int ready = -1;
    errno = EINTR;
    while (ready < 0 && errno == EINTR && !signals_want_stop()) {
        int64_t left = until - clock_milliseconds();
        struct timespec limit = {.tv_sec = (time_t)(left / 1000),
                                 .tv_nsec = (long)(left % 1000) * 1000000};
        if (left <= 0)
            return -ETIMEDOUT;
        ready = ppoll(&polled, 1, &limit, signals_waiting());
    }
    if (ready == 0)
        return -ETIMEDOUT;
    ssize_t length = ready < 0 ? -1 : read(descriptor, octets, room);
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

static int start(struct tls *tls, const char *path, struct files *files,
                 const struct connection *connection)
{
    struct ends ends;
    int result = open_pair(ends.control);
    if (result == 0)
        result = open_pair(ends.plain);
    if (result < 0)
        return result; /* this process has no descriptors to spare, and soon ends */
    const struct process_descriptor descriptors[] = {
        {connection->in, STDIN_FILENO},
        {connection->out, STDOUT_FILENO},
        {ends.control[1], RELAY_CONTROL},
        {ends.plain[1], RELAY_PLAIN},
    };
    result =
        process_start(&tls->relay, path, files->arguments, environ, descriptors, 4, PROCESS_HELPER);
    (void)close(ends.control[1]); /* the relay has its own */
    (void)close(ends.plain[1]);   /* likewise */
    tls->control = ends.control[0];
    tls->in = tls->out = ends.plain[0];
    return result;
}

/* Waits for the relay to have loaded its keys; false where it says what is wrong with them. */
static bool wait_until_loaded(const struct tls *tls, const char *path, struct problem *problem)
{
    char said[sizeof problem->text];
    ssize_t length =
        read_until(tls->control, said, sizeof said, clock_milliseconds() + LOADING_MILLISECONDS);
    if (length == 1 && said[0] == 'R')
        return true;
    if (length <= 0)
        return problem_set(problem, EX_OSERR, "%s: %s", path,
                           length == 0 ? "ended" : strerror((int)-length));
    return problem_set(problem, EX_CONFIG, "%.*s", (int)length, said);
}

/* Starts the relay, with its keys in `files`. */
static bool launch(struct tls *tls, struct files *files, const struct options *options,
                   const struct connection *connection, struct problem *problem)
{
    char path[PROCESS_PATH_MAX];
    if (!list_files(files, options, problem) || !find_relay(path, problem))
        return false;
    int result = start(tls, path, files, connection);
    if (result < 0)
        return problem_set(problem, EX_OSERR, "%s: %s", path, strerror(-result));
    bool loaded = wait_until_loaded(tls, path, problem);
    if (!loaded)
        tls_finish(tls);
    return loaded;
}

/*
 * The relay has the key: here, and in the delivery command, it cannot be read any more. Not so
 * where options name it: what is made in the directories above it later could not be read, either.
 */
static void forget_credential(const char *key)
{
    int result = landlock_deny(key);
    bool can = result != -EPERM && result != -ENOSYS && result != -EOPNOTSUPP;
    if (result < 0 && can)
        log_trouble("Landlock: %s", strerror(-result));
}

bool tls_prepare(struct tls *tls, const struct options *options,
                 const struct connection *connection, struct problem *problem)
{
    struct files files;
    if (tls->relay != 0)
        return true;
    if (superserver_speaks_tls())
        return take_descriptor(&tls->control, "SSLCTLFD", problem) &&
               take_descriptor(&tls->in, "SSLREADFD", problem) &&
               take_descriptor(&tls->out, "SSLWRITEFD", problem);
    if (!connection->in_is_socket || !connection->out_is_socket)
        return problem_set(problem, EX_CONFIG, "TLS needs a socket to the client");
    if (!launch(tls, &files, options, connection, problem))
        return false;
    if (options->tls_keys.count == 0)
        forget_credential(files.key);
    return true;
}

bool tls_check(struct tls *tls, const struct options *options, const struct connection *connection,
               struct problem *problem)
{
    struct files files;
    bool wanted = tls_policy(options) != TLS_POLICY_NONE || options->tls == TLS_OPTION_IMPLICIT;
    if (!wanted || superserver_speaks_tls())
        return true;
    bool fit = launch(tls, &files, options, connection, problem);
    tls_finish(tls);
    return fit;
}

/* Whether all that was agreed is here: an empty string is behind the last. */
static bool is_whole(const struct tls *tls)
{
    size_t length = tls->facts_length;
    return length > 0 && tls->facts[length - 1] == '\0' &&
           (length == 1 || tls->facts[length - 2] == '\0');
}

/* Names in certificates, and the server's in the handshake, are what a client likes. */
static void make_harmless(struct tls *tls)
{
    for (size_t i = 0; i < tls->facts_length; i++)
        if (tls->facts[i] != '\0' && (tls->facts[i] < ' ' || tls->facts[i] > '~'))
            tls->facts[i] = '?';
}

/* Reads what was agreed, or why nothing was. */
static bool read_facts(struct tls *tls, int64_t until, struct problem *problem)
{
    while (!is_whole(tls)) {
        ssize_t length = read_until(tls->control, tls->facts + tls->facts_length,
                                    sizeof tls->facts - tls->facts_length, until);
        if (length <= 0)
            return problem_set(problem, EX_PROTOCOL, "%s",
                               length == 0 ? "the handshake failed" : strerror((int)-length));
        tls->facts_length += (size_t)length;
    }
    make_harmless(tls);
    struct span error = tls_fact(tls, "TLS_ERROR");
    return error.octets == NULL ||
           problem_set(problem, EX_PROTOCOL, "%.*s", (int)error.length, error.octets);
}

static bool is_socket(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

bool tls_shake_hands(struct tls *tls, int64_t timeout, struct problem *problem)
{
    int64_t until = clock_milliseconds() + timeout;
    if (write(tls->control, "Y", 1) != 1)
        return problem_set(problem, EX_OSERR, "%s", strerror(errno));
    tls->secured = read_facts(tls, until, problem);
    if (!tls->secured)
        tls->facts_length = 0;
    tls->are_sockets = is_socket(tls->in) && is_socket(tls->out);
    return tls->secured;
}

void tls_let_go(struct tls *tls)
{
    (void)close(tls->in); /* whoever has them now sees what becomes of them */
    if (tls->out != tls->in)
        (void)close(tls->out);
    tls->in = tls->out = -1;
}

struct span tls_fact(const struct tls *tls, const char *name)
{
    size_t name_length = strlen(name);
    for (size_t at = 0; at < tls->facts_length; at += strlen(tls->facts + at) + 1) {
        const char *fact = tls->facts + at;
        if (strncmp(fact, name, name_length) == 0 && fact[name_length] == '=')
            return span_of(fact + name_length + 1);
    }
    return (struct span){NULL, 0};
}

void tls_finish(struct tls *tls)
{
    int status;
    if (tls->relay == 0)
        return;
    (void)close(tls->control); /* the relay sees the end of both */
    if (tls->in >= 0)
        tls_let_go(tls);
    if (!process_wait(tls->relay, FAREWELL_MILLISECONDS, &status))
        (void)kill(tls->relay, SIGKILL); /* the client does not take the last of it */
    tls->relay = 0;
}
