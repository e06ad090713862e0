/* SPDX-License-Identifier: Apache-2.0
 *
 * Curves through a history: one network from its densest run to its sparsest and somewhat beyond, each point described
 * as a run would be and estimated as any other plan is (estimate.h).
 */
#ifndef FORGE_COST_SERIES_H
#define FORGE_COST_SERIES_H

#include "forge/cost/history.h"
#include "forge/draw/charts/curves.h"

enum { SERIES_POINTS = CURVE_POINTS_MAX };

struct series {
    struct curve_run points[SERIES_POINTS];
    size_t count;
};

/* Of a planned structure, solved anew for each density as its newest run was, for samples, batches and threads of that
 * run. Empty when there was none: `history` is of one event. -ENOMEM. */
int series_of_structure(const struct structure *structure, const struct history *history, struct series *out);

/* Of the network with that hash, from its runs alone, between those with the fewest and the most connections; empty
 * when they have as many. -ENOMEM. */
int series_of_runs(const char *hash, const struct history *history, struct series *out);

#endif
