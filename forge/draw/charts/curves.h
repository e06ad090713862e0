/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of the history: what models that were built and trained weigh, how long they took, and how good they are,
 * over their connections and their sparsity; and the curves along which others are estimated.
 */
#ifndef FORGE_DRAW_CHARTS_CURVES_H
#define FORGE_DRAW_CHARTS_CURVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/draw/scene.h"

/* A run, or a point of a curve. */
struct curve_run {
    bool trained; /* false: built */
    double connections, density;
    double bytes;         /* 0: unknown */
    double seconds;       /* of the build, of an epoch; 0: unknown */
    double accuracy;      /* negative: unknown */
    bool seconds_guessed; /* of a point: from no run, or beyond all of them */
    bool accuracy_guessed;
};

enum { CURVE_POINTS_MAX = 129 };

/* Points in the order of their connections, at most CURVE_POINTS_MAX. */
struct curve {
    const struct curve_run *points;
    size_t count;
};

struct curves {
    const char *title;
    const struct curve_run *runs; /* at least one */
    size_t run_count;
    const struct curve *curves;
    size_t curve_count;
};

int draw_curves(const struct curves *curves, struct scene *out, struct reason *why);

#endif
