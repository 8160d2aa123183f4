#include "helpers/tls-relay/keys.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool explain(char reason[KEYS_REASON_MAX],
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, KEYS_REASON_MAX, format, arguments); /* what does not fit is cut */
    va_end(arguments);
    return false;
}

bool keys_fail(char reason[KEYS_REASON_MAX], const char *what)
{
    int number = errno;
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    if (text == NULL)
        text = number != 0 ? strerror(number) : "rejected";
    return explain(reason, "%s: %s", what, text);
}

/* The first certificate of a file is the server's; the others lead to an authority. */
static void read_certificates(struct keys_pair *pair, const char *file)
{
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return;
    pair->certificate = PEM_read_X509(stream, NULL, NULL, NULL);
    X509 *next = NULL;
    while (pair->certificate != NULL && (next = PEM_read_X509(stream, NULL, NULL, NULL)) != NULL) {
        if (pair->chain == NULL)
            pair->chain = sk_X509_new_null();
        if (pair->chain == NULL || sk_X509_push(pair->chain, next) == 0)
            X509_free(next); /* no memory: what remains fails as well */
    }
    (void)fclose(stream); /* it was only read */
    ERR_clear_error();    /* of the end of the file */
}

static void read_key(struct keys_pair *pair, const char *file)
{
    static char no_passphrase[] = "";
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return;
    pair->key = PEM_read_PrivateKey(stream, NULL, NULL, no_passphrase);
    (void)fclose(stream); /* it was only read */
    ERR_clear_error();    /* what it says of a file without a key needs a programmer */
}

/* What is wrong with a file that has no certificate in PEM. */
static const char *explain_certificate(const char *file)
{
    BIO *octets = BIO_new_file(file, "r");
    X509 *certificate = octets != NULL ? d2i_X509_bio(octets, NULL) : NULL;
    bool is_der = certificate != NULL;
    X509_free(certificate);
    (void)BIO_free(octets); /* it was only read */
    ERR_clear_error();      /* the answer is enough */
    return is_der ? "in DER; 'openssl x509 -inform DER' makes PEM of it" : "no certificate in PEM";
}

static bool load_pair(struct keys_pair *pair, char **files, char reason[KEYS_REASON_MAX])
{
    errno = 0;
    read_certificates(pair, files[0]);
    if (pair->certificate == NULL)
        return explain(reason, "%s: %s", files[0],
                       errno != 0 ? strerror(errno) : explain_certificate(files[0]));
    errno = 0;
    read_key(pair, files[1]);
    if (pair->key == NULL)
        return explain(reason, "%s: %s", files[1],
                       errno != 0 ? strerror(errno) : "no key in PEM, or one with a passphrase");
    if (X509_check_private_key(pair->certificate, pair->key) != 1)
        return explain(reason, "%s is not the key of %s", files[1], files[0]);
    return true;
}

/* Whether one of the hosts that `certificate` names is `other`'s, too. */
static bool share_name(const X509 *certificate, X509 *other)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool shared = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !shared; i++) {
        int type;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type != GEN_DNS)
            continue;
        const char *name = (const char *)ASN1_STRING_get0_data(value);
        size_t length = (size_t)ASN1_STRING_length(value);
        if (length > 1 && name[0] == '*') { /* ".example.org" finds "*.example.org" */
            name++;
            length--;
        }
        shared = X509_check_host(other, name, length, 0, NULL) == 1;
    }
    GENERAL_NAMES_free(names);
    return shared;
}

bool keys_load(struct keys *keys, char **files, char reason[KEYS_REASON_MAX])
{
    *keys = (struct keys){.files = files};
    bool fit = true;
    for (; fit && *files != NULL && keys->count < KEYS_PAIRS_MAX; files += 2) {
        struct keys_pair *pair = &keys->pairs[keys->count++];
        fit = load_pair(pair, files, reason);
        pair->shares_name =
            fit && (keys->count == 1 || share_name(keys->pairs[0].certificate, pair->certificate));
    }
    if (fit && *files != NULL)
        fit = explain(reason, "%s: there are too many pairs", *files);
    if (!fit || !keys_check_dates(keys, reason)) {
        keys_free(keys);
        return false;
    }
    return true;
}

void keys_free(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        X509_free(keys->pairs[i].certificate);
        sk_X509_pop_free(keys->pairs[i].chain, X509_free);
        EVP_PKEY_free(keys->pairs[i].key);
    }
    keys->count = 0;
}

bool keys_check_dates(const struct keys *keys, char reason[KEYS_REASON_MAX])
{
    for (size_t i = 0; i < keys->count; i++) {
        const X509 *certificate = keys->pairs[i].certificate;
        if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
            return explain(reason, "%s: not valid yet", keys->files[2 * i]);
        if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
            return explain(reason, "%s: expired", keys->files[2 * i]);
    }
    return true;
}

static bool is_for(const struct keys_pair *pair, const char *name)
{
    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    return name != NULL && X509_check_host(pair->certificate, name, 0, flags, NULL) == 1;
}

/*
 * The callback of SSL_CTX_set_cert_cb(3): sets the pairs for the name that the client asks for, or,
 * if we have none, those that share a name with the first. The client then takes the kind of key
 * that it can. Of pairs with one kind the first counts, so it is set last.
 */
static int choose(SSL *tls, void *of_keys)
{
    const struct keys *keys = of_keys;
    const char *name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
    bool known = false;
    SSL_certs_clear(tls);
    for (size_t i = 0; i < keys->count; i++)
        known = known || is_for(&keys->pairs[i], name);
    for (size_t i = keys->count; i-- > 0;) {
        const struct keys_pair *pair = &keys->pairs[i];
        if ((known ? is_for(pair, name) : pair->shares_name) &&
            SSL_use_cert_and_key(tls, pair->certificate, pair->key, pair->chain, 1) != 1)
            return 0;
    }
    return 1;
}

bool keys_use(struct keys *keys, SSL_CTX *server, char reason[KEYS_REASON_MAX])
{
    for (size_t i = keys->count; i-- > 0;) {
        const struct keys_pair *pair = &keys->pairs[i];
        if (SSL_CTX_use_cert_and_key(server, pair->certificate, pair->key, pair->chain, 1) != 1)
            return keys_fail(reason, keys->files[2 * i]);
    }
    if (keys->count > 1) /* with one there is nothing to choose */
        SSL_CTX_set_cert_cb(server, choose, keys);
    return true;
}
