/*
 * What any program for one connection costs: says 220, reads once, says 221. No SMTP server. With
 * an argument it has a process of its own do so, and waits for it.
 */
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const char greeting[] = "220 floor\r\n", farewell[] = "221 bye\r\n";
    char command[512];
    (void)argv;
    if (argc > 1 && fork() != 0)
        return wait(NULL) < 0;
    return write(STDOUT_FILENO, greeting, sizeof greeting - 1) < 0 ||
           read(STDIN_FILENO, command, sizeof command) < 0 ||
           write(STDOUT_FILENO, farewell, sizeof farewell - 1) < 0;
}
