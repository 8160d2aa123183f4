#include "handler/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { MILLISECONDS_MAX = 10000 };

/* Whether the program is in `directory`, to which `path` is made. */
static bool is_in(const char *directory, const char *below, const char *name,
                  char path[PROCESS_PATH_MAX])
{
    int length = snprintf(path, PROCESS_PATH_MAX, "%s/%s/%s", directory, below, name);
    return length > 0 && length < PROCESS_PATH_MAX && access(path, X_OK) == 0;
}

bool helper_find(const char *name, char path[PROCESS_PATH_MAX], struct problem *problem)
{
    static const char installed[] = "../libexec/smtp-handler";
    char ours[PROCESS_PATH_MAX] = "", built[64];
    if (readlink("/proc/self/exe", ours, sizeof ours - 1) < 0)
        return problem_set(problem, EX_OSERR, "/proc/self/exe: %s", strerror(errno));
    *strrchr(ours, '/') = '\0';                              /* it is an absolute path */
    (void)snprintf(built, sizeof built, "helpers/%s", name); /* fits */
    return is_in(ours, built, name, path) || is_in(ours, installed, name, path) ||
           problem_set(problem, EX_CONFIG, "no %s in %s/%s", name, ours, installed);
}

/* Starts it, with the pipe's other end for its standard output. 0, or -errno. */
static int launch(pid_t *process, const char *path, char *const *arguments, int *said)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    const struct process_descriptor descriptors[] = {{ends[1], STDOUT_FILENO}};
    const struct process_plan plan = {path, arguments,      environ,        descriptors,
                                      1,    PROCESS_HELPER, PROCESS_UNRULED};
    int result = process_start(process, &plan);
    (void)close(ends[1]); /* the program has its own */
    *said = ends[0];
    if (result < 0)
        (void)close(ends[0]); /* nothing is in it */
    return result;
}

/* Reads all of it, for as long as there is room. */
static void read_lines(int said, char text[HELPER_SAID_MAX])
{
    size_t used = 0;
    ssize_t length = 1;
    while (length > 0 && used < HELPER_SAID_MAX - 1) {
        length = read(said, text + used, HELPER_SAID_MAX - 1 - used);
        used += length > 0 ? (size_t)length : 0;
    }
    text[used] = '\0';
    (void)close(said); /* it was only read */
}

int helper_ask(const char *path, char *const *arguments, char said[HELPER_SAID_MAX])
{
    pid_t process = 0;
    int pipe = -1, status = 0;
    said[0] = '\0';
    if (launch(&process, path, arguments, &pipe) < 0)
        return -1;
    read_lines(pipe, said);
    bool ended = process_wait(process, MILLISECONDS_MAX, &status);
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
