/*
 * Writes the seccomp(2) filter of the process that the argument names to standard output: the
 * system calls that a confined process (confine.h) keeps. All others end it. This program runs only
 * during the build, so that nothing is linked with libseccomp.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket may send to its peer alone: sendto(2) without an address. */
static const struct scmp_arg_cmp to_peer = {.arg = 4, .op = SCMP_CMP_EQ, .datum_a = 0};

/* The names of all architectures; those that this one lacks are skipped. */
static const char *const frontend[] = {
    /* to talk with the client and the runner, and to store */
    "read",
    "recv",
    "recvfrom",
    "recvmsg",
    "write",
    "send",
    "close",
    "shutdown",
    /* to wait, and to be told to stop */
    "poll",
    "ppoll",
    "ppoll_time64",
    "restart_syscall",
    "rt_sigpending",
    "rt_sigreturn",
    "sigreturn",
    /* if the vDSO does not tell the time */
    "clock_gettime",
    "clock_gettime64",
    "gettimeofday",
    /* to end */
    "exit",
    "exit_group",
    NULL,
};

/*
 * OpenSSL in the relay takes memory, random numbers and the time as it goes. It may map memory, but
 * never code: see add_rules.
 */
static const char *const relay[] = {
    /* to talk with the client and the runner */
    "read",
    "recv",
    "recvfrom",
    "write",
    "send",
    "close",
    "shutdown",
    /* to wait */
    "poll",
    "ppoll",
    "ppoll_time64",
    "restart_syscall",
    "rt_sigreturn",
    "sigreturn",
    /* to allocate and free; qsort(3) asks sysinfo(2) how much memory there is */
    "brk",
    "madvise",
    "mremap",
    "munmap",
    "sysinfo",
    "futex",
    "futex_time64",
    /* for random numbers, which know the process, and the time */
    "getrandom",
    "getpid",
    "clock_gettime",
    "clock_gettime64",
    "gettimeofday",
    "time",
    /* to end */
    "exit",
    "exit_group",
    NULL,
};

/*
 * The keeper loads keys, forks relays, which confine themselves further, and executes itself anew,
 * for which the loader maps code. It opens no connection and looks into no other process.
 */
static const char *const keeper[] = {
    /* to serve requests, and to tell the log */
    "recvmsg",
    "poll",
    "ppoll",
    "send",
    "write",
    "close",
    "close_range",
    "dup2",
    "dup3",
    /* to read files */
    "open",
    "openat",
    "read",
    "pread64",
    "lseek",
    "fcntl",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "fstatat64",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getcwd",
    /* to start relays, to wait for them, and to begin anew */
    "fork",
    "clone",
    "clone3",
    "wait4",
    "waitid",
    "execve",
    "getppid",
    "gettid",
    "rt_sigaction",
    "rt_sigprocmask",
    "sigaltstack",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "prlimit64",
    "getrlimit",
    "ugetrlimit",
    "uname",
    "sched_getaffinity",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "tgkill",
    "mmap",
    "mmap2",
    "mprotect",
    /* to confine */
    "prctl",
    "seccomp",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
    NULL,
};

/* The password program reads a file and a pipe, and computes. */
static const char *const password[] = {
    "read",
    "write",
    "restart_syscall",
    "rt_sigreturn",
    "sigreturn",
    /* to allocate and free */
    "brk",
    "madvise",
    "mremap",
    "munmap",
    "getrandom",
    /* to end */
    "exit",
    "exit_group",
    NULL,
};

/* The client of a milter has read its message, and is connected: it talks, and writes what changed.
 */
static const char *const milter[] = {
    "recv",
    "recvfrom",
    "send",
    "write",
    "sendfile",
    "sendfile64",
    "poll",
    "ppoll",
    "ppoll_time64",
    "restart_syscall",
    "rt_sigreturn",
    "sigreturn",
    /* to end */
    "exit",
    "exit_group",
    NULL,
};

/* What sanitizers need for themselves. */
static const char *const sanitizers[] = {
#ifdef SANITIZED
    "futex",    "getpid", "gettid",         "madvise",     "mmap",
    "mprotect", "munmap", "rt_sigprocmask", "sched_yield", "sigaltstack",
#endif
    NULL,
};

/* Memory may be mapped and its protection changed, but not to execute it. */
static const char *const mapping[] = {"mmap", "mmap2", "mprotect", NULL};
static const struct scmp_arg_cmp no_code = {
    .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};

/* A keeper does not linger when it closes what it was sent. */
static const struct scmp_arg_cmp lingering[] = {
    {.arg = 1, .op = SCMP_CMP_EQ, .datum_a = SOL_SOCKET},
    {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = SO_LINGER},
};

static const struct {
    const char *process;
    const char *const *allowed;
    const char *const *also; /* what the processes that it forks need, too; or NULL */
    bool maps, sends, lingers;
} rows[] = {
    {"frontend", frontend, NULL, false, true, false},
    {"relay", relay, NULL, true, true, false},
    {"keeper", keeper, relay, false, true, true},
    {"password", password, NULL, true, false, false},
    {"milter", milter, NULL, false, true, false},
};

/* Allows the calls, with these arguments only. */
static int allow(scmp_filter_ctx context, const char *const *names,
                 const struct scmp_arg_cmp *arguments, unsigned count)
{
    int result = 0;
    for (; *names != NULL && result == 0; names++) {
        int number = seccomp_syscall_resolve_name(*names);
        if (number >= 0)
            result = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, count, arguments);
    }
    return result;
}

static int add_rules(scmp_filter_ctx context, const char *process)
{
    static const char *const sending[] = {"sendto", NULL}, *const setting[] = {"setsockopt", NULL};
    size_t row = 0;
    while (row < sizeof rows / sizeof *rows && strcmp(rows[row].process, process) != 0)
        row++;
    if (row == sizeof rows / sizeof *rows)
        return -1;
    int result = allow(context, rows[row].allowed, NULL, 0);
    if (result == 0 && rows[row].also != NULL)
        result = allow(context, rows[row].also, NULL, 0);
    if (result == 0 && rows[row].maps)
        result = allow(context, mapping, &no_code, 1);
    if (result == 0 && rows[row].sends)
        result = allow(context, sending, &to_peer, 1);
    if (result == 0 && rows[row].lingers)
        result = allow(context, setting, lingering, 2);
    return result == 0 ? allow(context, sanitizers, NULL, 0) : result;
}

/* Prints the filter as initializers of struct sock_filter. */
static int print(int program)
{
    struct sock_filter instruction;
    while (read(program, &instruction, sizeof instruction) == (ssize_t)sizeof instruction)
        printf("{0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt, instruction.jf,
               instruction.k);
    return fflush(stdout);
}

int main(int argc, char **argv)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int program = memfd_create("filter", MFD_CLOEXEC);
    /* Optimization level 2: a binary tree of system calls. */
    if (argc != 2 || context == NULL || program < 0 || add_rules(context, argv[1]) < 0 ||
        seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0 ||
        seccomp_export_bpf(context, program) < 0 || lseek(program, 0, SEEK_SET) < 0 ||
        print(program) != 0) {
        fputs("filter: libseccomp cannot write the filter\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
