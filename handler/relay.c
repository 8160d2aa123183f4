#include "handler/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/credential.h"

#define VARIABLE "SMTP_HANDLER_KEEPER"

char relay_keeper_variable[] = VARIABLE "=4";

static int handed = -1;

void relay_take_keeper(void)
{
    const char *value = getenv(VARIABLE);
    int type = 0;
    socklen_t length = sizeof type;
    bool is_named = value != NULL && strcmp(value, strchr(relay_keeper_variable, '=') + 1) == 0;
    if (value == NULL || unsetenv(VARIABLE) != 0 || !is_named)
        return;
    if (getsockopt(RELAY_KEEPER_DESCRIPTOR, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
        type == SOCK_SEQPACKET)
        handed = RELAY_KEEPER_DESCRIPTOR;
}

int relay_keeper(void)
{
    return handed;
}

bool relay_is_superservers(void)
{
    return getenv("UCSPITLS") != NULL;
}

static bool has_certificate(const struct options *options)
{
    char path[PROCESS_PATH_MAX];
    return options->tls_certificates.count > 0 ||
           (credential_find("tls.crt", path) && access(path, F_OK) == 0);
}

enum tls_policy relay_policy(const struct options *options)
{
    if (options->tls == TLS_OPTION_REQUIRED)
        return TLS_POLICY_REQUIRED;
    bool offered =
        options->tls == TLS_OPTION_STARTTLS ||
        (options->tls == TLS_OPTION_BEST &&
         (options->tls_relay != NULL || has_certificate(options) || relay_is_superservers()));
    return offered ? TLS_POLICY_OFFERED : TLS_POLICY_NONE;
}

/* Finds the certificate and key that systemd passed. */
static bool find_credentials(struct relay_files *files, const struct options *options,
                             struct problem *problem)
{
    if (!credential_find("tls.crt", files->certificate) ||
        !credential_find("tls.key", files->key)) {
        (void)problem_set(problem, EX_CONFIG, "no certificate is given"); /* is false */
        return options_blame(options, &options->tls, NULL, problem);
    }
    return credential_check(files->certificate, problem) && credential_check(files->key, problem);
}

static bool begins_with(const char *text, const char *name)
{
    size_t length = strlen(name);
    return strncmp(text, name, length) == 0 && (text[length] == ':' || text[length] == ' ');
}

bool relay_blame_file(const struct options *options, struct problem *problem)
{
    const struct options_files *lists[] = {&options->tls_certificates, &options->tls_keys};
    for (size_t list = 0; list < 2; list++)
        for (unsigned i = 0; i < lists[list]->count; i++)
            if (begins_with(problem->text, lists[list]->names[i]))
                return options_blame(options, lists[list], lists[list]->names[i], problem);
    return false;
}

bool relay_list_files(struct relay_files *files, const struct options *options, bool keeps,
                      struct problem *problem)
{
    static char name[] = "tls-relay", no_sandbox[] = "--no-sandbox", client_ca[] = "--client-ca",
                keep[] = "--keep";
    const struct options_files *certificates = &options->tls_certificates;
    char **argument = files->arguments;
    if (certificates->count != options->tls_keys.count) {
        (void)problem_set(problem, EX_CONFIG, "each needs its tls-key"); /* is false */
        return options_blame(options, certificates, NULL, problem);
    }
    *argument++ = name;
    if (keeps)
        *argument++ = keep;
    if (options->no_sandbox)
        *argument++ = no_sandbox;
    if (options->tls_client_ca != NULL) {
        *argument++ = client_ca;
        *argument++ = (char *)options->tls_client_ca; /* execve(2) leaves it alone */
    }
    for (unsigned i = 0; i < certificates->count; i++) {
        *argument++ = (char *)certificates->names[i]; /* as above */
        *argument++ = (char *)options->tls_keys.names[i];
    }
    if (certificates->count == 0) {
        if (!find_credentials(files, options, problem))
            return false;
        *argument++ = files->certificate;
        *argument++ = files->key;
    }
    *argument = NULL;
    return true;
}
