/*
 * The message on standard input, and the one that takes its place, on descriptor 3. All functions
 * that return false have said on standard error what is wrong.
 */
#ifndef HELPERS_MILTER_FILTER_MESSAGE_H
#define HELPERS_MILTER_FILTER_MESSAGE_H

#include "helpers/milter-filter/fields.h"
#include "helpers/milter-filter/wire.h"

struct message {
    struct span octets; /* all of it, as long as we live */
    bool is_text;       /* its lines end with LF */
    bool has_new_body;
    struct wire wire; /* of the new body */
    int body;         /* the file with the new body */
    struct fields fields;
};

/* Opens it; `trace_size` and `id` as fields.h has them. 0, or the status to exit with. */
int message_open(struct message *message, size_t trace_size, struct span id);

/* Adds octets to the body that replaces the one that it has. */
/*@ requires \valid(message) && readable(octets);
    assigns message->has_new_body, message->wire; */
bool message_add_body(struct message *message, struct span octets);

/* Writes the message as it has become, unless nothing has changed. */
bool message_write(struct message *message);

/* Writes all octets. */
bool message_write_octets(int file, struct span octets);

#endif
