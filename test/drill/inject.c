/*
 * Runs a program, watches it and all that it starts, and lets one system call of one of them fail.
 *
 *     inject REPORT SECONDS NAME CALL WHEN HOW PROGRAM [ARGUMENT...]
 *
 * It is the first process called NAME that makes the call of number CALL the WHEN-th time; with a +
 * behind WHEN it is that call and all later ones of each process of that name. If NAME is "-",
 * none fails. HOW is an error number, which the call returns, undone; or "short": it is asked for
 * one octet, whatever the program asked for. A close is carried out all the same, as Linux does,
 * and a failing brk leaves the break where it was. A child is called as its parent, with a '
 * behind it, until it is executed.
 *
 * strace(1) lets calls fail, too, but has one count for all programs, and cannot do less than all
 * of a call. For x86-64 alone.
 *
 * REPORT tells in the order of time, a line each:
 *
 *     call PID NAME CALL       if none fails
 *     entry PID NAME           NAME is loaded and begins
 *     fault PID NAME           here it fails
 *     end PID NAME exit|signal NUMBER
 *     left PID NAME            was there when the SECONDS, or six behind the end of PROGRAM, were
 *                              over, and is killed
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MAX = 64, CALLS_MAX = 512, NAME_SIZE = 32, GRACE_SECONDS = 6 };

/* What ptrace(2) adds to SIGTRAP at a system call. */
enum { CALL_STOP = SIGTRAP | 0x80 };

struct process {
    pid_t pid;
    char name[NAME_SIZE];
    bool stopped_once;
    bool failing;                   /* its call was changed as it began */
    struct user_regs_struct before; /* as they were then */
    unsigned counts[CALLS_MAX];
    uintptr_t entry; /* of the program; 0 once it has begun */
    long entry_code; /* that is there */
};

struct fault {
    char name[NAME_SIZE];
    uint64_t call;
    unsigned when;
    bool stays;
    int error; /* 0: short */
};

static struct process processes[PROCESSES_MAX];
static struct fault fault;
static bool has_fault, has_failed;
static FILE *report;
static volatile sig_atomic_t time_is_over;

static void note_time(int number)
{
    (void)number; /* only SIGALRM comes here */
    time_is_over = 1;
}

/* Reads what the kernel calls the process; `mark` goes behind it. */
static void set_name(struct process *process, const char *mark)
{
    char path[64], name[NAME_SIZE - 2] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/comm", process->pid); /* fits */
    FILE *file = fopen(path, "re");
    if (file != NULL && fgets(name, sizeof name, file) != NULL)
        name[strcspn(name, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file); /* it was only read */

    (void)snprintf(process->name, sizeof process->name, "%s%s", name, mark); /* fits */
}

/* The process, which may be a new one. */
static struct process *find(pid_t pid)
{
    struct process *room = NULL;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        if (processes[i].pid == pid)
            return &processes[i];
        if (processes[i].pid == 0)
            room = &processes[i];
    }
    if (room == NULL)
        errx(1, "too many processes");
    memset(room, 0, sizeof *room);
    room->pid = pid;
    set_name(room, "'");
    return room;
}

/* Where the program begins, once it is loaded. */
static uintptr_t entry_of(pid_t pid)
{
    char path[64];
    ElfW(auxv_t) vector = {.a_type = AT_NULL};
    (void)snprintf(path, sizeof path, "/proc/%d/auxv", pid); /* fits */
    FILE *file = fopen(path, "re");
    while (file != NULL && fread(&vector, sizeof vector, 1, file) == 1 && vector.a_type != AT_ENTRY)
        ;
    if (file != NULL)
        (void)fclose(file); /* it was only read */
    return vector.a_type == AT_ENTRY ? vector.a_un.a_val : 0;
}

/* Puts a breakpoint where the program begins. */
static void begin_program(struct process *process)
{
    const long trap = 0xcc;
    set_name(process, "");
    memset(process->counts, 0, sizeof process->counts);
    process->entry = entry_of(process->pid);
    if (process->entry == 0)
        errx(1, "%s has no entry", process->name);
    process->entry_code = ptrace(PTRACE_PEEKTEXT, process->pid, process->entry, 0);
    if (ptrace(PTRACE_POKETEXT, process->pid, process->entry,
               (process->entry_code & ~0xffL) | trap) != 0)
        err(1, "%s", process->name);
}

/* Whether the process has come to its breakpoint, which is taken away then. */
static bool is_at_entry(struct process *process)
{
    struct user_regs_struct registers;
    if (process->entry == 0 || ptrace(PTRACE_GETREGS, process->pid, 0, &registers) != 0 ||
        registers.rip != process->entry + 1)
        return false;
    registers.rip = process->entry;
    (void)ptrace(PTRACE_POKETEXT, process->pid, process->entry, process->entry_code);
    (void)ptrace(PTRACE_SETREGS, process->pid, 0, &registers); /* it may have been killed */
    process->entry = 0;
    fprintf(report, "entry %d %s\n", process->pid, process->name);
    return true;
}

/* The argument of a call that says how many octets it is about. */
static unsigned long long *length_of(uint64_t call, struct user_regs_struct *registers)
{
    switch (call) {
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_recvfrom:
    case SYS_sendto:
        return &registers->rdx;
    case SYS_sendfile:
        return &registers->r10;
    default:
        errx(1, "call %" PRIu64 " cannot be short", call);
    }
}

/* Makes the call one that does nothing, or does less. */
static void spoil(struct process *process)
{
    if (ptrace(PTRACE_GETREGS, process->pid, 0, &process->before) != 0)
        return; /* it was killed */
    struct user_regs_struct changed = process->before;
    if (fault.error == 0) {
        *length_of(fault.call, &changed) = 1;
    } else if (fault.call == SYS_brk) {
        changed.rdi = 0;
    } else if (fault.call != SYS_close) {
        /* Wrong for every call that takes any, and allowed by every filter: r8 is the address of
         * sendto(2), which that of the frontend checks. */
        changed.rdi = changed.rsi = changed.rdx = changed.r10 = changed.r9 = -1ULL;
        if (fault.call == SYS_vfork || fault.call == SYS_fork)
            changed.orig_rax = -1ULL;
    }
    process->failing = ptrace(PTRACE_SETREGS, process->pid, 0, &changed) == 0;
    if (!has_failed)
        fprintf(report, "fault %d %s\n", process->pid, process->name);
    has_failed = true;
}

/* Programs count on it that a call leaves all registers alone but that of its result. */
static void pretend(struct process *process)
{
    struct user_regs_struct registers;
    process->failing = false;
    if (ptrace(PTRACE_GETREGS, process->pid, 0, &registers) != 0)
        return; /* it was killed */
    registers.rdi = process->before.rdi;
    registers.rsi = process->before.rsi;
    registers.rdx = process->before.rdx;
    registers.r10 = process->before.r10;
    registers.r8 = process->before.r8;
    registers.r9 = process->before.r9;
    if (fault.error != 0 && fault.call != SYS_brk)
        registers.rax = (unsigned long long)-(long long)fault.error;
    (void)ptrace(PTRACE_SETREGS, process->pid, 0, &registers); /* as above */
}

static void begin_call(struct process *process, uint64_t call)
{
    if (call >= CALLS_MAX)
        errx(1, "call %" PRIu64 " is unknown", call);
    unsigned count = ++process->counts[call];
    if (!has_fault)
        fprintf(report, "call %d %s %" PRIu64 "\n", process->pid, process->name, call);
    else if (call == fault.call && strcmp(process->name, fault.name) == 0 &&
             (fault.stays ? count >= fault.when : count == fault.when && !has_failed))
        spoil(process);
}

static void stop_at_call(struct process *process)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) <= 0)
        return; /* it was killed */
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        begin_call(process, info.entry.nr);
    else if (process->failing)
        pretend(process);
}

/* Looks at why the process has stopped, and lets it go on. */
static void handle_stop(struct process *process, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16, passed = 0;
    bool is_birth = !process->stopped_once && signal == SIGSTOP;
    process->stopped_once = true;
    if (signal == CALL_STOP)
        stop_at_call(process);
    else if (event == PTRACE_EVENT_EXEC)
        begin_program(process);
    else if (event == 0 && !is_birth && !(signal == SIGTRAP && is_at_entry(process)))
        passed = signal;
    (void)ptrace(PTRACE_SYSCALL, process->pid, 0, passed); /* or it was killed */
}

static void handle_end(struct process *process, int status)
{
    bool exited = WIFEXITED(status);
    fprintf(report, "end %d %s %s %d\n", process->pid, process->name, exited ? "exit" : "signal",
            exited ? WEXITSTATUS(status) : WTERMSIG(status));
    process->pid = 0;
}

static void end_what_is_left(void)
{
    time_is_over = 0;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        if (processes[i].pid == 0)
            continue;
        fprintf(report, "left %d %s\n", processes[i].pid, processes[i].name);
        (void)kill(processes[i].pid, SIGKILL); /* or it has just ended */
    }
}

/* Until there is no process any more. */
static void watch(pid_t program)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (time_is_over != 0)
            end_what_is_left();
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        struct process *process = find(pid);
        if (WIFSTOPPED(status))
            handle_stop(process, status);
        else
            handle_end(process, status);
        if (pid == program && !WIFSTOPPED(status))
            (void)alarm(GRACE_SECONDS); /* always works */
    }
}

static pid_t start(char **command)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0)
            err(1, "ptrace");
        execv(command[0], command);
        err(1, "%s", command[0]);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, 0, options) != 0)
        err(1, "%s", command[0]);
    handle_stop(find(pid), status);
    return pid;
}

static void read_fault(char **arguments)
{
    char *end;
    has_fault = strcmp(arguments[0], "-") != 0;
    (void)snprintf(fault.name, sizeof fault.name, "%s",
                   arguments[0]); /* no process has a longer one */
    fault.call = strtoul(arguments[1], NULL, 10);
    fault.when = (unsigned)strtoul(arguments[2], &end, 10);
    fault.stays = *end == '+';
    fault.error = strcmp(arguments[3], "short") == 0 ? 0 : (int)strtol(arguments[3], NULL, 10);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = note_time};
    if (argc < 8)
        errx(2, "usage: inject REPORT SECONDS NAME CALL WHEN HOW PROGRAM [ARGUMENT...]");
    report = fopen(argv[1], "we");
    if (report == NULL || sigaction(SIGALRM, &action, NULL) != 0)
        err(1, "%s", argv[1]);
    read_fault(argv + 3);
    (void)alarm((unsigned)strtoul(argv[2], NULL, 10)); /* always works */
    watch(start(argv + 7));
    return fclose(report) == 0 ? 0 : 1;
}
