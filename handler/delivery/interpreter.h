/*
 * Which argument of a command a shell, or another interpreter, would read as a script. It looks at
 * names and options alone, and runs nothing.
 */
#ifndef HANDLER_DELIVERY_INTERPRETER_H
#define HANDLER_DELIVERY_INTERPRETER_H

#include <stddef.h>

/*
 * The word of `command` that names the interpreter, if argument `at` is its script, as behind
 * "sh -c"; NULL if it is not.
 */
const char *interpreter_of_script(char *const *command, size_t at);

#endif
