#include "handler/runner/resolve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/process.h"
#include "handler/signals.h"
#include "handler/socket-address.h"
#include "handler/wait.h"

/* What the process apart answers: an error of getaddrinfo(3), or 0 and a name. */
struct finding {
    int error;
    char name[DOMAIN_MAX + 1];
};

static socklen_t make_address(union socket_address *address, const struct endpoint *client)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, client->text, &address->ipv4.sin_addr) == 1) {
        address->any.sa_family = AF_INET;
        return sizeof address->ipv4;
    }
    (void)inet_pton(AF_INET6, client->text, &address->ipv6.sin6_addr); /* it is one or the other */
    address->any.sa_family = AF_INET6;
    return sizeof address->ipv6;
}

/* An address in the place of a name would confirm itself. */
static bool is_address(const char *name)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

/* 0 if `client` is one of the addresses of `name`. */
static int confirm(const char *name, const struct endpoint *client)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int error = is_address(name) ? EAI_NONAME : getaddrinfo(name, NULL, &hints, &found);
    if (error != 0)
        return error;
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        union socket_address address = {.any.sa_family = AF_UNSPEC};
        memcpy(&address, one->ai_addr, one->ai_addrlen);
        if (strcmp(socket_address_endpoint(&address).text, client->text) == 0)
            return 0;
    }
    return EAI_NONAME;
}

static struct finding look_up(const struct endpoint *client)
{
    struct finding finding = {.error = 0};
    union socket_address address;
    socklen_t length = make_address(&address, client);
    finding.error =
        getnameinfo(&address.any, length, finding.name, sizeof finding.name, NULL, 0, NI_NAMEREQD);
    if (finding.error == 0)
        finding.error = confirm(finding.name, client);
    return finding;
}

/* The process apart: keeps no descriptor but `answer`, and ends. */
static void look_up_apart(const struct endpoint *client, int answer)
{
    int null = open("/dev/null", O_RDWR);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || null < 0 || dup2(answer, STDOUT_FILENO) < 0 ||
        dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
        syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) != 0)
        _exit(EX_OSERR);
    const struct finding finding = look_up(client);
    _exit(write(STDOUT_FILENO, &finding, sizeof finding) == sizeof finding ? EX_OK : EX_IOERR);
}

/* Waits for the answer; without one in time it is EAI_AGAIN. */
static struct finding receive(int answer)
{
    struct finding finding = {.error = EAI_AGAIN};
    struct pollfd polled = {.fd = answer, .events = POLLIN};
    int64_t deadline = clock_milliseconds() + RESOLVE_MILLISECONDS;
    int ready = 0;
    while (ready == 0 && !signals_stop_pending())
        ready = wait_until(&polled, 1, deadline);
    if (ready > 0 && read(answer, &finding, sizeof finding) != sizeof finding)
        finding.error = EAI_AGAIN;
    finding.name[DOMAIN_MAX] = '\0';
    return finding;
}

static struct finding ask(const struct endpoint *client)
{
    struct finding finding = {.error = EAI_AGAIN};
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return finding;
    pid_t process = fork();
    if (process == 0)
        look_up_apart(client, ends[1]);
    (void)close(ends[1]); /* a pipe has no late errors */
    if (process > 0) {
        finding = receive(ends[0]);
        (void)kill(process, SIGKILL); /* or it has ended */
        (void)process_wait(process, 1000, &status);
    }
    (void)close(ends[0]); /* likewise */
    return finding;
}

void resolve_client(const struct endpoint *client, char name[DOMAIN_MAX + 1])
{
    const struct finding finding = ask(client);
    bool is_name = finding.error == 0 && domain_is_valid(span_of(finding.name));
    memcpy(name, is_name ? finding.name : "", is_name ? strlen(finding.name) + 1 : 1);
}

bool resolve_check(struct problem *problem)
{
    const struct endpoint nobody = {.text = "192.0.2.1"}; /* RFC 5737 */
    const struct finding finding = ask(&nobody);
    return finding.error != EAI_AGAIN ||
           problem_set(problem, EX_OK,
                       "option resolve: no name server answers; under the units it needs "
                       "network.conf");
}
