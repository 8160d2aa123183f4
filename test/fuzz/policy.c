/*
 * libFuzzer target: verdict/policy, asked about three recipients, the last of another message. The
 * input is what the server says, cut by an octet 1; an octet 2 in it is a silence of ten seconds,
 * an octet 3 the end of a connection. Asserted is that
 *
 * - each question is whole, a line an attribute, and a connection has one question at a time;
 * - a recipient is not deferred by us only if all of an answer came behind the question, and no
 *   more of it;
 * - what an answer says is one line without a NUL;
 * - after a silence nothing is asked in that message.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/log.h"
#include "handler/verdict/policy.h"
#include "handler/wait.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int socket, const struct sockaddr *address, socklen_t length);
ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags);
ssize_t __wrap_recv(int socket, void *octets, size_t size, int flags);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout);
int __wrap_wait_until(struct pollfd *polled, nfds_t count, int64_t deadline);
int __wrap_getsockopt(int socket, int level, int name, void *value, socklen_t *length);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUT = 1, SILENCE = 2, CLOSED = 3, HEARD_MAX = 2 * POLICY_ANSWER_MAX, SENT_MAX = 8192 };

static struct span input;
static char sent[SENT_MAX],
    heard[HEARD_MAX]; /* on the connection at hand, since its last question */
static size_t sent_length, heard_length;
static unsigned questions, connections;

static bool is_next(int octet)
{
    return input.length > 0 && input.octets[0] == octet;
}

int __wrap_socket(int domain, int type, int protocol)
{
    assert(domain == AF_UNIX && (type & SOCK_NONBLOCK) != 0 && protocol == 0);
    connections++;
    sent_length = heard_length = 0;
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* Some connections are made at once, and some are waited for. */
int __wrap_connect(int socket, const struct sockaddr *address, socklen_t length)
{
    assert(socket >= 0 && address->sa_family == AF_UNIX && length > 0);
    errno = EINPROGRESS;
    return connections % 2 == 0 ? -1 : 0;
}

int __wrap_getsockopt(int socket, int level, int name, void *value, socklen_t *length)
{
    assert(socket >= 0 && level == SOL_SOCKET && name == SO_ERROR && *length >= sizeof(int));
    *length = sizeof(int);
    *(int *)value = is_next(CLOSED) ? ECONNREFUSED : 0;
    return 0;
}

/* A question goes in pieces. */
ssize_t __wrap_send(int socket, const void *octets, size_t length, int flags)
{
    size_t piece = length > 300 ? 300 : length;
    assert(socket >= 0 && (flags & MSG_NOSIGNAL) != 0);
    assert(sent_length + piece <= sizeof sent);
    memcpy(sent + sent_length, octets, piece);
    sent_length += piece;
    heard_length = 0;
    return (ssize_t)piece;
}

/* What was sent is one question: attributes, and an empty line at its end alone. */
static void check_question(void)
{
    const char *end = memmem(sent, sent_length, "\n\n", 2);
    assert(end != NULL && end + 2 == sent + sent_length);
    assert(memcmp(sent, "request=smtpd_access_policy\n", 28) == 0);
    for (struct span rest = {sent, sent_length - 1}; rest.length > 0;) {
        struct span line = span_first(rest, span_find(rest, '\n'));
        assert(span_find(line, '=') < line.length && !span_has_controls(line));
        rest = span_after(rest, line.length + 1);
    }
}

ssize_t __wrap_recv(int socket, void *octets, size_t size, int flags)
{
    assert(socket >= 0 && size > 0 && flags == 0);
    check_question();
    if (is_next(CUT))
        input = span_after(input, 1);
    size_t length = 0;
    while (length < input.length && (unsigned char)input.octets[length] > CLOSED)
        length++;
    if (length == 0 && input.length > 0) {
        input = span_after(input, 1);
        errno = ECONNRESET;
        return input.length % 2 == 0 ? 0 : -1;
    }
    length = length < size ? length : size;
    memcpy(octets, input.octets, length);
    assert(heard_length + length <= sizeof heard);
    memcpy(heard + heard_length, octets, length);
    heard_length += length;
    input = span_after(input, length);
    return (ssize_t)length;
}

/* Between questions: whether the server has said more, or closed. */
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout)
{
    assert(count == 1 && timeout == 0 && polled->fd >= 0);
    return is_next(CLOSED) ? 1 : 0;
}

int __wrap_wait_until(struct pollfd *polled, nfds_t count, int64_t deadline)
{
    (void)polled, (void)deadline; /* no time goes by */
    assert(count == 1);
    if (!is_next(SILENCE))
        return 1;
    input = span_after(input, 1);
    return -ETIMEDOUT;
}

static void check_answer(const struct policy_answer *answer)
{
    const struct span heard_span = {heard, heard_length};
    struct span texts[] = {answer->action, answer->text};
    for (size_t i = 0; i < 2; i++)
        assert(span_find(texts[i], '\n') == texts[i].length &&
               span_find(texts[i], '\0') == texts[i].length);
    if (answer->verdict == VERDICT_DEFERRED) {
        assert(answer->effect == POLICY_EFFECT_NONE && answer->text.length == 0);
        return;
    }
    const char *end = memmem(heard, heard_length, "\n\n", 2);
    assert(end != NULL && span_find(heard_span, '\0') == heard_length && heard[0] != '\n');
    assert(memmem(heard, (size_t)(end - heard), "action=", 7) != NULL);
    assert(answer->effect != POLICY_EFFECT_PREPEND ||
           (answer->text.length > 0 && answer->text.length <= 998));
    assert(answer->effect == POLICY_EFFECT_NONE || answer->verdict == VERDICT_ACCEPTED);
}

static void ask(struct policy *policy, const struct transaction *transaction)
{
    static struct mailbox recipient;
    struct span path = span_of("<joe@example.org>");
    struct policy_answer answer;
    bool is_silent = policy->silent == transaction->number;
    unsigned before = connections;
    assert(path_parse(&path, PATH_KIND_FORWARD, &recipient) == PATH_RESULT_OK);
    sent_length = 0;
    policy_ask(policy, transaction, &recipient, &answer);
    assert(connections - before <= 2);
    assert(!is_silent || (sent_length == 0 && answer.verdict == VERDICT_DEFERRED));
    check_answer(&answer);
    questions++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy policy;
    static struct transaction transaction;
    static struct connection connection;
    if (size == 0)
        return 0; /* there is nothing to point at */
    input = (struct span){(const char *)data, size};
    log_open(LOG_OPTION_NONE, false);
    connections = questions = 0;
    (void)endpoint_parse(&connection.client, span_of("192.0.2.1"));
    transaction.connection = &connection;
    transaction.number = 0;
    policy_begin(&policy, "/socket");
    transaction_begin(&transaction, "id");
    ask(&policy, &transaction);
    ask(&policy, &transaction);
    transaction_begin(&transaction, "id");
    ask(&policy, &transaction);
    policy_end(&policy);
    return 0;
}
