/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan will take, from what was built and trained here before:
 *
 *   matched       the same layers and as many connections were done here: the median of those runs
 *   interpolated  along the curve of all runs (fit.h), when there are ESTIMATE_RUNS_MIN
 *   extrapolated  the same, but the network is larger, or smaller, than in any of those runs
 *   computed      from the shapes alone
 *
 * All but the extrapolated say how far they are off on history: every run is held back once, and predicted from the
 * others in the same way. What is known exactly, the file's size and memory, is not estimated (cost.h).
 */
#ifndef FORGE_COST_ESTIMATE_H
#define FORGE_COST_ESTIMATE_H

#include "forge/cost/history.h"

enum estimate_kind { ESTIMATE_BUILD_SECONDS, ESTIMATE_EPOCH_SECONDS, ESTIMATE_KINDS };
enum estimate_from { ESTIMATE_COMPUTED, ESTIMATE_EXTRAPOLATED, ESTIMATE_INTERPOLATED, ESTIMATE_MATCHED };
enum { ESTIMATE_RUNS_MIN = 8 };

struct estimate {
    enum estimate_from from;
    double value;
    size_t runs;                    /* that it rests on */
    double error_median, error_max; /* relative, of runs held back; negative: too few runs to say */
};

const char *estimate_name(enum estimate_kind kind); /* "build_seconds", "epoch_seconds" */
const char *estimate_from_name(enum estimate_from from);
enum store_event estimate_event(enum estimate_kind kind); /* whose history it takes */

/* `wanted` describes the plan as a record (history_describe_plan()). -ENOMEM. */
int estimate_make(enum estimate_kind kind, const struct store_record *wanted, const struct history *history,
                  struct estimate *out);

/* The same along a curve: `count` networks, without matches (a curve has no points) and without errors. -ENOMEM. */
int estimate_curve(enum estimate_kind kind, const struct store_record *wanted, size_t count,
                   const struct history *history, struct estimate *out);

/* Accuracy on validation samples along the curve of this structure: between the densities that were trained, by the
 * logarithm of the density; beyond them, the nearest, as an extrapolation. False when this structure was never trained
 * here; errors are in accuracy, not relative. */
bool estimate_accuracy(const struct store_record *wanted, const struct history *history, struct estimate *out);

#endif
