/*
 * The lines of a message's header (RFC 5322 2.2), told apart by how they begin.
 */
#ifndef SESSION_FIELD_H
#define SESSION_FIELD_H

#include "session/content.h"
#include "session/text/text.h"

enum {
    FIELD_NAME_MAX = 255,
    FIELD_BEGINNING_MAX = 512 /* octets up to the colon: a longer name is no field */
};

enum field_line {
    FIELD_LINE_UNDECIDED, /* more octets of it must come */
    FIELD_LINE_NAMED,     /* a name, perhaps blanks, and a colon */
    FIELD_LINE_FOLDED,    /* begins with a blank: continues the line before */
    FIELD_LINE_SEPARATOR, /* "From " or ">From ", as a mailbox file has it between messages */
    FIELD_LINE_EMPTY,
    FIELD_LINE_OTHER
};

/*
 * What the line is that begins with `line`, which is all of it if it is `whole`, but for its LF.
 * With FIELD_LINE_NAMED `name` is set to its name, borrowed. How much of a line is there makes no
 * difference once it is decided.
 */
/*@ requires readable(line) && \valid(name);
    assigns *name;
    ensures \result == FIELD_LINE_UNDECIDED ==> !whole && line.length < FIELD_BEGINNING_MAX;
    ensures \result == FIELD_LINE_SEPARATOR ==> line.length > 0;
    ensures \result == FIELD_LINE_NAMED ==> readable(*name) && name->length < line.length; */
enum field_line field_parse(struct span line, bool whole, struct span *name);

/* The value of a named line, without the blanks around it; what is folded is not in it. */
/*@ requires readable(line);
    requires \exists integer i; 0 <= i < line.length && line.octets[i] == ':';
    assigns \nothing;
    ensures part_of(\result, line) && readable(\result); */
struct span field_value(struct span line);

/*
 * Appends `fields` to `text`, each line with that ending, whichever it had; the last may have none.
 * False, with some of them appended, if one of the lines is neither a field nor the rest of one, or
 * if they do not fit.
 */
/*@ requires readable(fields) && text_ok(text);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
bool fields_copy(struct span fields, enum line_ending line_ending, struct text *text);

#endif
