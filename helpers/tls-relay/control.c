#include "helpers/tls-relay/control.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Longer than any client may take to read the reply to STARTTLS. */
enum { WAIT_MILLISECONDS = 10 * 60 * 1000 };

static void write_all(const char *octets, size_t length)
{
    if (write(CONTROL_DESCRIPTOR, octets, length) != (ssize_t)length)
        _exit(EX_IOERR); /* nobody reads */
}

void control_complain(const char *reason)
{
    write_all(reason, strlen(reason));
}

void control_ready(unsigned missing)
{
    const char ready[] = {'R', (char)missing};
    write_all(ready, sizeof ready);
}

bool control_wait(void)
{
    struct pollfd polled = {.fd = CONTROL_DESCRIPTOR, .events = POLLIN};
    char go;
    return poll(&polled, 1, WAIT_MILLISECONDS) > 0 && read(CONTROL_DESCRIPTOR, &go, 1) == 1;
}

void control_fail(const char *why)
{
    char text[1024] = ""; /* an empty string follows the parameter */
    int length = snprintf(text, sizeof text, "TLS_ERROR=%.512s", why == NULL ? "unknown" : why);
    write_all(text, (size_t)length + 2);
    _exit(EX_PROTOCOL);
}

/* Adds "NAME=value" and a NUL, unless `value` is NULL; the octets that it takes. */
static size_t add_parameter(char *to, size_t room, const char *name, const char *value)
{
    if (value == NULL)
        return 0;
    int length = snprintf(to, room, "%s=%s", name, value);
    return length > 0 && (size_t)length < room ? (size_t)length + 1 : 0;
}

/* "SHA256:" and the digest in hexadecimal digits; NULL if there is none. */
static const char *hash_of(const X509 *certificate)
{
    static char text[sizeof "SHA256:" + (size_t)2 * EVP_MAX_MD_SIZE] = "SHA256:";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1)
        return NULL;
    char *to = text + strlen("SHA256:");
    for (unsigned i = 0; i < length; i++, to += 2)
        (void)snprintf(to, 3, "%02x", digest[i]); /* fits */
    return text;
}

/* Who the client is, by its certificate, or else what is wrong with that. */
struct client {
    char subject[1024];
    const char *hash, *error;
};

static void inspect_client(struct client *client, const SSL *tls)
{
    const X509 *certificate = SSL_get0_peer_certificate(tls);
    long result = SSL_get_verify_result(tls);
    if (certificate != NULL && result != X509_V_OK) {
        client->error = X509_verify_cert_error_string(result);
    } else if (certificate != NULL) {
        client->hash = hash_of(certificate);
        (void)X509_NAME_oneline(X509_get_subject_name(certificate), client->subject,
                                sizeof client->subject); /* what does not fit is cut */
    }
}

void control_send_parameters(SSL *tls)
{
    static struct client client;
    inspect_client(&client, tls);
    const struct {
        const char *name;
        const char *value;
    } rows[] = {
        {"SSL_PROTOCOL", SSL_get_version(tls)},
        {"SSL_CIPHER", SSL_get_cipher_name(tls)},
        {"SSL_TLS_SNI_SERVERNAME", SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name)},
        {"SSL_PEER_CERT_HASH", client.hash},
        {"SSL_PEER_CERT_SUBJECT", client.subject[0] != '\0' ? client.subject : NULL},
        {"SSL_PEER_CERT_ERROR", client.error},
    };
    char parameters[4096];
    size_t length = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        length += add_parameter(parameters + length, sizeof parameters - 1 - length, rows[i].name,
                                rows[i].value);
    parameters[length++] = '\0';
    write_all(parameters, length);
    (void)close(CONTROL_DESCRIPTOR); /* all was written */
}
