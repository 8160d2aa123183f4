#include "handler/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "handler/page.h"

/* Of a default: SetCredential= takes no empty value, but a line end. */
enum { OCTETS_OF_NOTHING = 1 };

bool credential_find(const char *name, char path[PROCESS_PATH_MAX])
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    int length = directory == NULL ? 0 : snprintf(path, PROCESS_PATH_MAX, "%s/%s", directory, name);
    return length > 0 && length < PROCESS_PATH_MAX;
}

bool credential_check(const char *path, struct problem *problem)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    size_t length = directory == NULL ? 0 : strlen(directory);
    struct stat status;
    if (length == 0 || strncmp(path, directory, length) != 0 || path[length] != '/' ||
        stat(path, &status) != 0 || status.st_size > OCTETS_OF_NOTHING)
        return true;
    (void)problem_set(problem, EX_CONFIG, "%s: nothing is in it; LoadCredential= found no file",
                      path); /* is false */
    problem->page = PAGE_CREDENTIALS;
    return false;
}
