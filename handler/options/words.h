/*
 * Words as the configuration file has them for a command, and the list of recipients as well.
 */
#ifndef HANDLER_OPTIONS_WORDS_H
#define HANDLER_OPTIONS_WORDS_H

#include "session/text/span.h"

enum { OPTIONS_WORDS_MAX = 64 }; /* of a command in a file, or of the password program */

/*
 * `text` up to a comment, which begins with # behind a blank and not within double quotes. The
 * first octet of `text` is the one in front of it, and is kept.
 */
struct span words_before_comment(struct span text);

/*
 * Splits `text` at blanks, in place, into up to OPTIONS_WORDS_MAX words, ended by NULL; with
 * `quotes`, double quotes keep blanks. NULL, or what is wrong with it, in words.
 */
const char *words_split(char *text, bool quotes, char **words);

/* Whether `text` ends with a backslash by itself, as if the next line continued it. */
bool words_are_continued(struct span text);

#endif
