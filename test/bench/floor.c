/* What any program for one connection costs: says 220, reads once, says 221. No SMTP server. */
#include <unistd.h>

int main(void)
{
    static const char greeting[] = "220 floor\r\n", farewell[] = "221 bye\r\n";
    char command[512];
    return write(STDOUT_FILENO, greeting, sizeof greeting - 1) < 0 ||
           read(STDIN_FILENO, command, sizeof command) < 0 ||
           write(STDOUT_FILENO, farewell, sizeof farewell - 1) < 0;
}
