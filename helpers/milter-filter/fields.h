/*
 * The header of a message: its fields in order, and what edits make of them. It borrows the
 * message, keeps what edits add, and allocates nothing.
 *
 * Positions count as Sendmail and Postfix count them: Received that we have written ourselves is
 * the first field, 0, if something is inserted, but is not shown and is not the first Received if
 * one is changed. Return-Path and Delivered-To of ours stand in front of all that, and are not
 * counted.
 */
#ifndef HELPERS_MILTER_FILTER_FIELDS_H
#define HELPERS_MILTER_FILTER_FIELDS_H

#include "session/text/span.h"

enum {
    FIELDS_MAX = 10000,        /* fields of a message, with those that edits add */
    FIELDS_EDITS_MAX = 1000,   /* of a milter */
    FIELDS_MADE_MAX = 1 << 20, /* octets of them */
};

struct field {
    struct span text; /* with its name, line ends and all */
    bool is_ours;     /* hidden */
};

struct fields {
    struct span front;    /* what we have put in front of all */
    struct span rest;     /* behind the header: the empty line and the body */
    const char *line_end; /* of the message */
    size_t count;
    struct field list[FIELDS_MAX];
    unsigned edits;
    size_t made_length;
    char made[FIELDS_MADE_MAX];
};

/*@ predicate list_ok(struct fields *fields) =
        \forall integer i; 0 <= i < fields->count ==> readable(fields->list[i].text);
    predicate fields_ok(struct fields *fields) = \valid(fields) && list_ok(fields) &&
        fields->count <= FIELDS_MAX && fields->edits <= FIELDS_EDITS_MAX &&
        fields->made_length <= FIELDS_MADE_MAX && \valid_read(fields->line_end) &&
        readable(fields->front) && readable(fields->rest); */

/*
 * Reads the header of `message`, of which `trace_size` octets in front are ours, if any, as is the
 * first Received behind them that has the id. False if it has too many fields.
 */
/*@ requires \valid(fields) && readable(message) && readable(id);
    assigns *fields;
    ensures fields_ok(fields); */
bool fields_parse(struct fields *fields, struct span message, size_t trace_size, struct span id);

/*@ requires \valid_read(field) && readable(field->text);
    assigns \nothing;
    ensures readable(\result); */
struct span fields_name(const struct field *field);

/* What stands behind the colon, without the last line end. */
/*@ requires \valid_read(field) && readable(field->text);
    assigns \nothing;
    ensures readable(\result); */
struct span fields_value(const struct field *field);

/* The body: what is behind the empty line. */
/*@ requires \valid_read(fields) && readable(fields->rest);
    assigns \nothing;
    ensures rest_of(\result, fields->rest); */
struct span fields_body(const struct fields *fields);

/* A field to come. Lines in its value end with LF, or CR LF. */
struct field_made {
    struct span name, value;
    bool is_verbatim; /* else a blank is put between the colon and the value */
};

/*@ predicate made_ok(struct field_made made) = readable(made.name) && readable(made.value); */

/*
 * Edits. False if there are too many, or the name or value cannot be in a header; then the fields
 * are of no more use.
 *
 * A line within a value that does not begin with a blank gets a tab, as Postfix does it.
 */
/*@ requires fields_ok(fields) && made_ok(made);
    assigns *fields;
    ensures fields_ok(fields); */
bool fields_append(struct fields *fields, struct field_made made);

/* So that `index` fields stand before it; the last one if there are fewer. */
/*@ requires fields_ok(fields) && made_ok(made);
    assigns *fields;
    ensures fields_ok(fields); */
bool fields_insert(struct fields *fields, uint32_t index, struct field_made made);

/*
 * Puts it in the place of the `index`-th field of its name, counted from 1 (0 counts as 1), or at
 * the end if there is no such; deletes that if the value is empty.
 */
/*@ requires fields_ok(fields) && made_ok(made);
    assigns *fields;
    ensures fields_ok(fields); */
bool fields_change(struct fields *fields, uint32_t index, struct field_made made);

#endif
