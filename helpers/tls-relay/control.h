/*
 * The relay's end of the control descriptor, as in UCSPI-TLS: "R" when it is ready,
 * or a complaint; "Y" comes when the handshake shall begin; then the parameters of TLS, or
 * TLS_ERROR. If nobody reads that any more, the relay exits.
 */
#ifndef HELPERS_TLS_RELAY_CONTROL_H
#define HELPERS_TLS_RELAY_CONTROL_H

#include <openssl/ssl.h>
#include <stdbool.h>

enum { CONTROL_DESCRIPTOR = 3 };

/* Says what is wrong with the keys. */
void control_complain(const char *reason);

/* Certificates and keys are loaded; `missing` is what the kernel lacks to confine us. */
void control_ready(unsigned missing);

/*
 * Waits until the handshake shall begin; false if there is to be none, or after ten minutes: who
 * asked a keeper for us may have given us both ends.
 */
bool control_wait(void);

/* Writes the parameters that the handshake agreed on, and closes the descriptor. */
void control_send_parameters(SSL *tls);

/* Writes TLS_ERROR with the reason, and exits; NULL if that is not known. */
_Noreturn void control_fail(const char *why);

#endif
