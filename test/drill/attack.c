/*
 * A session process that was taken over, for test/attack.bats: linked into smtp-handler in the
 * place of session_begin (--wrap), it tries what $ATTACK says, tells the client whether that
 * succeeded, and ends. Where $ATTACK is not set, sessions are as ever.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../handler/boundary.h"
#include "../../handler/record.h"
#include "../../handler/spool.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void __real_session_begin(struct session *session, const struct session_settings *settings);
void __wrap_session_begin(struct session *session, const struct session_settings *settings);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static struct request request;

/* What the kernel is asked for. Each returns whether it was had. */

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

static bool send_elsewhere(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "captured"};
    return sendto(BOUNDARY_DESCRIPTOR, "x", 1, 0, (struct sockaddr *)&address, sizeof address) == 1;
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
    struct iovec here = {octets, sizeof octets}, there = {&request, sizeof octets};
    return syscall(SYS_process_vm_readv, getppid(), &here, 1L, &there, 1L, 0L) > 0;
}

/* What the runner is told. Each returns whether something was delivered. */

static void tell(enum operation operation)
{
    request.operation = (uint32_t)operation;
    (void)record_send(BOUNDARY_DESCRIPTOR, &request, sizeof request, NULL, 0, MSG_DONTWAIT);
}

/* The runner's answer; the process ends where there is none, since it is seen through. */
static struct answer hear(int *descriptor)
{
    struct answer answer = {.verdict = VERDICT_DEFERRED};
    if (record_receive(BOUNDARY_DESCRIPTOR, &answer, sizeof answer, descriptor, 1, 0) != 0)
        _exit(0);
    return answer;
}

static bool asked(enum operation operation)
{
    int descriptor;
    tell(operation);
    struct answer answer = hear(&descriptor);
    return answer.verdict == VERDICT_ACCEPTED;
}

static bool ask_for_sender(void)
{
    memset(&request, 0, sizeof request);
    request.sender.helo = record_text(span_of("attacker"));
    request.sender.mailbox = record_text(span_of("me@example.org"));
    return asked(OPERATION_SENDER);
}

static bool ask_for_recipient(const char *text)
{
    memset(&request, 0, sizeof request);
    request.recipient.mailbox = record_text(span_of(text));
    return asked(OPERATION_RECIPIENT);
}

/* Stores `stored` octets and claims `claimed`. */
static bool deliver(size_t stored, uint64_t claimed)
{
    int spool;
    tell(OPERATION_SPOOL);
    (void)hear(&spool);
    for (size_t i = 0; i < stored; i++)
        (void)write(spool, "x", 1);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.stored = claimed;
    return asked(OPERATION_DELIVERY);
}

static bool hear_nothing(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_HEARD);
    return deliver(1, 1);
}

static bool claim_trace(void)
{
    int spool;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&spool);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.trace = UINT32_MAX;
    return asked(OPERATION_DELIVERY);
}

static bool send_short(void)
{
    (void)send(BOUNDARY_DESCRIPTOR, "x", 1, 0);
    return ask_for_sender();
}

static bool send_long(void)
{
    static char octets[sizeof request + 1];
    (void)send(BOUNDARY_DESCRIPTOR, octets, sizeof octets, 0);
    return ask_for_sender();
}

static bool send_unknown(void)
{
    return asked(OPERATIONS);
}

static bool deliver_at_once(void)
{
    request.delivery.each = 1;
    return asked(OPERATION_DELIVERY);
}

static bool deliver_nothing(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    return asked(OPERATION_DELIVERY);
}

static bool claim_more(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    return deliver(10, 11);
}

static bool deliver_to_all(void)
{
    int spool;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&spool);
    memset(&request, 0, sizeof request);
    return asked(OPERATION_DELIVERY); /* as if there were several */
}

static bool deliver_elsewhere(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@elsewhere.example"));
    return deliver(1, 1);
}

static bool be_certain(void)
{
    (void)ask_for_sender();
    memset(&request, 0, sizeof request);
    request.certain = 1;
    request.recipient.mailbox = record_text(span_of("a@elsewhere.example"));
    tell(OPERATION_RECIPIENT);
    return deliver(1, 1);
}

static bool forge_lines(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a\nb@localhost"));
    return deliver(1, 1);
}

static bool name_two(void)
{
    (void)(ask_for_sender() && ask_for_recipient("victim@elsewhere.example,a@localhost"));
    return deliver(1, 1);
}

static bool name_no_literal(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@["));
    return deliver(1, 1);
}

static bool claim_success(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    memset(&request, 0, sizeof request);
    tell(OPERATION_DISCARD); /* with VERDICT_ACCEPTED */
    return ask_for_sender();
}

/* Keeps the file that a large message is in, to write to it while it is delivered. */
static bool change_later(void)
{
    int memory, file;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&memory);
    tell(OPERATION_SPOOL_FILE);
    (void)hear(&file);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    return asked(OPERATION_DELIVERY);
}

/* A small message is delivered, and the memory that it is in kept. */
static int keep_memory(char **mapped)
{
    int memory;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&memory);
    (void)write(memory, "x", 1);
    if (mapped != NULL)
        *mapped = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.stored = 1;
    (void)asked(OPERATION_DELIVERY);
    return memory;
}

static bool write_to_memory(void)
{
    int memory = keep_memory(NULL);
    return write(memory, "y", 1) == 1;
}

static bool change_memory(void)
{
    int memory = keep_memory(NULL);
    return pwrite(memory, "y", 1, 0) == 1 || ftruncate(memory, 0) == 0;
}

static bool change_mapped_memory(void)
{
    char *mapped = NULL;
    (void)keep_memory(&mapped);
    if (mapped == MAP_FAILED)
        return false;
    *mapped = 'y';
    return access("delivered", F_OK) == 0;
}

/* Whether more is taken than SPOOL_MEMORY_MAX. */
static bool fill_memory(void)
{
    static char octets[64 * 1024];
    int memory;
    size_t written = 0;
    ssize_t length;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&memory);
    while ((length = write(memory, octets, sizeof octets)) > 0 && written <= SPOOL_MEMORY_MAX)
        written += (size_t)length;
    return written > SPOOL_MEMORY_MAX;
}

static bool forge_log(void)
{
    static const char line[] = "smtp-handler: message result=accepted id=FORGED\n";
    return write(STDERR_FILENO, line, sizeof line - 1) > 0 && deliver_at_once();
}

static bool flood_refused(void)
{
    (void)ask_for_sender();
    for (unsigned i = 0; i < 100000; i++)
        (void)ask_for_recipient("a@elsewhere.example");
    return true;
}

static bool make_long(void)
{
    (void)ask_for_sender();
    memset(&request, 0, sizeof request);
    request.recipient.mailbox = record_text(span_of("a@localhost"));
    request.recipient.mailbox.length = UINT16_MAX;
    return asked(OPERATION_RECIPIENT) && deliver(1, 1);
}

static bool pretend_proxy(void)
{
    memset(&request, 0, sizeof request);
    request.client.user = record_text(span_of("root"));
    return asked(OPERATION_CLIENT) && ask_for_sender() && ask_for_recipient("a@localhost") &&
           deliver(1, 1);
}

static bool guess_passwords(void)
{
    memset(&request, 0, sizeof request);
    request.credentials.user = record_text(span_of("root"));
    return asked(OPERATION_CREDENTIALS);
}

static bool flood(void)
{
    for (unsigned i = 0; i < 100000; i++)
        if (!ask_for_sender())
            return false;
    return true;
}

static bool flood_unheard(void)
{
    for (unsigned i = 0; i < 100000; i++)
        tell(OPERATION_SENDER);
    return ask_for_sender();
}

static bool flood_status(void)
{
    request.operation = OPERATION_STATUS;
    for (unsigned i = 0; i < 1000000; i++) {
        while (record_send(BOUNDARY_DESCRIPTOR, &request, sizeof request, NULL, 0, MSG_DONTWAIT) ==
               -EAGAIN)
            ;
        request.status.receiving ^= 1;
    }
    return ask_for_sender();
}

static const struct {
    const char *name;
    bool (*attack)(void);
} attacks[] = {
    {"open", open_file},
    {"create", create_file},
    {"execute", execute},
    {"connect", connect_out},
    {"send elsewhere", send_elsewhere},
    {"fork", fork_process},
    {"trace", trace_parent},
    {"signal", signal_parent},
    {"map code", map_code},
    {"read parent", read_parent},
    {"short", send_short},
    {"long", send_long},
    {"unknown", send_unknown},
    {"deliver at once", deliver_at_once},
    {"deliver nothing", deliver_nothing},
    {"claim more", claim_more},
    {"deliver to all", deliver_to_all},
    {"deliver elsewhere", deliver_elsewhere},
    {"be certain", be_certain},
    {"hear nothing", hear_nothing},
    {"claim trace", claim_trace},
    {"forge lines", forge_lines},
    {"name two", name_two},
    {"name no literal", name_no_literal},
    {"claim success", claim_success},
    {"change later", change_later},
    {"write to memory", write_to_memory},
    {"change memory", change_memory},
    {"change mapped memory", change_mapped_memory},
    {"fill memory", fill_memory},
    {"forge log", forge_log},
    {"flood with refused", flood_refused},
    {"make long", make_long},
    {"pretend to be a proxy", pretend_proxy},
    {"guess passwords", guess_passwords},
    {"flood", flood},
    {"flood unheard", flood_unheard},
    {"flood with status", flood_status},
};

static char wanted[64];

/* Before main: the session process forgets its environment. */
__attribute__((constructor)) static void choose(void)
{
    const char *chosen = getenv("ATTACK");
    (void)snprintf(wanted, sizeof wanted, "%s", chosen == NULL ? "" : chosen); /* fits */
}

void __wrap_session_begin(struct session *session, const struct session_settings *settings)
{
    __real_session_begin(session, settings);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (strcmp(attacks[i].name, wanted) != 0)
            continue;
        const char *outcome = attacks[i].attack() ? "SUCCEEDED\n" : "FAILED\n";
        (void)write(STDOUT_FILENO, outcome, strlen(outcome));
        _exit(0);
    }
}
