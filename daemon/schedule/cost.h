/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass of so many rows takes: points at powers of two, between which it goes along a line. Seeded when the model
 * was warmed up, and moved by every pass that ran.
 */
#ifndef DAEMON_SCHEDULE_COST_H
#define DAEMON_SCHEDULE_COST_H

#include <stdint.h>

enum { COST_POINTS = 18 }; /* up to 131,072 rows */

struct cost {
    uint64_t ns[COST_POINTS]; /* of 1, 2, 4 … rows; 0: nothing is known */
};

/* By what somebody says of a number of rows. */
void cost_seed(struct cost *cost, uint64_t (*estimate)(const void *argument, uint32_t rows), const void *argument);

/* Of one pass; rows from 1 to 65,536. */
uint64_t cost_estimate(const struct cost *cost, uint32_t rows);
/* Of so many rows in passes of at most `most`. */
uint64_t cost_estimate_all(const struct cost *cost, uint32_t rows, uint32_t most);
/* How many rows, from 1 to `most`, take no longer than `ns`; 1 when one does. */
uint32_t cost_rows(const struct cost *cost, uint64_t ns, uint32_t most);

/* Of what a pass of so many rows took, or a part of it that was to take `most`: as much as is believed. What took far
 * longer is time during which the thread was away, and nobody had it. */
uint64_t cost_believed(const struct cost *cost, uint32_t rows, uint64_t most, uint64_t ns);
/* A pass of so many rows took so long. */
void cost_learn(struct cost *cost, uint32_t rows, uint64_t ns);
/* Somebody was turned away for what so many rows are said to take: a little less is said from now on, so that an
 * estimate that is too high does not last because nothing runs any more that would mend it. */
void cost_doubt(struct cost *cost, uint32_t rows);

#endif
