/* Work with mail: many small messages, and large ones. */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/bench/work.h"

enum { LINE_MAX = 64 };

static const char header[] = "From: sender@example.net\r\nSubject: work\r\n\r\n";
static struct block block;

void mail_prepare(const struct work *work)
{
    static const char end[] = ".\r\n";
    const size_t header_length = sizeof header - 1, end_length = sizeof end - 1;
    if (work->size <= header_length || work->size > CLIENT_BLOCK_MAX / 2)
        errx(2, "no such size for many messages");
    block_fill(&block, 'x', work->size - header_length);
    memmove(block.octets + header_length, block.octets, block.length);
    memcpy(block.octets, header, header_length);
    block.length += header_length;
    memcpy(block.octets + block.length, end, end_length);
    block.length += end_length;
}

/* Line `number` of an envelope: MAIL, RCPT for each recipient, DATA. Returns its length. */
static size_t envelope_line(const struct work *work, size_t number, char line[LINE_MAX])
{
    int length = 0;
    if (number == 0)
        length = snprintf(line, LINE_MAX, "MAIL FROM:<sender@example.net>\r\n");
    else if (number <= work->recipients)
        length = snprintf(line, LINE_MAX, "RCPT TO:<user%zu@example.org>\r\n", number);
    else
        length = snprintf(line, LINE_MAX, "DATA\r\n");
    return (size_t)length;
}

/* The reply to line `number` of an envelope. */
static void expect_reply(struct work *work, size_t number)
{
    client_expect(&work->client, number <= work->recipients ? '2' : '3');
}

static void send_envelope(struct work *work)
{
    char line[LINE_MAX];
    for (size_t i = 0; i < work->recipients + 2; i++) {
        client_send(&work->client, line, envelope_line(work, i, line));
        expect_reply(work, i);
    }
}

/* In one group, as RFC 2920 allows: the message that is waited for, and the next envelope. */
static void send_group(struct work *work, bool with_message, bool with_envelope)
{
    static char group[CLIENT_BLOCK_MAX * 2];
    size_t length = with_message ? block.length : 0;
    memcpy(group, block.octets, length);
    for (size_t i = 0; with_envelope && i < work->recipients + 2; i++) {
        if (length > sizeof group - LINE_MAX)
            errx(2, "too many recipients");
        length += envelope_line(work, i, group + length);
    }
    client_send(&work->client, group, length);
    if (with_message)
        client_expect(&work->client, '2');
    for (size_t i = 0; with_envelope && i < work->recipients + 2; i++)
        expect_reply(work, i);
}

static void send_message(struct work *work, size_t number)
{
    if (work->pipelined) {
        if (number == 0)
            send_group(work, false, true);
        send_group(work, true, number + 1 < work->count);
        return;
    }
    send_envelope(work);
    client_send(&work->client, block.octets, block.length);
    client_expect(&work->client, '2');
}

void mail_send(struct work *work)
{
    send_message(work, 0);
}

void mail_messages(struct work *work)
{
    mail_prepare(work);
    work_begin(work, WORK_PATH_LOCAL);
    client_greet(&work->client, work->starttls);
    double began = work_now(), cpu = process_cpu_below(work->server);
    for (size_t i = 0; i < work->count; i++) {
        send_message(work, i);
        if (work->every == 0 || (i + 1) % work->every != 0)
            continue;
        double cpu_now = process_cpu_below(work->server);
        printf("to_%zu_us %.1f\n", i + 1, (cpu_now - cpu) / (double)work->every);
        cpu = cpu_now;
    }
    double took = work_now() - began;
    client_quit(&work->client);
    printf("cpu_us %.1f\nwall_us %.1f\n", work_cost(work) / (double)work->count,
           took / (double)work->count);
}

/* Sends the octets of a large message; with `peak`, takes note of the most memory meanwhile. */
static void send_octets(struct work *work, double *peak)
{
    size_t blocks = (work->size + block.length - 1) / block.length;
    for (size_t i = 0; i < blocks; i++) {
        client_send(&work->client, block.octets, block.length);
        if (peak == NULL || (i != blocks - 1 && i % (blocks / 32 + 1) != 0))
            continue;
        double memory = process_memory_below(work->server);
        *peak = memory > *peak ? memory : *peak;
    }
}

/* The octets alone, for a program that does no more than read them. */
static void send_bare(struct work *work)
{
    if (work->starttls)
        client_secure(&work->client);
    send_octets(work, NULL);
    client_finish(&work->client);
}

static void send_large(struct work *work)
{
    client_greet(&work->client, work->starttls);
    send_envelope(work);
    client_say(&work->client, header);
    send_octets(work, NULL);
    client_say(&work->client, ".\r\n");
    client_expect(&work->client, '2');
    client_quit(&work->client);
}

void mail_octets(struct work *work)
{
    block_fill(&block, work->dots ? '.' : 'x', CLIENT_BLOCK_MAX);
    work_count(work);
    double began = work_now();
    work_begin(work, WORK_PATH_TCP);
    if (work->bare)
        send_bare(work);
    else
        send_large(work);
    double took = work_now() - began, cpu = work_cost(work);
    printf("cpu_s_per_gb %.4f\nmb_per_s %.1f\n", cpu * 1e3 / (double)work->size,
           (double)work->size / took);
}

void mail_memory(struct work *work)
{
    block_fill(&block, 'x', CLIENT_BLOCK_MAX);
    work_begin(work, WORK_PATH_TCP);
    client_greet(&work->client, work->starttls);
    double idle = process_memory_below(work->server), peak = idle;
    send_envelope(work);
    client_say(&work->client, header);
    send_octets(work, &peak);
    client_say(&work->client, ".\r\n");
    struct pollfd reply = {.fd = work->client.descriptor, .events = POLLIN};
    while (poll(&reply, 1, 1) == 0) {
        double memory = process_memory_below(work->server);
        peak = memory > peak ? memory : peak;
    }
    client_expect(&work->client, '2');
    client_quit(&work->client);
    (void)work_cost(work); /* is not what is asked here */
    printf("idle_kib %.0f\nadded_kib %.0f\n", idle, peak - idle);
}

void mail_spawn(struct work *work)
{
    mail_prepare(work);
    double began = work_now(), cpu = process_own_cpu();
    for (size_t i = 0; i < work->count; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            err(1, "pipe2");
        pid_t process = process_start(work->program, ends[0]);
        (void)close(ends[0]); /* the program has its own */
        if (write(ends[1], block.octets, block.length) != (ssize_t)block.length)
            err(1, "writing to %s", work->program[0]);
        (void)close(ends[1]); /* a pipe has no late errors */
        if (waitpid(process, NULL, 0) != process)
            err(1, "waitpid");
    }
    double took = work_now() - began;
    printf("cpu_us %.1f\nwall_us %.1f\n", (process_own_cpu() - cpu) / (double)work->count,
           took / (double)work->count);
}
