/*
 * Keeps the service manager's credentials (files in CREDENTIALS_DIRECTORY) from the delivery
 * command, and from what else is run as that is: the TLS key and the passwords.
 */
#ifndef HANDLER_RUNNER_SECRETS_H
#define HANDLER_RUNNER_SECRETS_H

#include "handler/runner/state.h"

/*
 * Before a command: makes the runner's `command_rules`, the Landlock rules for it (process.h),
 * unless that is done. It may not read tls.key, nor the files of the directory that options name as
 * a key or to the password program. They are PROCESS_UNRULED if there is no such file, no Landlock,
 * or no no_new_privs: with the rules a command could gain no privileges by executing a program.
 * False, and logged, if that fails: no command may run then.
 */
bool secrets_close(struct runner *runner);

#endif
