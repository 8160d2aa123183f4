/*
 * The floor of TLS in a process for each connection: has the certificate and key loaded, forks, and
 * the child does the handshake and reads to the end. No SMTP.
 *
 *     floor-tls PORT CERTIFICATE KEY
 */
#include <err.h>
#include <openssl/ssl.h>

#include "test/bench/serve.h"

static void shake_hands(int connection, void *context)
{
    char octets[4096];
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, connection) != 1 || SSL_accept(tls) != 1)
        return;
    while (SSL_read(tls, octets, sizeof octets) > 0)
        ;
    (void)SSL_shutdown(tls); /* the client may be gone already */
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: floor-tls PORT CERTIFICATE KEY");
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1)
        errx(1, "no pair: %s %s", argv[2], argv[3]);
    (void)SSL_CTX_set_num_tickets(context, 0); /* cannot fail; no other process could redeem one */
    serve(argv[1], shake_hands, context);
}
