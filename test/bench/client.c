#include "test/bench/client.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void client_begin(struct client *client, int descriptor)
{
    client->descriptor = descriptor;
    client->tls = NULL;
    client->begin = client->end = 0;
}

void client_connect(struct client *client, unsigned port, unsigned source)
{
    int one = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in ours = server;
    ours.sin_port = 0;
    ours.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    /* The port is chosen when it connects: those of other clients are no hindrance then. */
    if (descriptor < 0 ||
        setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) != 0 ||
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        bind(descriptor, (struct sockaddr *)&ours, sizeof ours) != 0 ||
        connect(descriptor, (struct sockaddr *)&server, sizeof server) != 0)
        err(1, "connecting to port %u", port);
    client_begin(client, descriptor);
}

_Noreturn static void fail_tls(const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    errx(1, "TLS: %s: %s", what, reason != NULL ? reason : strerror(errno));
}

struct ssl_st *client_make_tls(int descriptor)
{
    static SSL_CTX *any; /* servers will do */
    if (any == NULL)
        any = SSL_CTX_new(TLS_client_method());
    SSL *tls = any == NULL ? NULL : SSL_new(any);
    if (tls == NULL || SSL_set_fd(tls, descriptor) != 1 ||
        SSL_set_tlsext_host_name(tls, "localhost") != 1)
        fail_tls("beginning");
    return tls;
}

void client_secure(struct client *client)
{
    client->tls = client_make_tls(client->descriptor);
    if (SSL_connect(client->tls) != 1)
        fail_tls("handshake");
}

static ssize_t write_some(const struct client *client, const char *octets, size_t length)
{
    if (client->tls == NULL)
        return send(client->descriptor, octets, length, MSG_NOSIGNAL);
    return SSL_write(client->tls, octets, (int)length);
}

void client_send(struct client *client, const char *octets, size_t length)
{
    while (length > 0) {
        ssize_t written = write_some(client, octets, length);
        if (written <= 0 && client->tls != NULL)
            fail_tls("sending");
        if (written < 0)
            err(1, "sending");
        octets += written;
        length -= (size_t)written;
    }
}

void client_say(struct client *client, const char *line)
{
    client_send(client, line, strlen(line));
}

static ssize_t read_some(const struct client *client, char *octets, size_t room)
{
    if (client->tls == NULL)
        return recv(client->descriptor, octets, room, 0);
    return SSL_read(client->tls, octets, (int)room);
}

/* The next line, with its end, of `length` octets. */
static const char *read_line(struct client *client, size_t *length)
{
    for (;;) {
        const char *line = client->input + client->begin;
        const char *feed = memchr(line, '\n', client->end - client->begin);
        if (feed != NULL) {
            *length = (size_t)(feed + 1 - line);
            client->begin += *length;
            return line;
        }
        memmove(client->input, line, client->end - client->begin);
        client->end -= client->begin;
        client->begin = 0;
        ssize_t more =
            read_some(client, client->input + client->end, sizeof client->input - client->end);
        if (more <= 0)
            errx(1, "no reply: the connection is over");
        client->end += (size_t)more;
    }
}

void client_expect(struct client *client, char first)
{
    size_t length;
    const char *line;
    do {
        line = read_line(client, &length);
        if (length < 4 || line[0] != first)
            errx(1, "expected %cxx, got %.*s", first, (int)length - 1, line);
    } while (line[3] == '-');
}

void client_greet(struct client *client, int starttls)
{
    client_expect(client, '2');
    client_say(client, "EHLO client.test\r\n");
    client_expect(client, '2');
    if (!starttls)
        return;
    client_say(client, "STARTTLS\r\n");
    client_expect(client, '2');
    client_secure(client);
    client_say(client, "EHLO client.test\r\n");
    client_expect(client, '2');
}

void client_quit(struct client *client)
{
    client_say(client, "QUIT\r\n");
    if (client->tls == NULL) {
        client_end(client);
        return;
    }
    while (read_some(client, client->input, sizeof client->input) > 0)
        ;
    client_finish(client); /* some wait for the end of our side */
}

void client_finish(struct client *client)
{
    if (client->tls != NULL)
        (void)SSL_shutdown(client->tls); /* the server may be gone already */
    (void)shutdown(client->descriptor, SHUT_WR);
    client_end(client);
}

void client_end(struct client *client)
{
    while (recv(client->descriptor, client->input, sizeof client->input, 0) > 0)
        ;
    if (client->tls != NULL)
        SSL_free(client->tls);
    (void)close(client->descriptor); /* everything was read */
}

void block_fill(struct block *block, char octet, size_t length)
{
    enum { LINE_LENGTH = 78 };
    block->length = 0;
    if (length > sizeof block->octets - LINE_LENGTH)
        length = sizeof block->octets - LINE_LENGTH;
    while (block->length < length) {
        memset(block->octets + block->length, octet, LINE_LENGTH - 2);
        memcpy(block->octets + block->length + LINE_LENGTH - 2, "\r\n", 2);
        block->length += LINE_LENGTH;
    }
}
