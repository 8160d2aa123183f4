#include <assert.h>
#include <ctype.h>
#include <sysexits.h>

#include "handler/options/row.h"

enum { TYPED_MAX = 64, NAMES_MAX = 31 }; /* octets of a name, as typed and as it is */

/* Letters of either case are the same, and so are hyphens and underscores. */
static bool is_same(char a, char b)
{
    return tolower((unsigned char)(a == '_' ? '-' : a)) == b;
}

static bool are_swapped(const char a[2], const char b[2])
{
    return is_same(a[0], b[1]) && is_same(a[1], b[0]);
}

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many octets to add, drop, change or swap with the next make `typed` the name. */
static unsigned count_typos(struct span typed, struct span name)
{
    unsigned typos[TYPED_MAX + 1][NAMES_MAX + 1]; /* of their first octets */
    assert(typed.length <= TYPED_MAX && name.length <= NAMES_MAX);
    for (unsigned i = 0; i <= typed.length; i++) {
        for (unsigned j = 0; j <= name.length; j++) {
            typos[i][j] = i + j;
            if (i > 0 && j > 0)
                typos[i][j] = min(min(typos[i - 1][j], typos[i][j - 1]) + 1,
                                  typos[i - 1][j - 1] +
                                      (is_same(typed.octets[i - 1], name.octets[j - 1]) ? 0 : 1));
            if (i > 1 && j > 1 && are_swapped(typed.octets + i - 2, name.octets + j - 2))
                typos[i][j] = min(typos[i][j], typos[i - 2][j - 2] + 1);
        }
    }
    return typos[typed.length][name.length];
}

struct search {
    struct span typed;
    const char *nearest; /* NULL for none */
    unsigned typos;      /* more than this are another word */
};

static void consider(struct search *search, const char *name)
{
    unsigned typos = count_typos(search->typed, span_of(name));
    if (typos > search->typos || (typos == search->typos && search->nearest != NULL))
        return;
    search->nearest = name;
    search->typos = typos;
}

/* The option that was meant, as far as one can tell; NULL for none. */
static const char *find_nearest(struct span typed, bool in_file)
{
    struct search search = {typed, NULL, 1 + min((unsigned)typed.length / 4, 2)};
    if (typed.length > TYPED_MAX)
        return NULL;
    for (const struct option_row *row = option_rows; row->name != NULL; row++)
        if (!in_file || option_may_be_in_file(row))
            consider(&search, row->name);
    if (in_file)
        consider(&search, "command");
    return search.nearest;
}

bool option_unknown(struct span name, bool in_file, struct problem *problem)
{
    const char *nearest = find_nearest(name, in_file), *hyphens = in_file ? "" : "--";
    int status = in_file ? EX_CONFIG : EX_USAGE;
    bool is_word = name.length > 0 && isalpha((unsigned char)name.octets[0]);
    if (in_file && !is_word)
        return problem_set(problem, status, "unknown option %.*s (comments begin with #)",
                           (int)name.length, name.octets);
    if (nearest == NULL)
        return problem_set(problem, status, "unknown option %s%.*s", hyphens, (int)name.length,
                           name.octets);
    return problem_set(problem, status, "unknown option %s%.*s (did you mean %s%s?)", hyphens,
                       (int)name.length, name.octets, hyphens, nearest);
}
