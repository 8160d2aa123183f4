/*
 * Runs the session machine on standard input and prints what it says and wants: see driver.h.
 *
 *     session-driver [OCTETS]    OCTETS at a time, 0 (as many as fit) unless told
 *     session-driver every       cut in two at each octet: fails where that makes a difference
 */
#include <stdio.h>
#include <stdlib.h>

#include "driver.h"

static char input[SESSION_INPUT_MAX * 64];
static struct driver driver, other;

/* Runs `octets` in pieces of `most`, the first of `first` octets. */
static void run(struct driver *run_by, struct span octets, size_t first, size_t most)
{
    struct session_settings settings = driver_settings();
    bool goes_on = true;
    size_t next = first;
    driver_begin(run_by, &settings);
    while (goes_on && octets.length > 0) {
        size_t length = next > 0 && next < octets.length ? next : octets.length;
        goes_on = driver_feed(run_by, span_first(octets, length));
        octets = span_after(octets, length);
        next = most;
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
    bool every = argc > 1 && strcmp(argv[1], "every") == 0;
    size_t most = argc > 1 && !every ? strtoul(argv[1], NULL, 10) : 0;
    struct span octets = {input, fread(input, 1, sizeof input, stdin)};
    run(&driver, octets, most, most);
    fwrite(driver.record, 1, driver.record_length, stdout);
    return every ? run_every(octets) : 0;
}
