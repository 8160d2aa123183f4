/*
 * libFuzzer target: helpers/milter-filter, whole, as a filter. The first octet chooses options, the
 * second into how large pieces the rest is cut, which is what the milter says. Asserted is that
 *
 * - what is sent are packets of the protocol that libmilter takes;
 * - the message is accepted only if the milter goes on or accepts, is refused or discarded only if
 * it says so, and else deferred; but a milter that is down may accept;
 * - a new message has our trace unharmed, lines that are fields, and the body behind an empty line;
 * - edits of the envelope are lines of those that a filter may write;
 * - what is printed is a line of printable ASCII.
 */
#include <assert.h>
#include <getopt.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/confine.h"
#include "session/field.h"

/* The helper's main. */
int milter_filter(int argc, char **argv);

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
unsigned __wrap_alarm(unsigned seconds);
unsigned __wrap_confine_enter(const struct confinement *confinement);
int __wrap_connect(int socket, const struct sockaddr *address, socklen_t length);
_Noreturn void __wrap__exit(int status);
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
void *__wrap_mmap(const void *at, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_poll(struct pollfd *ready, nfds_t count, int patience);
ssize_t __wrap_recv(int socket, void *octets, size_t size, int flags);
ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags);
ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t count);
sighandler_t __wrap_signal(int number, sighandler_t handler);
int __wrap_socket(int domain, int type, int protocol);
ssize_t __real_write(int file, const void *octets, size_t length);
ssize_t __wrap_write(int file, const void *octets, size_t length);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOCKET = 1 << 20, BODY, NEW = 3, EDITS = 4, FILE_MAX = 4 << 20, STATUS_DISCARDED = 99 };

#define RECEIVED "Received: from c\n\tby mx.test with ESMTP id ID1;\n\tnow\n"
static const char trace[] = "Return-Path: <s@example.net>\n" RECEIVED;
static char message[] = "Return-Path: <s@example.net>\n" RECEIVED
                        "From: a\nSubject: one\n two\nsubject:three\n\nbody\n";

/* What was written, by file. */
struct file {
    size_t length;
    char octets[FILE_MAX];
};
static struct file sent, printed, made, body, edits;

static struct span input; /* what the milter has still to say */
static size_t piece;
static const char quit[] = {0, 0, 0, 1, 'Q'};
static bool has_quit;
static jmp_buf end;

unsigned __wrap_alarm(unsigned seconds)
{
    assert(seconds > 0);
    return 0;
}

unsigned __wrap_confine_enter(const struct confinement *confinement)
{
    assert(confinement->filter_length > 0 && sent.length == 0);
    return 0;
}

int __wrap_connect(int socket, const struct sockaddr *address, socklen_t length)
{
    assert(socket == SOCKET && address->sa_family == AF_UNIX && length > 0);
    return 0;
}

void __wrap__exit(int status)
{
    longjmp(end, status + 1);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    assert(name != NULL && flags == MFD_CLOEXEC);
    return BODY;
}

void *__wrap_mmap(const void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    assert(at == NULL && size == sizeof message - 1 && protection == PROT_READ);
    assert(flags == MAP_PRIVATE && file == STDIN_FILENO && offset == 0);
    return message;
}

int __wrap_poll(struct pollfd *ready, nfds_t count, int patience)
{
    assert(count == 1 && ready->fd == SOCKET && patience > 0);
    ready->revents = ready->events;
    return 1;
}

ssize_t __wrap_recv(int socket, void *octets, size_t size, int flags)
{
    assert(socket == SOCKET && size > 0 && (flags & MSG_DONTWAIT) != 0);
    size_t length = input.length < piece ? input.length : piece;
    length = length < size ? length : size;
    memcpy(octets, input.octets, length);
    input = span_after(input, length);
    return (ssize_t)length;
}

static ssize_t keep(struct file *file, const void *octets, size_t length)
{
    assert(length <= FILE_MAX - file->length);
    memcpy(file->octets + file->length, octets, length);
    file->length += length;
    return (ssize_t)length;
}

ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags)
{
    assert(socket == SOCKET && (flags & MSG_NOSIGNAL) != 0 && (flags & MSG_DONTWAIT) != 0);
    assert(!has_quit);
    has_quit = length == sizeof quit && memcmp(octets, quit, length) == 0;
    return has_quit ? (ssize_t)length : keep(&sent, octets, length < piece ? length : piece);
}

ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t count)
{
    assert(to == NEW && from == BODY && count > 0 && *offset <= (off_t)body.length);
    size_t length = body.length - (size_t)*offset;
    *offset += (off_t)length;
    return keep(&made, body.octets + body.length - length, length);
}

/* The fuzzer has a time limit of its own. */
sighandler_t __wrap_signal(int number, sighandler_t handler)
{
    assert(number == SIGALRM || handler == SIG_IGN);
    return SIG_DFL;
}

int __wrap_socket(int domain, int type, int protocol)
{
    assert(domain == AF_UNIX && (type & SOCK_STREAM) != 0 && protocol == 0);
    return SOCKET;
}

ssize_t __wrap_write(int file, const void *octets, size_t length)
{
    switch (file) {
    case STDOUT_FILENO:
        return keep(&printed, octets, length);
    case STDERR_FILENO:
        return (ssize_t)length;
    case NEW:
        return keep(&made, octets, length);
    case EDITS:
        return keep(&edits, octets, length);
    default:
        assert(file == BODY);
        return keep(&body, octets, length);
    }
}

static void prepare(void)
{
    int file = __real_memfd_create("message", MFD_CLOEXEC);
    char size[8];
    (void)snprintf(size, sizeof size, "%zu", sizeof trace - 1); /* fits */
    assert(file >= 0 && __real_write(file, message, sizeof message - 1) == sizeof message - 1);
    assert(dup2(file, STDIN_FILENO) == STDIN_FILENO);
    assert(setenv("SENDER", "s@example.net", 1) == 0 && setenv("RECIPIENTS", "a@b\nc@d", 1) == 0);
    assert(setenv("TRACE_SIZE", size, 1) == 0 && setenv("TRANSACTION_ID", "ID1", 1) == 0);
    assert(setenv("CLIENT_HELO", "c", 1) == 0 && setenv("CLIENT_ADDRESS", "192.0.2.1", 1) == 0);
    stderr = fopen("/dev/null", "w"); /* the fuzzer has its own */
    assert(stderr != NULL);
}

static struct span written(const struct file *file)
{
    return (struct span){file->octets, file->length};
}

/* Takes the length in front of a packet from `octets`; 0 if there is none. */
static size_t take_length(struct span *octets)
{
    uint32_t length = 0;
    for (size_t i = 0; i < 4 && i < octets->length; i++)
        length = length << 8 | (unsigned char)octets->octets[i];
    *octets = span_after(*octets, octets->length < 4 ? octets->length : 4);
    return length;
}

/* Whether one of the packets, as far as they are well-formed, has one of the commands. */
static bool has_command(struct span octets, const char *commands)
{
    while (octets.length > 4) {
        size_t length = take_length(&octets);
        if (octets.octets[0] != '\0' && strchr(commands, octets.octets[0]) != NULL)
            return true;
        if (length == 0 || length > octets.length)
            return false;
        octets = span_after(octets, length);
    }
    return false;
}

/* All but the last packet are whole; the milter may not have taken more of that. */
static void check_sent(void)
{
    struct span octets = written(&sent);
    assert(octets.length < 5 || octets.octets[4] == 'O');
    while (octets.length >= 5) {
        size_t length = take_length(&octets);
        assert(length > 0 && length <= 65536);
        if (length > octets.length)
            return;
        assert(strchr("OCHMRTLNBED", octets.octets[0]) != NULL);
        octets = span_after(octets, length);
    }
}

static bool has_text(struct span octets, const char *text)
{
    size_t length = strlen(text);
    for (; octets.length >= length; octets = span_after(octets, 1))
        if (memcmp(octets.octets, text, length) == 0)
            return true;
    return false;
}

static void check_message(void)
{
    struct span octets = written(&made), name;
    bool is_first = true;
    if (octets.length == 0)
        return;
    assert(octets.length >= 29 && memcmp(octets.octets, trace, 29) == 0);
    assert(has_text(octets, "\n" RECEIVED));
    for (;; is_first = false) {
        size_t length = span_find(octets, '\n');
        enum field_line kind = field_parse(span_first(octets, length), true, &name);
        assert(length < octets.length);
        octets = span_after(octets, length + 1);
        if (kind == FIELD_LINE_EMPTY)
            break;
        assert(kind == FIELD_LINE_NAMED || (kind == FIELD_LINE_FOLDED && !is_first));
    }
    assert(octets.length == 0 || octets.octets[octets.length - 1] == '\n');
}

static void check_edits(void)
{
    struct span lines = written(&edits);
    while (lines.length > 0) {
        size_t length = span_find(lines, '\n');
        struct span line = span_first(lines, length);
        size_t verb = span_find(line, ' ');
        static const char verbs[] = " sender recipient not quarantine ";
        char word[16] = " ";
        assert(length < lines.length && verb > 0 && verb < 12 && verb + 1 < length);
        memcpy(word + 1, line.octets, verb + 1);
        assert(strstr(verbs, word) != NULL && !span_has_controls(line));
        lines = span_after(lines, length + 1);
    }
}

static void check_status(int status, bool may_be_down, struct span said)
{
    bool is_refusal = (status >= EX_DATAERR && status <= EX_UNAVAILABLE && status != EX_NOINPUT) ||
                      status == EX_PROTOCOL || status == EX_NOPERM || status == 100;
    assert(status == EX_OK || status == EX_TEMPFAIL || status == STATUS_DISCARDED || is_refusal);
    if (is_refusal)
        assert(has_command(said, "ryq"));
    if (status == STATUS_DISCARDED)
        assert(has_command(said, "d"));
    if (status == EX_OK && !may_be_down)
        assert(has_command(said, "ca") || has_command(said, "s") || has_command(said, "d"));
    if (status != EX_OK)
        return;
    check_message();
    check_edits();
}

static void check_printed(int status)
{
    struct span line = written(&printed);
    assert(status != EX_OK || line.length == 0);
    if (line.length == 0)
        return;
    assert(line.octets[line.length - 1] == '\n' && line.length > 1 && line.length < 512);
    assert(span_is_printable(span_first(line, line.length - 1)));
}

/* Runs it with options that the octet chooses. */
static int run(unsigned char choice)
{
    static char program[] = "milter-filter", name[] = "./socket", down[] = "--when-down",
                quarantine[] = "--quarantine";
    static char words[][8] = {"defer", "accept", "refuse"};
    char *down_word = words[choice & 1], *quarantine_word = words[(choice >> 1) % 3];
    char *argv[] = {program, down, down_word, quarantine, quarantine_word, name, NULL};
    optind = 0; /* glibc begins anew */
    has_quit = false;
    sent.length = printed.length = made.length = body.length = edits.length = 0;
    int ended = setjmp(end);
    return ended == 0 ? milter_filter(6, argv) : ended - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_prepared;
    if (size < 2)
        return 0;
    if (!is_prepared)
        prepare();
    is_prepared = true;
    struct span said = {(const char *)data + 2, size - 2};
    input = said;
    piece = 1 + data[1] * (size_t)data[1];
    int status = run(data[0]);
    check_sent();
    check_status(status, (data[0] & 1) != 0, said);
    check_printed(status);
    return 0;
}
