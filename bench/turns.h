/* SPDX-License-Identifier: Apache-2.0
 *
 * Several who do the same take turns on one core, many times; the median of each counts. So whatever else the machine
 * does meets all.
 */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include <stdint.h>

enum {
    TURNS_MIN = 31,
    TURNS_MAX = 101,
    RUNNERS_MAX = 24,
};

/* What stands in the caches when a call begins: what one before it left there, or nothing of its own. */
enum caches { CACHES_WARM, CACHES_COLD };

extern const char *const caches_names[];

struct packed;
struct place;
struct rival;

struct runner {
    const char *name;
    void (*run)(const struct runner *runner); /* one call */
    /* In place of that, of who works elsewhere and has a clock there: the nanoseconds of so many calls; NULL: run(). */
    uint64_t (*time)(const struct runner *runner, unsigned calls);
    struct place *place;
    struct packed *packed;     /* a format */
    const struct rival *rival; /* or a rival, opened */
    void *opened;
    unsigned calls, warming; /* in one measurement, and before it */
    uint64_t ns[TURNS_MAX];
    double median_us; /* of one call */
};

struct runners {
    struct runner of[RUNNERS_MAX];
    unsigned count, rounds;
};

/* Aborts where there are too many. */
struct runner *runner_add(struct runners *all, struct place *place, const char *name,
                          void (*run)(const struct runner *runner));
/* TURNS_MIN rounds and, where that is soon over, up to TURNS_MAX. */
void runners_take_turns(struct runners *all, enum caches caches);

#endif
