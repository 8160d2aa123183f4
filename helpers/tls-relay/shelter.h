/*
 * What confines a keeper: it can neither open connections nor look into other processes, and reads
 * no files but those of its keys, and the libraries to execute itself anew. All of it survives
 * that, so it is entered once.
 */
#ifndef HELPERS_TLS_RELAY_SHELTER_H
#define HELPERS_TLS_RELAY_SHELTER_H

/* For good; standard error has what the kernel lacks. `client_ca` may be NULL. */
void shelter_enter(char **files, const char *client_ca);

/* Executes the program anew, with `argv`, and tells it that it is confined. Returns if it fails. */
void shelter_execute(char **argv);

#endif
