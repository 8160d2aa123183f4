/*
 * A relay that was taken over, for test/attack-helpers.bats: linked into tls-relay in the
 * place of SSL_do_handshake (--wrap), it tries what $ATTACK says when the handshake begins, tells
 * the client in plaintext whether that succeeded, and ends. If $ATTACK is not set, or is neither
 * an attack on the kernel nor a lie to the runner, it serves as ever.
 */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/tls-relay/control.h"
#include "test/drill/kernel.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __real_SSL_do_handshake(SSL *tls);
int __wrap_SSL_do_handshake(SSL *tls);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static bool report(const char *octets, size_t length)
{
    return write(CONTROL_DESCRIPTOR, octets, length) == (ssize_t)length;
}

/* Parameters without an end. */
static bool flood(void)
{
    char many[16 * 1024];
    memset(many, 'x', sizeof many);
    unsigned count = 0;
    while (count < 1000 && report(many, sizeof many))
        count++;
    return count == 1000;
}

/* A line of its own for the log and the trace fields. */
static bool forge(void)
{
    static const char lines[] = "SSL_PROTOCOL=TLSv1.3\nFORGED\r\nFORGED: 1\0"
                                "SSL_CIPHER=\"FORGED\" result=accepted\0";
    return report(lines, sizeof lines);
}

/* Of the kernel, or of what believes us. */
static bool (*attack_called(const char *wanted))(void)
{
    if (strcmp(wanted, "flood") == 0)
        return flood;
    return strcmp(wanted, "forge") == 0 ? forge : kernel_attack(wanted);
}

int __wrap_SSL_do_handshake(SSL *tls)
{
    const char *wanted = getenv("ATTACK");
    bool (*attack)(void) = wanted == NULL ? NULL : attack_called(wanted);
    if (attack == NULL)
        return __real_SSL_do_handshake(tls);
    const char *outcome = attack() ? "SUCCEEDED\n" : "FAILED\n";
    _exit(write(STDOUT_FILENO, outcome, strlen(outcome)) < 0);
}
