/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the layers of a model take, each by itself: a layer becomes a model of its own, whose inputs are the
 * layer's, and that is served. For people who want to know where time goes; nothing chooses by it.
 */
#ifndef SPARSE_PASSES_LAYER_TIME_H
#define SPARSE_PASSES_LAYER_TIME_H

#include "sparse/graph/model.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/kernels.h"

/* A checked model of one layer, whose weights and vectors are borrowed: `model` outlives it. -ENOMEM, WISP_E_FORMAT. */
int layer_alone(const struct model *model, uint32_t layer, struct model **out, struct reason *why);

/* The same layer with every connection, its weights numbers between -1 and 1: what it would be if it were dense. It
 * borrows vectors of `alone`, which outlives it. -ENOMEM. */
int layer_full(const struct model *alone, struct model **out, struct reason *why);

struct layer_timer {
    const struct kernels *kernels;
    struct choice_cache *choices; /* of weight formats and ways; NULL: formats are measured, ways reckoned */
    uint64_t patience_ns;         /* for each layer and batch, about */
};

/* The median time in microseconds of a pass of `count` samples through a model of one layer, on the caller's thread:
 * inputs are numbers between -1 and 1, or words. -ENOMEM, WISP_E_FORMAT. */
int layer_time(const struct layer_timer *timer, const struct model *alone, size_t count, double *us,
               struct reason *why);

#endif
