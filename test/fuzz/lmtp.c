/*
 * libFuzzer target: helpers/lmtp-deliver, whole, as a delivery command. The input is what the
 * server says; each octet 1 in it is a moment in which it waits for us. Asserted is that
 *
 * - the message is accepted only if all recipients, each command before and the greeting have a
 *   reply that says so, and after the whole message was sent;
 * - it is refused only if a reply refuses;
 * - what is printed is a line of printable ASCII;
 * - nothing follows the message but QUIT.
 */
#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "session/text/span.h"

/* The helper's main. */
int lmtp_deliver(int argc, char **argv);

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
unsigned __wrap_alarm(unsigned seconds);
int __wrap_connect(int socket, const struct sockaddr *address, socklen_t length);
ssize_t __wrap_recv(int socket, void *octets, size_t size, int flags);
ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags);
sighandler_t __wrap_signal(int number, sighandler_t handler);
int __wrap_socket(int domain, int type, int protocol);
ssize_t __real_write(int file, const void *octets, size_t length);
ssize_t __wrap_write(int file, const void *octets, size_t length);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOCKET = 1 << 20, SENT_MAX = 4096, PRINTED_MAX = 512, RECIPIENTS = 2, STATUS_REFUSED = 100 };

static const char message[] = "a\n.b\n";
static const char by_bdat[] = "BDAT 7 LAST\r\na\r\n.b\r\n";
static const char by_data[] = "DATA\r\na\r\n..b\r\n.\r\n";
static const char quit[] = "QUIT\r\n";

static struct span input; /* what the server has still to say */
static bool is_waiting;   /* for us */
static char sent[SENT_MAX], printed[PRINTED_MAX];
static size_t sent_length, printed_length;

unsigned __wrap_alarm(unsigned seconds)
{
    assert(seconds > 0);
    return 0;
}

/* The fuzzer has a time limit of its own. */
sighandler_t __wrap_signal(int number, sighandler_t handler)
{
    assert(number == SIGALRM && handler != SIG_DFL && handler != SIG_IGN);
    return SIG_DFL;
}

int __wrap_socket(int domain, int type, int protocol)
{
    assert(domain == AF_UNIX && (type & SOCK_STREAM) != 0 && protocol == 0);
    return SOCKET;
}

int __wrap_connect(int socket, const struct sockaddr *address, socklen_t length)
{
    assert(socket == SOCKET && address->sa_family == AF_UNIX && length > 0);
    return 0;
}

ssize_t __wrap_recv(int socket, void *octets, size_t size, int flags)
{
    assert(socket == SOCKET && size > 0 && flags == 0);
    if (input.length > 0 && input.octets[0] == '\1' && !is_waiting)
        input = span_after(input, 1);
    size_t length = span_find(input, '\1');
    length = length < size ? length : size;
    memcpy(octets, input.octets, length);
    input = span_after(input, length);
    is_waiting = input.length > 0 && input.octets[0] == '\1';
    return (ssize_t)length;
}

ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags)
{
    assert(socket == SOCKET && (flags & MSG_NOSIGNAL) != 0 && length > 0);
    assert(length <= SENT_MAX - sent_length);
    memcpy(sent + sent_length, octets, length);
    sent_length += length;
    is_waiting = false;
    return (ssize_t)length;
}

ssize_t __wrap_write(int file, const void *octets, size_t length)
{
    if (file != STDOUT_FILENO)
        return __real_write(file, octets, length);
    assert(length <= PRINTED_MAX - printed_length);
    memcpy(printed + printed_length, octets, length);
    printed_length += length;
    return (ssize_t)length;
}

static void prepare(void)
{
    int file = memfd_create("message", MFD_CLOEXEC);
    assert(file >= 0 && __real_write(file, message, sizeof message - 1) == sizeof message - 1);
    assert(dup2(file, STDIN_FILENO) == STDIN_FILENO && lseek(STDIN_FILENO, 0, SEEK_SET) == 0);
    assert(setenv("SENDER", "s@example.net", 1) == 0 && setenv("RECIPIENTS", "a@b\nc@d", 1) == 0);
    stderr = fopen("/dev/null", "w"); /* the fuzzer has its own */
    assert(stderr != NULL);
}

/* Lines that begin with the digit, as a code of that class does. */
static size_t count_lines(struct span text, char digit)
{
    size_t lines = 0;
    for (size_t i = 0; i < text.length; i++)
        lines += text.octets[i] == digit &&
                 (i == 0 || text.octets[i - 1] == '\n' || text.octets[i - 1] == '\1');
    return lines;
}

static bool has_sent(const char *end)
{
    size_t length = strlen(end) + sizeof quit - 1;
    return sent_length >= length && memcmp(sent + sent_length - length, end, strlen(end)) == 0 &&
           memcmp(sent + sent_length - (sizeof quit - 1), quit, sizeof quit - 1) == 0;
}

static void check_printed(void)
{
    assert(printed_length != 1);
    for (size_t i = 0; i < printed_length; i++)
        assert(i + 1 == printed_length ? printed[i] == '\n'
                                       : printed[i] >= ' ' && printed[i] <= '~');
}

static void check_status(int status, struct span said)
{
    bool is_refusal = (status >= EX_DATAERR && status < EX_SOFTWARE) || status == EX_PROTOCOL ||
                      status == EX_NOPERM || status == STATUS_REFUSED;
    assert(status == EX_OK || status == EX_TEMPFAIL || is_refusal);
    if (is_refusal)
        assert(count_lines(said, '5') > 0);
    if (status != EX_OK)
        return;
    assert(count_lines(said, '2') >= 3 + 2 * RECIPIENTS);
    assert(has_sent(by_bdat) || has_sent(by_data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "lmtp-deliver", name[] = "./socket";
    static bool is_prepared;
    char *argv[] = {program, name, NULL};
    struct span said = {(const char *)data, size};
    if (!is_prepared)
        prepare();
    is_prepared = true;
    input = said;
    sent_length = printed_length = 0;
    is_waiting = false;
    check_status(lmtp_deliver(2, argv), said);
    check_printed();
    return 0;
}
