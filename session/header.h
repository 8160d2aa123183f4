/*
 * The header of a message, as it passes. Scans it for signs of a mail loop (RFC 5321 6.3), and
 * keeps it apart from the trace fields that we put in front, so that no octet of the client's is
 * read as part of one of them:
 *
 * - if the message does not begin with a field, or is empty, an empty line is put between, unless
 *   the client sent one;
 * - a first line "From ..." or ">From ...", of a mailbox file, becomes "X-Mailbox-Line: From ...",
 *   and the header behind it stays one;
 * - an empty line is put in front of a line that ends the header though it is not empty: some
 *   readers skip it, and would read fields behind it that no filter has seen as such;
 * - Return-Path is left out, since there is one, and it is ours (RFC 5321 4.4).
 *
 * Authentication-Results that claim to be ours are left out as well, with or without a trace (RFC
 * 8601 5). Such a field is held back until it is known whose it is; if HEADER_LINE_MAX octets do
 * not tell, it is left out.
 *
 * The header ends with the first line that is neither a field nor a field's folded line. Without a
 * trace, separators of a mailbox file do not end it, and results are left out behind it, too, up to
 * an empty line.
 */
#ifndef SESSION_HEADER_H
#define SESSION_HEADER_H

#include "session/header-line.h"

enum { HEADER_RECEIVED_LOOP = 100 /* so many Received fields make a loop, RFC 5321 6.3 */ };

/*
 * Before the header begins: a Delivered-To that names `recipient` is a loop, and results of
 * `hostname` are left out. Either may be empty, and is borrowed.
 */
/*@ requires \valid(header) && readable(recipient);
    assigns header->recipient;
    ensures header->recipient == recipient; */
void header_look_for(struct header *header, struct span recipient);
/*@ requires \valid(header) && readable(hostname);
    assigns header->hostname;
    ensures header->hostname == hostname; */
void header_leave_out(struct header *header, struct span hostname);

/*
 * Makes `header` new. If it `is_traced` our trace is in front, with this line ending, and is kept
 * apart. Nothing else is changed.
 */
/*@ requires \valid(header) && readable(header->recipient) && readable(header->hostname);
    assigns header->over, header->is_traced, header->begun, header->passed, header->left_out,
            header->delivered, header->is_astray, header->after_return, header->has_return,
            header->is_broken, header->is_held, header->line_ending, header->kind,
            header->received, header->added, header->line_length;
    ensures header_ok(header) && !header->over && header->added == 0;
    ensures room_needed(header) == (is_traced ? HEADER_ADDED_MAX + HEADER_END_MAX : 0); */
void header_begin(struct header *header, bool is_traced, enum line_ending line_ending);

/* Octets that header_pass and header_end may write in addition to those that they are given. */
/*@ requires header_ok(header);
    assigns \nothing;
    ensures \result == room_needed(header);
    ensures \result <= HEADER_LINE_MAX + HEADER_ADDED_MAX + HEADER_END_MAX; */
size_t header_room(const struct header *header);

/*
 * Passes the message's next `length` octets, whose lines end with LF or CR LF, and which are at
 * `octets` after header_room free ones. Moves to the front what can be handed on; returns its
 * length.
 */
/*@ requires header_ok(header) && length < 0x7fffffff;
    requires \valid(octets + (0 .. room_needed(header) + length - 1));
    requires \separated(header, octets + (0 .. room_needed(header) + length - 1));
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            octets[0 .. room_needed(header) + length - 1];
    ensures header_ok(header);
    ensures \result + room_needed(header) <= \old(room_needed(header)) + length; */
size_t header_pass(struct header *header, char *octets, size_t length);

/* The message is over: writes to `octets` what was held back; returns its length. */
/*@ requires header_ok(header);
    requires \valid(octets + (0 .. room_needed(header) - 1));
    requires \separated(header, octets + (0 .. room_needed(header) - 1));
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            octets[0 .. room_needed(header) - 1];
    ensures header_ok(header) && header->over;
    ensures \result <= \old(room_needed(header)); */
size_t header_end(struct header *header, char *octets);

/* Whether its end has been seen. */
/*@ requires \valid_read(header);
    assigns \nothing;
    ensures \result == header->over; */
bool header_is_over(const struct header *header);

/*
 * Whether a CR without LF stands in one of its fields (RFC 5322 2.2), though it came by a count.
 */
/*@ requires \valid_read(header);
    assigns \nothing; */
bool header_is_broken(const struct header *header);

/* Whether the header so far shows a loop: Delivered-To, or too many Received. */
/*@ requires \valid_read(header);
    assigns \nothing; */
bool header_shows_loop(const struct header *header);

#endif
