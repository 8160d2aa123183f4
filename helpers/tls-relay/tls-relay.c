/*
 * tls-relay [--no-sandbox] [--client-ca FILE] CERTIFICATE KEY [...]
 * tls-relay --keep [--no-sandbox] [--client-ca FILE] CERTIFICATE KEY [...]
 *
 * Speaks TLS with the client on standard input and output, one socket, and carries octets between
 * it and the handler on descriptor 4, so that the process that reads mail has neither the key nor
 * the TLS library. Descriptor 3 is the control descriptor of UCSPI-TLS:
 *
 *     if certificates and keys are fit we write "R" and an octet, the bits of what the kernel lacks
 *     to confine us (handler/confine.h); else what is wrong with them, and exit;
 *     "Y" comes if the handshake shall begin, else the end;
 *     we write the parameters of TLS, "NAME=value" and NUL each, and a NUL; or TLS_ERROR, and exit.
 *
 * Half-closes are forwarded independently. The first pair is the default if SNI is absent or
 * unknown.
 *
 * With --keep we hold the keys, and fork for each connection a process that does so (keep.h).
 *
 * We are confined before we read the first octet of the client: if it takes OpenSSL over, it can
 * answer, use memory, and exit, and no more.
 */
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/confine.h"
#include "helpers/tls-relay/carry.h"
#include "helpers/tls-relay/control.h"
#include "helpers/tls-relay/keep.h"

enum { HANDSHAKE_MILLISECONDS = 60000 };

/* Waits for the client, up to `timeout` milliseconds; false if the handler is gone. */
static bool wait_for_client(struct relay *relay, short network, int timeout)
{
    struct pollfd polled[] = {
        {.fd = STDIN_FILENO, .events = network},
        {.fd = CONTROL_DESCRIPTOR, .events = 0}, /* its end alone */
    };
    relay->network_is_empty = false;
    return poll(polled, 2, timeout) <= 0 || polled[1].revents == 0;
}

/* Why the handshake failed. */
static const char *reason_of_failure(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason != NULL ? reason : "the connection broke";
}

static void shake_hands(struct relay *relay)
{
    int64_t until = carry_clock() + HANDSHAKE_MILLISECONDS;
    for (;;) {
        relay->tls_wants = 0;
        ERR_clear_error();
        int result = SSL_do_handshake(relay->tls);
        if (result == 1)
            return;
        bool goes_on = carry_goes_on(relay, result);
        int64_t left = until - carry_clock();
        if (relay->client_ended)
            control_fail("the client left");
        if (!goes_on || left <= 0)
            control_fail(goes_on ? "timeout" : reason_of_failure());
        if (!wait_for_client(relay, relay->tls_wants, (int)left))
            _exit(EX_OK);
    }
}

/* For good; returns what the kernel lacks. */
static unsigned confine(void)
{
    static const struct sock_filter filter[] = {
#include "handler/filter-relay.inc"
    };
    static const struct confine_limit limits[] = {
        {RLIMIT_NOFILE, CARRY_PLAIN_DESCRIPTOR + 1},
        {RLIMIT_FSIZE, 0},
        {RLIMIT_CPU, 600},                 /* seconds: for a hundred gigabytes */
#ifndef SANITIZED                          /* a sanitizer has memory of its own */
        {RLIMIT_DATA, 64UL * 1024 * 1024}, /* octets: many times what we use */
#endif
    };
    static const struct confinement confinement = {
        .filter = filter,
        .filter_length = sizeof filter / sizeof *filter,
        .limits = limits,
        .limit_count = sizeof limits / sizeof *limits,
    };
    return confine_enter(&confinement);
}

/* From the handshake, if there is to be one, to the end. */
static int serve(struct server *server)
{
    static struct relay relay; /* in static memory: pages that are not used cost nothing */
    if (!control_wait())
        return EX_OK; /* the client wants no TLS */
    if (!carry_accept(&relay, server->context))
        return EX_SOFTWARE;
    shake_hands(&relay);
    control_send_parameters(relay.tls);
    carry_octets(&relay);
    return EX_OK;
}

static bool are_pairs(char **files)
{
    size_t count = 0;
    while (files[count] != NULL)
        count++;
    return count > 0 && count % 2 == 0 && files[0][0] != '-';
}

static const char usage[] =
    "usage: tls-relay [--no-sandbox] [--client-ca FILE] CERTIFICATE KEY [...]\n"
    "       tls-relay --keep [--no-sandbox] [--client-ca FILE] CERTIFICATE KEY [...]\n";

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int help(void)
{
    printf("%s\nSpeaks TLS with the client on standard input and output for smtp-handler, which\n"
           "starts it; see tls-relay(8).\n",
           usage);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

static bool take_word(char ***words, const char *word)
{
    bool taken = **words != NULL && strcmp(**words, word) == 0;
    *words += taken ? 1 : 0;
    return taken;
}

/* As the head of this file has them; false if they are wrong. */
static bool parse_arguments(struct keeper *keeper, bool *keeps, char **words)
{
    *keeps = take_word(&words, "--keep");
    keeper->confined = *keeps && take_word(&words, "--confined");
    keeper->unconfined = take_word(&words, "--no-sandbox");
    if (take_word(&words, "--client-ca") && *words != NULL)
        keeper->client_ca = *words++;
    keeper->files = words;
    return are_pairs(words);
}

static void ignore_stop(void)
{
    (void)signal(SIGTERM, SIG_IGN); /* cannot fail; the session ends us after its last reply */
    (void)signal(SIGINT, SIG_IGN);  /* likewise */
}

/* Tells the handler whether we can serve, and serves. */
static int be_relay(struct server *server, bool unconfined, char reason[KEYS_REASON_MAX])
{
    ignore_stop();
    if (server == NULL || !keys_check_dates(&server->keys, reason)) {
        control_complain(reason);
        return EX_CONFIG;
    }
    control_ready(unconfined ? 0 : confine());
    return serve(server);
}

int main(int argc, char **argv)
{
    static struct keeper keeper;
    struct server *server = NULL;
    bool keeps = false, is_relay = true;
    int status = EX_OK;
    (void)prctl(PR_SET_DUMPABLE, 0);       /* no other process may read the key */
    (void)prctl(PR_SET_NAME, "tls-relay"); /* a keeper that was executed anew is called "exe" */
    (void)signal(SIGPIPE, SIG_IGN);        /* cannot fail; EPIPE tells the same */
    ignore_stop();
    if (argc == 2 && is_help(argv[1]))
        return help();
    if (argc < 1 || !parse_arguments(&keeper, &keeps, argv + 1)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    keeper.argv = argv;
    if (keeps)
        server = keep_relays(&keeper, &is_relay, &status);
    else if (server_make(&keeper.servers[0], keeper.files, keeper.client_ca, keeper.reason))
        server = &keeper.servers[0];
    /* No exit handler has anything to do. */
    _exit(is_relay ? be_relay(server, keeper.unconfined, keeper.reason) : status);
}
