/*
 * A header as far as it has come, and what its current line is: whether it is left out, or held
 * back, for that. Only the header is changed; what passes its octets is session/header.h.
 */
#ifndef SESSION_HEADER_LINE_H
#define SESSION_HEADER_LINE_H

#include "session/address.h"
#include "session/content.h"
#include "session/field.h"
#include "session/results.h"

enum {
    HEADER_ADDED_MAX = 16, /* octets that are put in front of the message: X-Mailbox-Line */
    HEADER_END_MAX = 2,    /* and in front of the line that ends the header */
    /* Octets of a line that are kept: Delivered-To with the longest mailbox fits, too. */
    HEADER_LINE_MAX = 640
};

struct header {
    bool over;      /* its end has been seen */
    bool is_traced; /* our trace stands in front */
    bool begun;     /* a line has come */
    bool passed;    /* a line was not left out */
    bool left_out;  /* the current field is */
    bool delivered;
    bool is_astray;       /* behind a line that is no field: only results count */
    bool after_return;    /* the last octet was a CR, */
    bool has_return;      /* and one in the current line has no LF behind it, */
    bool is_broken;       /* or in a field's */
    bool is_held;         /* the current field is, until its kind of results is known */
    struct span hostname; /* whose results are left out; borrowed; empty for nobody's */
    enum line_ending line_ending;
    enum field_line kind; /* of the current line, which is held back while this is undecided */
    unsigned received;
    uint32_t added;        /* octets in front of the message */
    struct span recipient; /* borrowed; empty: no Delivered-To counts */
    size_t line_length;
    char line[HEADER_LINE_MAX]; /* the beginning of the current line, or all that is held back */
};

/*@ logic integer octets_held(struct header *header) =
        header->kind == FIELD_LINE_UNDECIDED || header->is_held ? header->line_length : 0;
    logic integer octets_to_add(struct header *header) =
        header->is_traced ? (header->passed ? 0 : HEADER_ADDED_MAX) + HEADER_END_MAX : 0;
    logic integer room_needed(struct header *header) =
        header->over ? 0 : octets_held(header) + octets_to_add(header);
    predicate header_valid(struct header *header) = \valid(header) && readable(header->hostname) &&
        readable(header->recipient) && header->added <= HEADER_ADDED_MAX &&
        header->line_length <= HEADER_LINE_MAX;
    predicate header_ok(struct header *header) = header_valid(header) &&
        (header->is_held ==> 0 < header->line_length < HEADER_LINE_MAX);
    predicate separator_ends(struct header *header) =
        header->kind == FIELD_LINE_SEPARATOR && header->is_traced && header->passed ==>
        header->over; */

/* Decides the kind of the current line, if it can; if it is `whole`, all of it is here. */
/*@ requires header_valid(header) && !header->is_held;
    assigns header->over, header->left_out, header->is_held, header->is_astray, header->kind,
        header->received, header->line_length, header->line[0 .. HEADER_LINE_MAX - 1];
    ensures header_ok(header) && separator_ends(header);
    ensures header->line_length <= \old(header->line_length) + (whole ? 1 : 0);
    ensures header->kind == FIELD_LINE_UNDECIDED ==> !whole && !header->is_held &&
        header->line_length == \old(header->line_length) < FIELD_BEGINNING_MAX; */
void header_line_decide(struct header *header, bool whole);

/*
 * Whose results the field is that is held back; if it is `whole`, no more of it will come. One
 * that has not told by HEADER_LINE_MAX octets is nobody's whom we would miss, and counts as ours.
 */
/*@ requires header_valid(header);
    assigns \nothing;
    ensures \result == RESULTS_UNDECIDED ==> header->line_length < HEADER_LINE_MAX; */
enum results header_line_judge(const struct header *header, bool whole);

#endif
