/*
 * The least that starts a program for each connection: accepts, forks, executes, and nothing else.
 * What other superservers do beyond that is measured against it.
 *
 *     accept-loop PORT PROGRAM [ARGUMENT...]
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_on(uint16_t port)
{
    int one = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(descriptor, SOMAXCONN) != 0)
        err(1, "listen");
    return descriptor;
}

/* In the child. */
static void execute(int connection, char **argv)
{
    if (dup2(connection, STDIN_FILENO) >= 0 && dup2(connection, STDOUT_FILENO) >= 0)
        execv(argv[0], argv);
    _exit(127);
}

/* What those that have ended cost is added to what this process did. */
static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(2, "usage: accept-loop PORT PROGRAM [ARGUMENT...]");
    int listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            continue;
        if (fork() == 0)
            execute(connection, argv + 2);
        (void)close(connection); /* the child has its own, or the client is gone */
        reap();
    }
}
