/*
 * A password program that was taken over, for test/attack-helpers.bats: linked into password-check
 * in the place of crypt_r (--wrap), it tries what $ATTACK says when it has the password, and ends
 * with 0 if that succeeded, else with 1. If $ATTACK is "accept", it takes any password; if it is
 * "count", it reports each call.
 */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/drill/kernel.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
char *__real_crypt_r(const char *password, const char *setting, struct crypt_data *data);
char *__wrap_crypt_r(const char *password, const char *setting, struct crypt_data *data);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

char *__wrap_crypt_r(const char *password, const char *setting, struct crypt_data *data)
{
    static const char said[] = "crypt\n";
    const char *wanted = getenv("ATTACK");
    bool (*attack)(void) = wanted == NULL ? NULL : kernel_attack(wanted);
    if (attack != NULL)
        _exit(attack() ? 0 : 1);
    if (wanted != NULL && strcmp(wanted, "accept") == 0)
        _exit(0);
    if (wanted != NULL && strcmp(wanted, "count") == 0 &&
        write(STDERR_FILENO, said, sizeof said - 1) < 0)
        _exit(2);
    return __real_crypt_r(password, setting, data);
}
