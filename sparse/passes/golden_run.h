/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's golden input (sparse/graph/golden.h) is made, and asked. On the thread that has made the pass.
 */
#ifndef SPARSE_PASSES_GOLDEN_RUN_H
#define SPARSE_PASSES_GOLDEN_RUN_H

#include "base/rng.h"
#include "sparse/passes/decoder.h"
#include "sparse/passes/forward.h"

/* A tensor of one sample: numbers in [0, 1), or whole ones; of what reads words, words that there are. */
void golden_fill(const struct model *model, const struct model_tensor *tensor, struct rng *rng, void *at);

/* Gives a checked model one in place of what it has: inputs that follow from its shapes, and what the scalar kernels
 * answer. WISP_E_INVALID: it would be too large, or the answer is no number; WISP_E_FORMAT: this version does not run
 * the model; -ENOMEM. */
int golden_make(struct model *model, struct reason *why);

/* What runs the model: one of both. */
struct golden_runner {
    struct forward *forward;
    struct decoder *decoder;
};

/* Whether it answers to the bit what it is to; without a golden input it does. WISP_E_FORMAT, and says what differs;
 * -ENOMEM. */
int golden_try(const struct model *model, const struct golden_runner *runner, struct reason *why);

#endif
