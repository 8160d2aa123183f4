/*
 * Writes the seccomp(2) filter of the session process to standard output, for sandbox.c: the
 * system calls that are left to it. All others end it. A program that only runs while this is
 * built, so that nothing is linked with libseccomp.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where a socket could send to somebody else than its other end, it may not. */
static const struct scmp_arg_cmp to_nobody_else = {.arg = 4, .op = SCMP_CMP_EQ, .datum_a = 0};

/* One name for all architectures; those that one has not are skipped. */
static const char *const allowed[] = {
    /* to talk with the client and the runner, and to store */
    "read",
    "recv",
    "recvfrom",
    "recvmsg",
    "write",
    "send",
    "sendmsg",
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
    /* where the kernel's own page does not tell the time */
    "clock_gettime",
    "clock_gettime64",
    "gettimeofday",
    /* to end */
    "exit",
    "exit_group",
#ifdef SANITIZED
    /* what sanitizers keep their books with */
    "futex",
    "getpid",
    "gettid",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "rt_sigprocmask",
    "sched_yield",
    "sigaltstack",
#endif
};

static int add_rules(scmp_filter_ctx context)
{
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);
        int result = number >= 0 ? seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0) : 0;
        if (result < 0)
            return result;
    }
    return seccomp_rule_add_array(context, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, &to_nobody_else);
}

/* The filter as initializers of struct sock_filter. */
static int print(int program)
{
    struct sock_filter instruction;
    while (read(program, &instruction, sizeof instruction) == (ssize_t)sizeof instruction)
        printf("{0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt, instruction.jf,
               instruction.k);
    return fflush(stdout);
}

int main(void)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int program = memfd_create("filter", MFD_CLOEXEC);
    /* A tree (2), so that no call is far. */
    if (context == NULL || program < 0 || add_rules(context) < 0 ||
        seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0 ||
        seccomp_export_bpf(context, program) < 0 || lseek(program, 0, SEEK_SET) < 0 ||
        print(program) != 0) {
        fputs("filter: libseccomp cannot write the filter\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
