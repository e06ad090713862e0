/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks: processes, on one machine or many, that run the same program over the same data and train one network
 * together. `mpirun -n N` starts them; whoever is started otherwise, or is alone, has no ranks: NULL, which every
 * function takes as one rank.
 *
 * The functions from ranks_sum() on are collective: every rank calls them in the same order, with as many elements.
 * What they leave has the same bits on all ranks, and depends on their number alone: sums run in the order of ranks.
 * They do not return when a rank is gone: all end then. One thread of a process calls them.
 */
#ifndef FORGE_RANKS_RANKS_H
#define FORGE_RANKS_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct ranks;

/* What joins ranks: "Open MPI v4.1.4"; NULL: this is a build without MPI. */
const char *ranks_library(char text[static 64]);

/* Joins those that were started together, once in the life of a process; *out is NULL when this one is alone. -ENOMEM;
 * WISP_E_INVALID: several were started, but this is a build without MPI. */
int ranks_begin(struct ranks **out, struct reason *why);
/* Parts from the others, and waits until all do. With `status` above 0, what this rank alone ends with, ends all. */
void ranks_end(struct ranks *ranks, int status);

unsigned ranks_count(const struct ranks *ranks);
unsigned ranks_rank(const struct ranks *ranks); /* 0: the one that speaks and writes */

/* Each element becomes the sum of all ranks'. */
void ranks_sum(const struct ranks *ranks, float *values, size_t count);
void ranks_sum_doubles(const struct ranks *ranks, double *values, size_t count);
/* Whether any rank wishes so: for what follows from a clock or a signal. */
bool ranks_agree(const struct ranks *ranks, bool wish);
/* The `bytes` of each rank one after the other, in their order. */
void ranks_gather(const struct ranks *ranks, const void *own, size_t bytes, void *all);
/* What the rank `from` has there. */
void ranks_copy(const struct ranks *ranks, unsigned from, void *data, size_t bytes);

#endif
