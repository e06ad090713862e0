/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a group of tests once over each event loop of the daemon.
 */
#ifndef TESTS_SUPPORT_BOTH_LOOPS_H
#define TESTS_SUPPORT_BOTH_LOOPS_H

#include <stdlib.h>
#include <string.h>

/* "io_uring" or "epoll": what the group runs over, for daemon_setup.loop. */
extern const char *loop_now;

/* A macro because cmocka counts the array's elements. WISP_LOOP in the environment picks one of the two. */
#define run_over_both_loops(tests, setup, teardown)                                                                    \
    __extension__({                                                                                                    \
        static const char *const loops_[] = { "io_uring", "epoll" };                                                   \
        const char *only_ = getenv("WISP_LOOP");                                                                       \
        int failed_ = 0;                                                                                               \
                                                                                                                       \
        for (int i_ = 0; i_ < 2; i_++) {                                                                               \
            loop_now = loops_[i_];                                                                                     \
            if (!only_ || !*only_ || !strcmp(only_, loop_now))                                                         \
                failed_ += cmocka_run_group_tests_name(loop_now, tests, setup, teardown);                              \
        }                                                                                                              \
        failed_;                                                                                                       \
    })

#endif
