/* SPDX-License-Identifier: Apache-2.0
 *
 * One level of load: windows of time, until the last three agree in throughput and in the percentile that counts.
 */
#ifndef CLI_BENCH_LEVEL_H
#define CLI_BENCH_LEVEL_H

#include "client/cli/bench/load.h"

struct level_setup {
    struct load_length window, warm_up; /* a window that is counted is the only one */
    uint64_t trials_max;
    double tolerance;  /* 0.1: within 10 % */
    double percentile; /* 0: the mean latency counts */
};

struct level {
    uint32_t concurrency; /* closed loop; */
    double rate;          /* or requests a second; 0: closed */
    bool stable;
    bool counted; /* so many requests, in one window: none agrees with it */
    uint64_t trials;
    struct figures figures; /* of the last window */
};

/* What load_run() returns. level_deinit() follows in any case. */
int level_measure(struct level *level, struct load *load, const struct level_setup *setup);
void level_deinit(struct level *level);

#endif
