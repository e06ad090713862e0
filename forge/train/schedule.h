/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules: what the learning rate is multiplied by as training goes on, after the warm-up. One table, a row a
 * schedule. IEEE-exact operations only: the same bits everywhere.
 */
#ifndef FORGE_TRAIN_SCHEDULE_H
#define FORGE_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>

struct schedule {
    const char *name;              /* as --schedule takes it and the lineage says it */
    double (*factor)(double done); /* of the updates after the warm-up, in [0, 1) */
    double first;                  /* factor(0), where the warm-up leads */
    bool rises;                    /* by itself: it has no warm-up unless somebody wants one */
};

/* NULL past the end; the first is "cosine". */
const struct schedule *schedule_at(size_t index);
const struct schedule *schedule_find(const char *name); /* NULL: not known */

/* 0.5 * (1 + cos(pi * t)) for t in [0, 1], to 1e-9, the same bits everywhere. */
double half_cosine(double t);

#endif
