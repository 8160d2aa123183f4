/*
 * Runs the session machine on standard input and prints what it says and wants: see driver.h.
 *
 *     session-driver [normalize] [OCTETS]    OCTETS at a time, 0 (as many as fit) unless told
 *     session-driver [normalize] every       cut in two at each octet: fails if that matters
 *
 * With normalize a bare LF within a message is a line end; else the session is strict.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/driver.h"

static char input[SESSION_INPUT_MAX * 64];
static struct driver driver, other;
static enum newlines newlines = NEWLINES_STRICT;

/* Runs `octets` in pieces of `max`, the first of `first` octets. */
static void run(struct driver *run_by, struct span octets, size_t first, size_t max)
{
    struct session_settings settings = driver_settings();
    bool goes_on = true;
    size_t next = first;
    settings.newlines = newlines;
    driver_begin(run_by, &settings);
    while (goes_on && octets.length > 0) {
        size_t length = next > 0 && next < octets.length ? next : octets.length;
        goes_on = driver_feed(run_by, span_first(octets, length));
        octets = span_after(octets, length);
        next = max;
    }
    driver_end(run_by);
}

static int run_every(struct span octets)
{
    for (size_t cut = 1; cut < octets.length; cut++) {
        run(&other, octets, cut, 0);
        if (other.record_length != driver.record_length ||
            memcmp(other.record, driver.record, driver.record_length) != 0) {
            printf("cut at %zu makes a difference\n", cut);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    int argument = 1;
    if (argc > argument && strcmp(argv[argument], "normalize") == 0) {
        newlines = NEWLINES_NORMALIZE;
        argument++;
    }
    bool every = argc > argument && strcmp(argv[argument], "every") == 0;
    size_t max = argc > argument && !every ? strtoul(argv[argument], NULL, 10) : 0;
    struct span octets = {input, fread(input, 1, sizeof input, stdin)};
    run(&driver, octets, max, max);
    fwrite(driver.record, 1, driver.record_length, stdout);
    return every ? run_every(octets) : 0;
}
