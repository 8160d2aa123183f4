#include "test/drill/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static bool open_file(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool create_file(void)
{
    return open("captured", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool execute(void)
{
    char shell[] = "/bin/sh", option[] = "-c", command[] = "echo SUCCEEDED; touch captured";
    char *arguments[] = {shell, option, command, NULL};
    return execve(shell, arguments, NULL) == 0;
}

static bool connect_out(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return out >= 0 && (connect(out, (struct sockaddr *)&address, sizeof address) == 0 ||
                        errno == ECONNREFUSED);
}

static bool fork_process(void)
{
    return fork() >= 0;
}

static bool trace_parent(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
}

static bool signal_parent(void)
{
    return kill(getppid(), SIGCONT) == 0;
}

static bool map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static bool read_parent(void)
{
    char octets[16];
    struct iovec here = {octets, sizeof octets}, there = {octets, sizeof octets};
    return syscall(SYS_process_vm_readv, getppid(), &here, 1L, &there, 1L, 0L) > 0;
}

static bool kill_parent(void)
{
    return kill(getppid(), SIGKILL) == 0;
}

static bool signal_thread(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), SIGCONT) == 0;
}

/* The memory of the parent as a file. */
static bool open_parent(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)getppid()); /* fits */
    return open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool take_descriptor(void)
{
    long parent = syscall(SYS_pidfd_open, getppid(), 0L);
    return parent >= 0 && syscall(SYS_pidfd_getfd, parent, 3L, 0L) >= 0;
}

static bool execute_itself(void)
{
    char itself[] = "/proc/self/exe", help[] = "--help";
    char *arguments[] = {itself, help, NULL};
    char note[] = "ATTACK=", *environment[] = {note, NULL};
    return execve(itself, arguments, environment) == 0;
}

static bool raise_limits(void)
{
    const struct rlimit much = {1024, 1024};
    return setrlimit(RLIMIT_NOFILE, &much) == 0;
}

/* A request of one descriptor, as helpers/tls-relay/keep.h has it. */
static bool request_over(int socket)
{
    union {
        struct cmsghdr header;
        char octets[CMSG_SPACE(sizeof(int))];
    } beside = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    const int passed = STDIN_FILENO;
    struct iovec piece = {".", 1};
    const struct msghdr request = {.msg_iov = &piece,
                                   .msg_iovlen = 1,
                                   .msg_control = beside.octets,
                                   .msg_controllen = sizeof beside.octets};
    memcpy(CMSG_DATA(&beside.header), &passed, sizeof passed);
    return sendmsg(socket, &request, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static bool ask_keeper(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "keeper"};
    int keeper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return keeper >= 0 && connect(keeper, (const struct sockaddr *)&address, sizeof address) == 0 &&
           request_over(keeper);
}

/* Over any socket for datagrams that it has: those of a relay are streams. */
static bool ask_inherited(void)
{
    bool asked = false;
    for (int i = 0; i < 1024; i++) {
        int type = SOCK_STREAM;
        socklen_t length = sizeof type;
        if (getsockopt(i, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type != SOCK_STREAM)
            asked = request_over(i) || asked;
    }
    return asked;
}

static const struct {
    const char *name;
    bool (*attack)(void);
} attacks[] = {
    {"open", open_file},
    {"create", create_file},
    {"execute", execute},
    {"execute itself", execute_itself},
    {"connect", connect_out},
    {"fork", fork_process},
    {"trace", trace_parent},
    {"signal", signal_parent},
    {"signal a thread", signal_thread},
    {"kill", kill_parent},
    {"map code", map_code},
    {"read parent", read_parent},
    {"open parent", open_parent},
    {"take descriptor", take_descriptor},
    {"raise limits", raise_limits},
    {"ask the keeper", ask_keeper},
    {"ask by what it has", ask_inherited},
};

bool (*kernel_attack(const char *name))(void)
{
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if (strcmp(attacks[i].name, name) == 0)
            return attacks[i].attack;
    return NULL;
}
