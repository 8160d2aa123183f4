/*
 * A frontend that was taken over, for test/attack.bats: linked into smtp-handler in the
 * place of session_begin (--wrap), it tries what $ATTACK says, tells the client whether that
 * succeeded, and ends. If $ATTACK is not set, sessions are as ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "handler/boundary/boundary.h"
#include "handler/boundary/channel.h"
#include "handler/boundary/record.h"
#include "session/header.h"
#include "test/drill/kernel.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void __real_session_begin(struct session *session, const struct session_settings *settings);
void __wrap_session_begin(struct session *session, const struct session_settings *settings);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static struct request request;

/* What $NUMBER says, for those that try many. */
static long number;

/* Writes, or ends. */
static void put(int descriptor, const void *octets, size_t length)
{
    if (write(descriptor, octets, length) < 0)
        _exit(1);
}

static bool send_elsewhere(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "captured"};
    return sendto(BOUNDARY_DESCRIPTOR, "x", 1, 0, (struct sockaddr *)&address, sizeof address) == 1;
}

/* Passes a descriptor of ours beside a right record. */
static bool pass(int socket, int descriptor, enum operation operation)
{
    union {
        struct cmsghdr header;
        char octets[CMSG_SPACE(sizeof descriptor)];
    } control;
    struct iovec piece = {&request, sizeof request};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
    memset(control.octets, 0, sizeof control.octets);
    message.msg_controllen = sizeof control;
    control.header.cmsg_len = CMSG_LEN(sizeof descriptor);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    memset(&request, 0, sizeof request);
    request.operation = (uint32_t)operation;
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

/* So that the client, whom nothing confines, goes on in our place. */
static bool pass_runner(void)
{
    return pass(STDOUT_FILENO, BOUNDARY_DESCRIPTOR, OPERATION_END) ||
           pass(BOUNDARY_DESCRIPTOR, BOUNDARY_DESCRIPTOR, OPERATION_END);
}

/* As many as can be in flight, so that no other process of the user may pass one. */
static bool flood_descriptors(void)
{
    unsigned count = 0;
    while (count < 253 && pass(BOUNDARY_DESCRIPTOR, STDIN_FILENO, OPERATION_END))
        count++;
    return count > 0;
}

/* Any system call, with nothing that could be meant. */
static bool call(void)
{
    (void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L); /* it need but come back */
    return true;
}

/* What the runner is told. Each returns whether something was delivered. */

static void tell(enum operation operation)
{
    request.operation = (uint32_t)operation;
    (void)channel_send(BOUNDARY_DESCRIPTOR, &request, sizeof request, NULL, 0, MSG_DONTWAIT);
}

/* The runner's answer; the process ends where there is none, since it is seen through. */
static struct answer hear(int *descriptor)
{
    struct answer answer = {.verdict = VERDICT_DEFERRED};
    if (channel_receive(BOUNDARY_DESCRIPTOR, &answer, sizeof answer, descriptor, 1, 0) != 0)
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

static void fill_sender(void)
{
    memset(&request, 0, sizeof request);
    request.sender.extended = 1;
    request.sender.helo = record_text(span_of("attacker"));
    request.sender.mailbox = record_text(span_of("me@example.org"));
}

static bool ask_for_sender(void)
{
    fill_sender();
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
        put(spool, "x", 1);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.stored = claimed;
    return asked(OPERATION_DELIVERY);
}

static bool acknowledge_nothing(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_ACKNOWLEDGED);
    return deliver(1, 1);
}

/* As trace, or as what stands behind it. */
static bool claim(uint32_t trace, uint32_t added)
{
    int spool;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&spool);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.trace = trace;
    request.delivery.added = added;
    return asked(OPERATION_DELIVERY);
}

static bool claim_trace(void)
{
    return claim(UINT32_MAX, 0);
}

static bool claim_behind_trace(void)
{
    return claim(0, 1); /* of nothing */
}

/* So that the fields of a filter would stand in the body. */
static bool hide_fields(void)
{
    static const char message[] = "Return-Path: <me@example.org>\nSubject: x\n\nbody\n";
    int spool;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&spool);
    put(spool, message, sizeof message - 1);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.trace = sizeof message - sizeof "body\n";
    request.delivery.stored = sizeof message - 1;
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
    request.known = 1;
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

static bool name_in_capitals(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@LOCALHOST"));
    return deliver(1, 1);
}

/* Forms that the session takes, and makes canonical before the runner gets them. */

static bool name_another_form(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a..b@localhost"));
    return deliver(1, 1);
}

static bool name_brackets(void)
{
    (void)(ask_for_sender() && ask_for_recipient("<a@localhost>"));
    return deliver(1, 1);
}

static bool come_from_no_domain(void)
{
    fill_sender();
    request.sender.mailbox = record_text(span_of("root"));
    return asked(OPERATION_SENDER);
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

/* What the client said is judged by the session, and may be told to the runner otherwise. */

static bool forge_helo(void)
{
    fill_sender();
    request.sender.helo = record_text(span_of("$(reboot) \"; \xc2\x85\xff>|x"));
    return asked(OPERATION_SENDER);
}

static bool lengthen_helo(void)
{
    char octets[HELO_MAX + 1];
    fill_sender();
    memset(octets, 'x', sizeof octets);
    request.sender.helo = record_text((struct span){octets, sizeof octets});
    return asked(OPERATION_SENDER);
}

static bool forget_helo(void)
{
    fill_sender();
    request.sender.helo.length = 0;
    return asked(OPERATION_SENDER);
}

static bool forge_envid(void)
{
    fill_sender();
    request.sender.envid = record_text(span_of("-oQ/tmp $(id) \xff\xfe"));
    return asked(OPERATION_SENDER);
}

static bool forge_ret(void)
{
    fill_sender();
    request.sender.ret = record_text(span_of("$(id)"));
    return asked(OPERATION_SENDER);
}

static bool forge_utf8_sender(void)
{
    fill_sender();
    request.sender.mailbox = record_text(span_of("m\xc3\xbc@example.org"));
    return asked(OPERATION_SENDER);
}

static bool wish_without_ehlo(void)
{
    fill_sender();
    request.sender.extended = 0;
    request.sender.envid = record_text(span_of("id"));
    return asked(OPERATION_SENDER);
}

static bool ask_for_prdr(void)
{
    fill_sender();
    request.sender.prdr = 1;
    return asked(OPERATION_SENDER);
}

static void fill_recipient(const char *text)
{
    memset(&request, 0, sizeof request);
    request.recipient.mailbox = record_text(span_of(text));
}

static bool forge_notify(void)
{
    (void)ask_for_sender();
    fill_recipient("a@localhost");
    request.recipient.notify = record_text(span_of("-X/tmp/x $(id)\xff"));
    return asked(OPERATION_RECIPIENT);
}

static bool forge_orcpt(void)
{
    (void)ask_for_sender();
    fill_recipient("a@localhost");
    request.recipient.orcpt = record_text(span_of("no type here; -oQ/tmp `id`\xff"));
    return asked(OPERATION_RECIPIENT);
}

static bool forge_dropped(void)
{
    (void)ask_for_sender();
    fill_recipient("a@localhost");
    request.recipient.dropped = record_text(span_of("ORCPT=\nFORGED"));
    return asked(OPERATION_RECIPIENT);
}

static bool wish_unasked(void)
{
    (void)ask_for_sender();
    fill_recipient("a@localhost");
    request.recipient.notify = record_text(span_of("NEVER"));
    return asked(OPERATION_RECIPIENT);
}

static bool forge_utf8_recipient(void)
{
    (void)ask_for_sender();
    return ask_for_recipient("m\xc3\xbc@localhost");
}

static bool name_several(void)
{
    return ask_for_sender() && ask_for_recipient("a@localhost") && ask_for_recipient("b@localhost");
}

static bool deliver_to_each(void)
{
    (void)name_several();
    return deliver(1, 1);
}

static bool lack_the_unknown(void)
{
    memset(&request, 0, sizeof request);
    request.unconfined.missing = 1U << 31;
    return asked(OPERATION_UNCONFINED);
}

/* A small message is delivered, and the memory that it is in kept. */
static int keep_memory(char **mapped)
{
    int memory;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&memory);
    put(memory, "x", 1);
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

/* The last turn comes once more, since the first came to nothing. */
static bool map_then_again(void)
{
    char *mapped = NULL;
    (void)keep_memory(&mapped);
    (void)munmap(mapped, 1);
    return asked(OPERATION_DELIVERY);
}

static bool deliver_twice(void)
{
    (void)keep_memory(NULL);
    return asked(OPERATION_DELIVERY);
}

/* Asks for more when a delivery is over, however long that took. */
static bool go_on(void)
{
    (void)keep_memory(NULL);
    return ask_for_sender();
}

/* All that a client may wish for. */
static bool wish(void)
{
    fill_sender();
    request.sender.envid = record_text(span_of("forged"));
    request.sender.ret = record_text(span_of("FULL"));
    (void)asked(OPERATION_SENDER);
    fill_recipient("a@localhost");
    request.recipient.notify = record_text(span_of("NEVER"));
    request.recipient.orcpt = record_text(span_of("rfc822;b@elsewhere.example"));
    return asked(OPERATION_RECIPIENT) && deliver(1, 1);
}

/* Says of so many octets in front of the message that they are trace. */
static bool hide(void)
{
    int spool;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&spool);
    for (long i = 0; i < number; i++)
        put(spool, "y", 1);
    put(spool, "x", 1);
    memset(&request, 0, sizeof request);
    request.delivery.each = 1;
    request.delivery.trace = (uint32_t)number - HEADER_ADDED_MAX;
    request.delivery.added = HEADER_ADDED_MAX;
    request.delivery.stored = (uint64_t)number + 1;
    return asked(OPERATION_DELIVERY);
}

/* So that the client, such as the relay, maps the message that will be delivered. */
static bool pass_memory(void)
{
    int memory;
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    tell(OPERATION_SPOOL);
    (void)hear(&memory);
    return pass(STDOUT_FILENO, memory, OPERATION_SPOOL_FILE) ||
           pass(BOUNDARY_DESCRIPTOR, memory, OPERATION_SPOOL_FILE);
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

/* While one waits for a message no error of RCPT ends a session. */
static bool flood_behind_one(void)
{
    (void)ask_for_sender();
    (void)ask_for_recipient("a@localhost");
    for (unsigned i = 0; i < 100000; i++)
        (void)ask_for_recipient("a@elsewhere.example");
    return true;
}

static bool flood_and_begin_anew(void)
{
    for (unsigned i = 0; i < 100000; i++) {
        (void)ask_for_sender();
        (void)ask_for_recipient("a@localhost");
        (void)ask_for_recipient("a@elsewhere.example");
    }
    return true;
}

/* Tells of a refusal that never was. */
static void tell_refusal(uint32_t subject, uint32_t reply, const char *text)
{
    memset(&request, 0, sizeof request);
    request.refused.subject = subject;
    request.refused.reply = reply;
    request.refused.helo = record_text(span_of("attacker"));
    request.refused.text = record_text(span_of(text));
    tell(OPERATION_REFUSED);
}

static bool forge_refusals(void)
{
    for (unsigned i = 0; i < REFUSALS_MAX; i++)
        tell_refusal(SUBJECT_SENDER, REPLY_SIZE_TOO_LARGE, "forged@example.org");
    return ask_for_sender();
}

static bool flood_refusals(void)
{
    (void)forge_refusals();
    tell_refusal(SUBJECT_SENDER, REPLY_SIZE_TOO_LARGE, "forged@example.org");
    return ask_for_sender();
}

static bool refuse_lines(void)
{
    tell_refusal(SUBJECT_RECIPIENT, REPLY_BAD_RECIPIENT, "a\nsmtp-handler: message id=FORGED");
    return ask_for_sender();
}

static bool refuse_nobody(void)
{
    tell_refusal(SUBJECT_OTHER, REPLY_BAD_RECIPIENT, "a");
    return ask_for_sender();
}

static bool refuse_with_acceptance(void)
{
    tell_refusal(SUBJECT_SENDER, REPLY_SENDER_OK, "a");
    return ask_for_sender();
}

static bool refuse_with_anything(void)
{
    tell_refusal(SUBJECT_SENDER, REPLIES, "a");
    return ask_for_sender();
}

/* Another HELO, behind the one that was looked at. */
static bool refuse_and_rename(void)
{
    (void)(ask_for_sender() && ask_for_recipient("a@localhost"));
    memset(&request, 0, sizeof request);
    request.refused.subject = SUBJECT_AUTH;
    request.refused.reply = REPLY_BAD_SEQUENCE;
    tell(OPERATION_REFUSED);
    return deliver(1, 1);
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
    return asked(OPERATION_XCLIENT) && ask_for_sender() && ask_for_recipient("a@localhost") &&
           deliver(1, 1);
}

static bool resolve_twice(void)
{
    (void)asked(OPERATION_RESOLVE);
    return asked(OPERATION_RESOLVE);
}

static bool forge_proxy(void)
{
    memset(&request, 0, sizeof request);
    request.client.hostname = record_text(span_of("a host; $(id)"));
    return asked(OPERATION_XCLIENT);
}

static bool forge_proxied_user(void)
{
    memset(&request, 0, sizeof request);
    request.client.user = record_text(span_of("\xc2\x85root\xff"));
    return asked(OPERATION_XCLIENT);
}

static void fill_credentials(const char *user, const char *password)
{
    memset(&request, 0, sizeof request);
    request.credentials.extended = 1;
    request.credentials.user = record_text(span_of(user));
    request.credentials.password = record_text(span_of(password));
}

static bool guess_passwords(void)
{
    fill_credentials("root", "secret");
    return asked(OPERATION_CREDENTIALS);
}

/* Behind TLS, as far as the runner knows. */
static bool secure(void)
{
    return asked(OPERATION_TLS) && asked(OPERATION_HANDSHAKE);
}

static bool give_no_password(void)
{
    (void)secure();
    fill_credentials("root", "");
    return asked(OPERATION_CREDENTIALS);
}

static bool forge_user(void)
{
    (void)secure();
    fill_credentials("root\xc2\x85\xff", "secret");
    return asked(OPERATION_CREDENTIALS);
}

static bool authenticate_without_ehlo(void)
{
    (void)secure();
    fill_credentials("root", "secret");
    request.credentials.extended = 0;
    return asked(OPERATION_CREDENTIALS);
}

/* Or refuse: it ends if it is seen through. */
static bool defer_forever(void)
{
    (void)secure();
    fill_credentials("root", "secret");
    while (!asked(OPERATION_CREDENTIALS))
        ;
    return true;
}

static bool send_behind_tls(void)
{
    return secure() && ask_for_sender() && ask_for_recipient("a@localhost") && deliver(1, 1);
}

static bool secure_behind_proxy(void)
{
    memset(&request, 0, sizeof request);
    return asked(OPERATION_XCLIENT) && secure();
}

/* It gets no signal, since it never waits for one. */
static bool stay(void)
{
    int nothing;
    put(STDOUT_FILENO, "STAYING\n", 8);
    (void)hear(&nothing);
    return true;
}

/* It does not even see that the runner is gone. */
static bool err_and_stay(void)
{
    tell(OPERATIONS);
    while (poll(NULL, 0, -1) < 0)
        ;
    return true;
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
    fill_sender();
    for (unsigned i = 0; i < 100000; i++)
        tell(OPERATION_SENDER);
    return ask_for_sender();
}

static const struct {
    const char *name;
    bool (*attack)(void);
} attacks[] = {
    {"send elsewhere", send_elsewhere},
    {"pass the runner", pass_runner},
    {"pass memory", pass_memory},
    {"flood with descriptors", flood_descriptors},
    {"call", call},
    {"short", send_short},
    {"long", send_long},
    {"unknown", send_unknown},
    {"deliver at once", deliver_at_once},
    {"deliver nothing", deliver_nothing},
    {"claim more", claim_more},
    {"deliver to all", deliver_to_all},
    {"deliver elsewhere", deliver_elsewhere},
    {"be certain", be_certain},
    {"acknowledge nothing", acknowledge_nothing},
    {"claim trace", claim_trace},
    {"claim trace behind it", claim_behind_trace},
    {"hide fields", hide_fields},
    {"forge lines", forge_lines},
    {"name two", name_two},
    {"name no literal", name_no_literal},
    {"name in capitals", name_in_capitals},
    {"name another form", name_another_form},
    {"name brackets", name_brackets},
    {"come from no domain", come_from_no_domain},
    {"claim success", claim_success},
    {"change later", change_later},
    {"deliver twice", deliver_twice},
    {"go on", go_on},
    {"wish", wish},
    {"hide", hide},
    {"write to memory", write_to_memory},
    {"change memory", change_memory},
    {"change mapped memory", change_mapped_memory},
    {"fill memory", fill_memory},
    {"forge log", forge_log},
    {"flood behind one", flood_behind_one},
    {"flood and begin anew", flood_and_begin_anew},
    {"flood with refused", flood_refused},
    {"forge refusals", forge_refusals},
    {"flood with refusals", flood_refusals},
    {"refuse lines", refuse_lines},
    {"refuse nobody", refuse_nobody},
    {"refuse with acceptance", refuse_with_acceptance},
    {"refuse with anything", refuse_with_anything},
    {"refuse and rename", refuse_and_rename},
    {"make long", make_long},
    {"pretend to be a proxy", pretend_proxy},
    {"resolve twice", resolve_twice},
    {"guess passwords", guess_passwords},
    {"forge helo", forge_helo},
    {"forget helo", forget_helo},
    {"lengthen helo", lengthen_helo},
    {"forge envid", forge_envid},
    {"forge ret", forge_ret},
    {"forge notify", forge_notify},
    {"forge orcpt", forge_orcpt},
    {"forge dropped", forge_dropped},
    {"forge UTF-8 sender", forge_utf8_sender},
    {"forge UTF-8 recipient", forge_utf8_recipient},
    {"wish without EHLO", wish_without_ehlo},
    {"wish unasked", wish_unasked},
    {"ask for PRDR", ask_for_prdr},
    {"name several", name_several},
    {"deliver to each", deliver_to_each},
    {"lack the unknown", lack_the_unknown},
    {"map then again", map_then_again},
    {"forge proxy", forge_proxy},
    {"forge proxied user", forge_proxied_user},
    {"empty password", give_no_password},
    {"forge user", forge_user},
    {"authenticate without EHLO", authenticate_without_ehlo},
    {"defer forever", defer_forever},
    {"send behind TLS", send_behind_tls},
    {"secure behind proxy", secure_behind_proxy},
    {"stay", stay},
    {"err and stay", err_and_stay},
    {"flood", flood},
    {"flood unheard", flood_unheard},
};

static char wanted[64];

/* Before main: the frontend forgets its environment. */
__attribute__((constructor)) static void choose(void)
{
    const char *chosen = getenv("ATTACK");
    const char *digits = getenv("NUMBER");
    number = digits == NULL ? 0 : strtol(digits, NULL, 10);
    (void)snprintf(wanted, sizeof wanted, "%s", chosen == NULL ? "" : chosen); /* fits */
}

void __wrap_session_begin(struct session *session, const struct session_settings *settings)
{
    __real_session_begin(session, settings);
    bool (*attack)(void) = kernel_attack(wanted);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if (strcmp(attacks[i].name, wanted) == 0)
            attack = attacks[i].attack;
    if (attack == NULL)
        return;
    const char *outcome = attack() ? "SUCCEEDED\n" : "FAILED\n";
    put(STDOUT_FILENO, outcome, strlen(outcome));
    _exit(0);
}
