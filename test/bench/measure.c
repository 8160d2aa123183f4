/*
 * Does one piece of work with one server, and prints what it cost: lines of a name and a number.
 *
 *     measure start     [-n SESSIONS] -- PROGRAM...  greeting, QUIT
 *     measure messages  [-n MESSAGES] [-s BYTES] [-r RECIPIENTS] [-p] [-e EVERY] -- PROGRAM...
 *     measure spawn     [-n MESSAGES] [-s BYTES] -- PROGRAM...
 *     measure octets    [-s BYTES] [-d] [-t] [-b] SERVER
 *     measure memory    [-s BYTES] -- PROGRAM...
 *     measure connections [-n SESSIONS] [-t] [-m] [-s BYTES] [-b] SERVER
 *     measure crowd     [-n SESSIONS] [-t] SERVER
 *     measure storm     [-n SESSIONS] SERVER
 *     measure cpu       -i ID
 *
 * messages: all in one session, pipelined with -p; what each cost up to EVERY, twice that, and on.
 * spawn: gives each message to the program, started anew, through a pipe. octets: one message; of
 * dots with -d, after STARTTLS with -t; its octets alone, without SMTP, with -b. memory: idle, and
 * what one message adds. connections: sessions of EHLO and QUIT, of STARTTLS with -t, of a message
 * with -m; a handshake without SMTP with -b. crowd: the time to the greeting, alone and beside idle
 * sessions; with -t to the reply to the second EHLO, beside sessions that have said it. storm: that
 * time, for sessions that begin at once. cpu: of a process and all below it, so far.
 *
 * SERVER is `-- PROGRAM...`, started with a connection as its standard input and output, or
 * `-P PORT -i ID`, a process that serves a port of 127.0.0.1. CPU time is user and system time of
 * the server and all its children. Of several sessions the median is printed, of the CPU time of
 * connections the mean.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/bench/work.h"

enum { SECONDS_MAX = 120 };

static void cpu(struct work *work)
{
    printf("%.0f\n", process_cpu_at_rest(work->server));
}

static const struct {
    const char *name;
    void (*run)(struct work *work);
} kinds[] = {
    {"start", visit_start},  {"messages", mail_messages}, {"octets", mail_octets},
    {"memory", mail_memory}, {"crowd", visit_crowd},      {"connections", visit_connections},
    {"storm", storm_visit},  {"spawn", mail_spawn},       {"cpu", cpu},
};

/* Each option is a number; those without an argument are 1. */
static void read_options(struct work *work, int argc, char **argv)
{
    unsigned long values[128] = {['n'] = 1, ['s'] = 1024, ['r'] = 1};
    int option;
    while ((option = getopt(argc, argv, "n:s:r:e:pdtmbP:i:")) != -1) {
        if (option == '?')
            exit(2);
        values[option] = optarg != NULL ? strtoul(optarg, NULL, 10) : 1;
    }
    *work = (struct work){
        .count = values['n'],
        .size = values['s'],
        .recipients = values['r'],
        .every = values['e'],
        .pipelined = values['p'],
        .dots = values['d'],
        .starttls = values['t'],
        .bare = values['b'],
        .with_message = values['m'],
        .port = (unsigned)values['P'],
        .server = (pid_t)values['i'],
        .program = optind < argc ? argv + optind : NULL,
    };
    if (work->count < 1 || work->count > WORK_SESSIONS_MAX ||
        (work->program == NULL) != (work->server > 0))
        errx(2, "no such work");
}

int main(int argc, char **argv)
{
    static struct work work;
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) {
            read_options(&work, argc - 1, argv + 1);
            (void)alarm(SECONDS_MAX); /* none was set before */
            process_adopt_orphans();
            kinds[i].run(&work);
            return 0;
        }
    errx(2, "no such work");
}
