/* SPDX-License-Identifier: Apache-2.0
 *
 * Measured times and what is said of them: every sample is kept, so the tail is counted, not estimated.
 */
#ifndef BENCH_DAEMON_SAMPLES_H
#define BENCH_DAEMON_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct samples {
    uint64_t *ns;
    size_t count, capacity;
};

int samples_init(struct samples *samples, size_t capacity); /* -ENOMEM */
void samples_deinit(struct samples *samples);
/* Drops what is over the capacity, which the caller chose large enough. */
void samples_add(struct samples *samples, uint64_t ns);

/* The nearest rank, in microseconds; sorts. Needs one sample. */
double samples_rank_us(struct samples *samples, double fraction);

/* Writes `"PREFIXp50_us": …, "PREFIXp99_us": …` and, when `all`, p999, max and mean too; sorts. Needs one sample. */
void samples_print(struct samples *samples, const char *prefix, int all, FILE *out);

#endif
