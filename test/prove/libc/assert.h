/*
 * A failing assert ends the program; the proof asks that none fails, but for those of
 * test/prove/asserts, which are believed behind them.
 */
#ifndef ASSERT_H
#define ASSERT_H

/*@ requires holds;
    assigns \nothing; */
void assert_holds(_Bool holds);

/*@ assigns \nothing;
    ensures holds; */
void assert_at_run_time(_Bool holds);

#define assert(condition) assert_holds(condition)

#endif
