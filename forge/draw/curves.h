/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of the history: what models that were built and trained weigh, how long they took, and how good they are,
 * over their connections and their sparsity.
 */
#ifndef FORGE_DRAW_CURVES_H
#define FORGE_DRAW_CURVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/draw/scene.h"

struct curve_run {
    bool trained; /* false: built */
    double connections, density;
    double bytes;    /* 0: unknown */
    double seconds;  /* of the build, of an epoch; 0: unknown */
    double accuracy; /* negative: unknown */
};

/* At least one run. */
int draw_curves(const char *title, const struct curve_run *runs, size_t count, struct scene *out, struct reason *why);

#endif
