#include "handler/delivery/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "handler/log.h"

static int open_output(struct output *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    *output = (struct output){.read_end = ends[0], .write_end = ends[1]};
    return fcntl(output->read_end, F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;
}

static void close_end(int *end)
{
    if (*end >= 0)
        (void)close(*end); /* a pipe has no late errors */
    *end = -1;
}

int outputs_open(struct outputs *outputs, struct span id)
{
    outputs->standard = outputs->error = (struct output){-1, -1};
    outputs->id = id;
    outputs->filter = span_empty();
    outputs->fields = NULL;
    outputs->text_ended = false;
    outputs->text_length = outputs->line_length = 0;
    outputs->lines = 0;
    int result = open_output(&outputs->standard);
    return result == 0 ? open_output(&outputs->error) : result;
}

void outputs_close_write_ends(struct outputs *outputs)
{
    close_end(&outputs->standard.write_end);
    close_end(&outputs->error.write_end);
}

static void log_line(struct outputs *outputs)
{
    static struct log_event event; /* in static memory: pages that are not used cost nothing */
    struct span line = {outputs->line, outputs->line_length};
    outputs->line_length = 0;
    if (line.length == 0 || outputs->lines++ >= OUTPUTS_LINES_MAX)
        return;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_COMMAND);
    log_add(&event, "id", outputs->id);
    log_add(&event, "filter", outputs->filter);
    log_add(&event, "text", line);
    log_send(&event);
}

static void copy_error(struct outputs *outputs, struct span octets)
{
    for (size_t i = 0; i < octets.length; i++) {
        if (octets.octets[i] == '\n')
            log_line(outputs);
        else if (outputs->line_length < sizeof outputs->line)
            outputs->line[outputs->line_length++] = octets.octets[i];
    }
}

static void copy_text(struct outputs *outputs, struct span octets)
{
    size_t end = span_find(octets, '\n');
    size_t room = sizeof outputs->text - outputs->text_length;
    size_t length = end < room ? end : room;
    if (outputs->text_ended)
        return;
    memcpy(outputs->text + outputs->text_length, octets.octets, length);
    outputs->text_length += length;
    outputs->text_ended = end < octets.length;
}

/* Reads one piece; false if there is none now. */
static bool read_piece(struct outputs *outputs, struct output *output)
{
    char octets[4096];
    if (output->read_end < 0)
        return false;
    ssize_t length = read(output->read_end, octets, sizeof octets);
    if (length < 0)
        return errno == EINTR;
    if (length == 0) {
        close_end(&output->read_end);
        return false;
    }
    struct span piece = {octets, (size_t)length};
    if (output == &outputs->standard && outputs->fields != NULL)
        text_add(outputs->fields, piece);
    if (output == &outputs->standard)
        copy_text(outputs, piece);
    else
        copy_error(outputs, piece);
    return true;
}

void outputs_read(struct outputs *outputs)
{
    (void)read_piece(outputs, &outputs->standard); /* the rest comes later */
    (void)read_piece(outputs, &outputs->error);    /* likewise */
}

bool outputs_close(struct outputs *outputs)
{
    const int pieces = 32; /* more than a pipe holds: only a process left behind writes more */
    outputs_close_write_ends(
        outputs); /* if no command was started, these are the last write ends */
    for (int i = 0; i < pieces && read_piece(outputs, &outputs->standard); i++)
        ;
    for (int i = 0; i < pieces && read_piece(outputs, &outputs->error); i++)
        ;
    log_line(outputs);
    bool are_open = outputs->standard.read_end >= 0 || outputs->error.read_end >= 0;
    close_end(&outputs->standard.read_end);
    close_end(&outputs->error.read_end);
    return are_open;
}

struct span outputs_text(const struct outputs *outputs)
{
    return (struct span){outputs->text, outputs->text_length};
}
