/*
 * tls-relay [--client-ca FILE] CERTIFICATE KEY [CERTIFICATE KEY]...
 *
 * Speaks TLS with the client on standard input and output, one socket, and carries octets between
 * it and whoever started us on descriptor 4, so that a key and its library are kept apart from what
 * reads mail. Descriptor 3 tells how it goes, as UCSPI-TLS has it:
 *
 *     we write "R" when certificates and keys are fit, or what is wrong with them, and exit;
 *     "Y" comes when hands shall be shaken, or the end;
 *     we write what was agreed, "NAME=value" and NUL each, and a NUL; or TLS_ERROR, and exit.
 *
 * The end of either side is passed on by itself. The first pair is for who names no server, or one
 * that no other pair is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

enum {
    CONTROL = 3,
    PLAIN = 4,
    BUFFER_SIZE = 64 * 1024,
    HANDSHAKE_MILLISECONDS = 60000,
    FAREWELL_MILLISECONDS = 2000 /* for the client's end, once nobody is there to hear it */
};

struct pipe {
    size_t start, end; /* of what waits in the buffer */
    bool source_over;  /* nothing more comes */
    bool sink_over;    /* and that was passed on, or nobody takes more */
    char octets[BUFFER_SIZE];
};

struct relay {
    struct tls *tls;
    short tls_wants;               /* POLLIN or POLLOUT where TLS waits for the network, else 0 */
    bool client_ended;             /* its side of the connection */
    bool network_is_empty;         /* until the next poll: what came last was less than fits */
    bool plain_waits;              /* PLAIN has octets, or its end */
    bool is_alone;                 /* nobody has the other end of PLAIN any more */
    size_t ahead_start, ahead_end; /* of what came from the network and TLS has not asked for */
    char ahead[BUFFER_SIZE];
    int64_t farewell; /* when it is over; 0 before it begins */
    struct pipe inward, outward;
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t fits = length < (int)sizeof text ? (size_t)length : sizeof text - 1;
    if (length > 0 && write(CONTROL, text, fits) < 0)
        exit(EX_IOERR); /* nobody listens */
}

/* The client's socket is shared with whoever started us, so that it stays as it is. */
static ssize_t result_of(ssize_t length, int wanted)
{
    return length < 0 && (errno == EAGAIN || errno == EINTR) ? wanted : length;
}

/*
 * The end without a close_notify is not for TLS, which would say nothing more then: who has ended
 * only its own side waits for a reply, and SMTP knows what is whole.
 */
static ssize_t receive(struct tls *tls, void *octets, size_t length, void *of_relay)
{
    struct relay *relay = of_relay;
    (void)tls; /* there is one client */
    size_t waits = relay->ahead_end - relay->ahead_start;
    if (waits == 0 && relay->network_is_empty)
        return TLS_WANT_POLLIN;
    if (waits == 0) {
        ssize_t result = recv(STDIN_FILENO, relay->ahead, sizeof relay->ahead, MSG_DONTWAIT);
        relay->client_ended = result == 0;
        relay->network_is_empty = result < (ssize_t)sizeof relay->ahead;
        if (result <= 0)
            return result == 0 ? TLS_WANT_POLLIN : result_of(result, TLS_WANT_POLLIN);
        relay->ahead_start = 0;
        relay->ahead_end = waits = (size_t)result;
    }
    if (length > waits)
        length = waits;
    memcpy(octets, relay->ahead + relay->ahead_start, length);
    relay->ahead_start += length;
    return (ssize_t)length;
}

static ssize_t transmit(struct tls *tls, const void *octets, size_t length, void *unused)
{
    (void)tls, (void)unused; /* there is one client */
    return result_of(send(STDOUT_FILENO, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL),
                     TLS_WANT_POLLOUT);
}

/*
 * Waits for what of `network` and of `plain` is not 0, or for the other end of PLAIN to go, up to
 * `timeout` milliseconds; -1 is for ever. False where the time is over.
 */
static bool wait_for(struct relay *relay, short network, short plain, int timeout)
{
    struct pollfd polled[] = {
        {.fd = network != 0 ? STDIN_FILENO : -1, .events = network},
        {.fd = plain != 0 || !relay->is_alone ? PLAIN : -1, .events = plain},
    };
    int ready = poll(polled, 2, timeout);
    relay->network_is_empty = false;
    relay->plain_waits = (polled[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    relay->is_alone |= (polled[1].revents & POLLHUP) != 0;
    return ready != 0;
}

/* Milliseconds, by a clock that only goes on. */
static int64_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail */
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Waits for the network, up to `timeout` milliseconds; false where nobody waits for us any more. */
static bool wait_for_hands(struct relay *relay, short network, int timeout)
{
    struct pollfd polled[] = {
        {.fd = STDIN_FILENO, .events = network}, {.fd = CONTROL, .events = 0}, /* but for its end */
    };
    relay->network_is_empty = false;
    return poll(polled, 2, timeout) <= 0 || polled[1].revents == 0;
}

static X509 *read_certificate(const char *file)
{
    FILE *stream = fopen(file, "re");
    X509 *certificate = stream == NULL ? NULL : PEM_read_X509(stream, NULL, NULL, NULL);
    if (stream != NULL)
        (void)fclose(stream); /* it was only read */
    return certificate;
}

static EVP_PKEY *read_key(const char *file)
{
    static char no_passphrase[] = "";
    FILE *stream = fopen(file, "re");
    EVP_PKEY *key = stream == NULL ? NULL : PEM_read_PrivateKey(stream, NULL, NULL, no_passphrase);
    if (stream != NULL)
        (void)fclose(stream); /* it was only read */
    return key;
}

/* Whether clients believe the certificate by its dates; what is wrong is said. */
static bool check_dates(const char *file, const X509 *certificate)
{
    int begins = X509_cmp_current_time(X509_get0_notBefore(certificate));
    int ends = X509_cmp_current_time(X509_get0_notAfter(certificate));
    if (begins > 0)
        say("%s: not valid yet", file);
    else if (ends < 0)
        say("%s: expired", file);
    return begins <= 0 && ends >= 0;
}

/* Whether the pair is one to be taken; what is wrong is said. */
static bool check_pair(char **pair)
{
    errno = 0;
    X509 *certificate = read_certificate(pair[0]);
    EVP_PKEY *key = certificate == NULL ? NULL : read_key(pair[1]);
    bool fits = key != NULL && X509_check_private_key(certificate, key) == 1;
    if (certificate == NULL)
        say("%s: %s", pair[0], errno != 0 ? strerror(errno) : "no certificate");
    else if (key == NULL)
        say("%s: %s", pair[1], errno != 0 ? strerror(errno) : "no key");
    else if (!fits)
        say("%s is not the key of %s", pair[1], pair[0]);
    fits = fits && check_dates(pair[0], certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return fits;
}

/* What the library does not take, with its reason. */
static bool fail(const char *what, const char *reason)
{
    say("%s: %s", what, reason == NULL ? "not taken" : reason);
    return false;
}

/* Adds the pairs of files in `files`; the first has a way of its own in the library. */
static bool add_pairs(struct tls_config *config, char **files)
{
    for (char **pair = files; *pair != NULL; pair += 2) {
        if (pair[1] == NULL)
            exit(EX_USAGE);
        if (!check_pair(pair))
            return false;
        int result = pair == files ? tls_config_set_keypair_file(config, pair[0], pair[1])
                                   : tls_config_add_keypair_file(config, pair[0], pair[1]);
        if (result != 0)
            return fail(pair[0], tls_config_error(config));
    }
    return true;
}

/* Gives the server its keys; false, and it is said why, where they are not fit. */
static bool configure(struct tls *server, struct tls_config *config, char **files,
                      const char *client_ca)
{
    /* Of TLS 1.2, beside 1.3, whose own are all good: forward secrecy and AEAD. */
    if (tls_config_set_ciphers(config, "ECDHE+AESGCM:ECDHE+CHACHA20") != 0)
        return fail("ciphers", tls_config_error(config));
    if (!add_pairs(config, files))
        return false;
    if (client_ca != NULL && tls_config_set_ca_file(config, client_ca) != 0)
        return fail(client_ca, tls_config_error(config));
    if (client_ca != NULL)
        tls_config_verify_client_optional(config);
    return tls_configure(server, config) == 0 || fail(files[0], tls_error(server));
}

/* A server with these keys; NULL, and it is said why, where they are not fit. */
static struct tls *make_server(char **files, const char *client_ca)
{
    struct tls_config *config = tls_config_new();
    struct tls *server = tls_server();
    if (config == NULL || server == NULL)
        say("no memory");
    else if (configure(server, config, files, client_ca)) {
        tls_config_free(config); /* the server has what it needs of it */
        return server;
    }
    tls_free(server);
    tls_config_free(config);
    return NULL;
}

/* "NAME=value" and NUL, where there is a value. */
static size_t add_fact(char *to, size_t room, const char *name, const char *value)
{
    if (value == NULL)
        return 0;
    int length = snprintf(to, room, "%s=%s", name, value);
    return length > 0 && (size_t)length < room ? (size_t)length + 1 : 0;
}

static void tell(const char *facts, size_t length)
{
    if (write(CONTROL, facts, length) != (ssize_t)length)
        exit(EX_IOERR); /* nobody listens */
}

/* There is no TLS, and nothing else to do. */
static void give_up(const char *why)
{
    char fact[1024];
    char reason[512];
    (void)snprintf(reason, sizeof reason, "%s", why == NULL ? "unknown" : why); /* may be cut */
    size_t length = add_fact(fact, sizeof fact - 1, "TLS_ERROR", reason);
    fact[length++] = '\0';
    tell(fact, length);
    exit(EX_PROTOCOL);
}

static void shake_hands(struct relay *relay)
{
    struct tls *tls = relay->tls;
    int64_t until = now() + HANDSHAKE_MILLISECONDS;
    for (;;) {
        int result = tls_handshake(tls);
        if (result == 0)
            return;
        int64_t left = until - now();
        bool goes_on = result == TLS_WANT_POLLIN || result == TLS_WANT_POLLOUT;
        if (relay->client_ended)
            give_up("the client left");
        if (!goes_on || left <= 0)
            give_up(goes_on ? "timeout" : tls_error(tls));
        if (!wait_for_hands(relay, result == TLS_WANT_POLLIN ? POLLIN : POLLOUT, (int)left))
            exit(EX_OK);
    }
}

static void tell_what_was_agreed(struct tls *tls)
{
    const struct {
        const char *name;
        const char *value;
    } rows[] = {
        {"SSL_PROTOCOL", tls_conn_version(tls)},
        {"SSL_CIPHER", tls_conn_cipher(tls)},
        {"SSL_TLS_SNI_SERVERNAME", tls_conn_servername(tls)},
        {"SSL_PEER_CERT_HASH", tls_peer_cert_hash(tls)},
        {"SSL_PEER_CERT_SUBJECT", tls_peer_cert_subject(tls)},
    };
    char facts[4096];
    size_t length = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        length += add_fact(facts + length, sizeof facts - 1 - length, rows[i].name, rows[i].value);
    facts[length++] = '\0';
    tell(facts, length);
    (void)close(CONTROL); /* all is said */
}

/* Notes what TLS waits for; false where it is at its end. */
static bool tls_goes_on(struct relay *relay, ssize_t result)
{
    if (result == TLS_WANT_POLLIN)
        relay->tls_wants |= POLLIN;
    else if (result == TLS_WANT_POLLOUT)
        relay->tls_wants |= POLLOUT;
    return result > 0 || result == TLS_WANT_POLLIN || result == TLS_WANT_POLLOUT;
}

/* Fills the buffer towards the handler with what TLS has. */
static void read_network(struct relay *relay)
{
    struct pipe *pipe = &relay->inward;
    ssize_t length = 1;
    while (length > 0 && !pipe->source_over && pipe->end < sizeof pipe->octets) {
        length = tls_read(relay->tls, pipe->octets + pipe->end, sizeof pipe->octets - pipe->end);
        pipe->source_over = !tls_goes_on(relay, length) || (length <= 0 && relay->client_ended);
        pipe->end += length > 0 ? (size_t)length : 0;
    }
}

static void write_plain(struct pipe *pipe)
{
    ssize_t length = 1;
    while (length > 0 && pipe->start < pipe->end) {
        length = send(PLAIN, pipe->octets + pipe->start, pipe->end - pipe->start,
                      MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length > 0)
            pipe->start += (size_t)length;
        else if (errno != EAGAIN && errno != EINTR)
            exit(EX_OK); /* nobody is there any more */
    }
    if (pipe->start == pipe->end)
        pipe->start = pipe->end = 0;
    if (pipe->end == 0 && pipe->source_over && !pipe->sink_over) {
        (void)shutdown(PLAIN, SHUT_WR); /* or he is gone himself */
        pipe->sink_over = true;
    }
}

static void read_plain(struct relay *relay)
{
    struct pipe *pipe = &relay->outward;
    if (pipe->source_over || pipe->end > 0 || !relay->plain_waits)
        return;
    relay->plain_waits = false;
    ssize_t length = recv(PLAIN, pipe->octets, sizeof pipe->octets, MSG_DONTWAIT);
    if (length > 0)
        pipe->end = (size_t)length;
    else if (length == 0 || (errno != EAGAIN && errno != EINTR))
        pipe->source_over = true;
}

/* Says close_notify, and that nothing comes behind it. What the client sends is still read. */
static void close_network(struct relay *relay)
{
    if (tls_close(relay->tls) == TLS_WANT_POLLOUT) {
        relay->tls_wants |= POLLOUT;
        return;
    }
    (void)shutdown(STDOUT_FILENO, SHUT_WR); /* or the client is gone */
    relay->outward.sink_over = true;
}

static void write_network(struct relay *relay)
{
    struct pipe *pipe = &relay->outward;
    ssize_t length = 1;
    while (length > 0 && pipe->start < pipe->end) {
        length = tls_write(relay->tls, pipe->octets + pipe->start, pipe->end - pipe->start);
        if (!tls_goes_on(relay, length))
            exit(EX_OK); /* the client is gone */
        pipe->start += length > 0 ? (size_t)length : 0;
    }
    if (pipe->start == pipe->end)
        pipe->start = pipe->end = 0;
    if (pipe->end == 0 && pipe->source_over && !pipe->sink_over)
        close_network(relay);
}

/* Milliseconds that carry may wait: for ever, or for the rest of the farewell. */
static int patience(struct relay *relay)
{
    if (!relay->outward.sink_over && !relay->is_alone)
        return -1;
    if (relay->farewell == 0)
        relay->farewell = now() + FAREWELL_MILLISECONDS;
    int64_t left = relay->farewell - now();
    return left > 0 ? (int)left : 0;
}

static void carry(struct relay *relay)
{
    for (;;) {
        relay->tls_wants = 0;
        read_network(relay);
        bool was_full = relay->inward.end == sizeof relay->inward.octets;
        write_plain(&relay->inward);
        read_plain(relay);
        write_network(relay);
        if (relay->inward.sink_over && relay->outward.sink_over)
            return;
        if (was_full && relay->inward.end == 0)
            continue; /* no poll tells of octets that TLS holds itself */
        bool plain_waits = !relay->outward.source_over && relay->outward.end == 0;
        short plain = (short)((relay->inward.end > 0 ? POLLOUT : 0) | (plain_waits ? POLLIN : 0));
        int left = patience(relay);
        if (left == 0 || !wait_for(relay, relay->tls_wants, plain, left))
            return;
    }
}

int main(int argc, char **argv)
{
    static struct relay relay; /* in static memory: pages that are not used cost nothing */
    static struct tls *server; /* likewise, so that nothing is lost when we exit */
    const char *client_ca = NULL;
    char **files = argv + (argc > 0 ? 1 : 0);
    char go;
    (void)prctl(PR_SET_DUMPABLE, 0); /* nobody else looks at the key */
    (void)signal(SIGTERM, SIG_IGN); /* cannot fail; the session ends us when it has said its last */
    (void)signal(SIGINT, SIG_IGN);  /* likewise */
    (void)signal(SIGPIPE, SIG_IGN); /* EPIPE tells the same */
    if (*files != NULL && strcmp(*files, "--client-ca") == 0) {
        client_ca = files[1];
        files += client_ca == NULL ? 1 : 2;
    }
    if (*files == NULL)
        return EX_USAGE;
    server = make_server(files, client_ca);
    if (server == NULL)
        return EX_CONFIG;
    say("R");
    if (read(CONTROL, &go, 1) != 1)
        return EX_OK; /* the client wants no TLS */
    if (tls_accept_cbs(server, &relay.tls, receive, transmit, &relay) != 0)
        return EX_SOFTWARE;
    shake_hands(&relay);
    tell_what_was_agreed(relay.tls);
    carry(&relay);
    return EX_OK;
}
