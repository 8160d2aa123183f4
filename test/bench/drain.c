/*
 * The cheapest delivery command: reads its message, does nothing with it, and succeeds. If its
 * standard output is a pipe to read from, it stands in for qmail-queue(8), and reads the envelope.
 */
#include <sys/stat.h>
#include <unistd.h>

static char octets[64 * 1024];

int main(void)
{
    struct stat status;
    while (read(STDIN_FILENO, octets, sizeof octets) > 0)
        ;
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode))
        while (read(STDOUT_FILENO, octets, sizeof octets) > 0)
            ;
    return 0;
}
