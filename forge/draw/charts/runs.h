/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of trainings: loss, accuracy and rate by epoch, of one or several, each in a colour and a width of its own.
 */
#ifndef FORGE_DRAW_CHARTS_RUNS_H
#define FORGE_DRAW_CHARTS_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/draw/scene.h"

/* What an epoch came to; NAN: not known. */
struct run_epoch {
    uint64_t epoch; /* from 1 */
    double rate, loss, accuracy, validation_loss, validation_accuracy;
};

enum { RUN_NAME_MAX = 128, RUNS_MAX = 18 /* that can be told apart */ };

struct run {
    char name[RUN_NAME_MAX];
    struct run_epoch *epochs; /* ascending */
    size_t count;
};

/* At most RUNS_MAX. */
int draw_runs(const char *title, const struct run *runs, size_t count, struct scene *out, struct reason *why);

#endif
