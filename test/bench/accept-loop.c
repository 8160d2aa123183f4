/*
 * The floor of starting a program for each connection: accepts, forks, executes, and nothing else.
 * What other superservers do beyond that is measured against it.
 *
 *     accept-loop PORT PROGRAM [ARGUMENT...]
 */
#include <err.h>
#include <unistd.h>

#include "test/bench/serve.h"

static void execute(int connection, void *program)
{
    char **argv = program;
    if (dup2(connection, STDIN_FILENO) >= 0 && dup2(connection, STDOUT_FILENO) >= 0)
        execv(argv[0], argv);
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(2, "usage: accept-loop PORT PROGRAM [ARGUMENT...]");
    serve(argv[1], execute, argv + 2);
}
