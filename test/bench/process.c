#include "test/bench/process.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES_MAX = 20000, REST_MAX = 100 /* microseconds in a little while */ };

struct process {
    pid_t id, parent;
    double cpu;   /* in microseconds */
    bool at_work; /* runs, would run, or waits for a disk */
    bool below;   /* the root that is looked for */
};

static struct process processes[PROCESSES_MAX];
static size_t process_count;

void process_adopt_orphans(void)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        err(1, "PR_SET_CHILD_SUBREAPER");
}

pid_t process_start(char **argv, int descriptor)
{
    posix_spawn_file_actions_t actions;
    pid_t process;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, descriptor, STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) != 0)
        errx(1, "posix_spawn_file_actions");
    errno = posix_spawnp(&process, argv[0], &actions, NULL, argv, environ);
    if (errno != 0)
        err(1, "%s", argv[0]);
    (void)posix_spawn_file_actions_destroy(&actions); /* cannot fail */
    return process;
}

/* User and system time. */
static double microseconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

double process_reap_all(void)
{
    struct rusage usage;
    double cpu = 0;
    while (wait4(-1, NULL, 0, &usage) > 0)
        cpu += microseconds(&usage);
    return cpu;
}

double process_own_cpu(void)
{
    struct rusage own, children;
    if (getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &children) != 0)
        err(1, "getrusage");
    return microseconds(&own) + microseconds(&children);
}

/* What the process itself used, without its children; 0 for one that has ended. */
static double own_cpu(pid_t id)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(id, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* What stands behind the name in /proc/ID/stat; see proc(5). */
static bool parse_status(char *fields, struct process *process)
{
    enum { STATE = 0, PARENT = 1, USER_TIME_OF_CHILDREN = 13, SYSTEM_TIME_OF_CHILDREN = 14 };
    double ticks = 0;
    int index = 0;
    char *rest;
    for (char *field = strtok_r(fields, " ", &rest); field != NULL;
         field = strtok_r(NULL, " ", &rest), index++) {
        if (index == STATE)
            process->at_work = *field == 'R' || *field == 'D';
        else if (index == PARENT)
            process->parent = (pid_t)strtol(field, NULL, 10);
        else if (index == USER_TIME_OF_CHILDREN || index == SYSTEM_TIME_OF_CHILDREN)
            ticks += strtod(field, NULL);
    }
    process->cpu = own_cpu(process->id) + ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
    return index > SYSTEM_TIME_OF_CHILDREN;
}

/* False if the process is gone. */
static bool read_process(const char *id, struct process *process)
{
    char path[64], line[1024];
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", id); /* fits */
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    (void)fclose(file); /* it was only read */
    line[length] = '\0';
    char *behind_name = strrchr(line, ')');
    *process = (struct process){.id = (pid_t)strtol(id, NULL, 10)};
    return behind_name != NULL && parse_status(behind_name + 1, process);
}

static void read_processes(void)
{
    const struct dirent *entry;
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        err(1, "/proc");
    process_count = 0;
    while ((entry = readdir(directory)) != NULL && process_count < PROCESSES_MAX)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            read_process(entry->d_name, &processes[process_count]))
            process_count++;
    (void)closedir(directory); /* it was only read */
}

static bool is_below(pid_t parent)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i].id == parent)
            return processes[i].below;
    return false;
}

/* Reads all processes and marks those below `root`, however deep. */
static void mark_below(pid_t root)
{
    read_processes();
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < process_count; i++) {
            struct process *process = &processes[i];
            if (!process->below && (process->id == root || is_below(process->parent)))
                process->below = found = true;
        }
    }
}

double process_cpu_below(pid_t root)
{
    double cpu = 0;
    mark_below(root);
    for (size_t i = 0; i < process_count; i++)
        cpu += processes[i].below ? processes[i].cpu : 0;
    return cpu;
}

static bool is_at_work(void)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i].below && processes[i].at_work)
            return true;
    return false;
}

double process_cpu_at_rest(pid_t root)
{
    double before = -INFINITY, cpu = process_cpu_below(root);
    for (int i = 0; i < 500 && (fabs(cpu - before) > REST_MAX || is_at_work()); i++) {
        before = cpu;
        (void)poll(NULL, 0, 20); /* a little while is enough */
        cpu = process_cpu_below(root);
    }
    return cpu;
}

/* 0 for a process that has just ended. */
static double read_memory(pid_t id)
{
    static const char name[] = "Private_Dirty:";
    char path[64], line[256];
    double kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", id); /* fits */
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, sizeof name - 1) == 0)
            kib = strtod(line + sizeof name - 1, NULL);
    (void)fclose(file); /* it was only read */
    return kib;
}

double process_memory_below(pid_t root)
{
    double kib = 0;
    mark_below(root);
    for (size_t i = 0; i < process_count; i++)
        kib += processes[i].below ? read_memory(processes[i].id) : 0;
    return kib;
}
