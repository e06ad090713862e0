/* SPDX-License-Identifier: Apache-2.0
 *
 * A step: one position of each of several sequences, which may be at different ones. Values that come a position a step
 * have a last dimension of 1. What there is of a sequence beside them, values that were computed whole, and what layers
 * keep of it from step to step, stands in memory of its own, row-major: its elements side by side.
 */
#ifndef SPARSE_LAYERS_STEP_H
#define SPARSE_LAYERS_STEP_H

#include "sparse/layers/layer.h"

struct layer_step {
    const uint32_t *positions;       /* by sample: at which its sequence is, from 0 */
    unsigned char *const *sequences; /* by sample: its sequence's memory, at a cache line */
    uint32_t length;                 /* positions that a sequence has at most */
    uint64_t kept_at;                /* bytes into the memory: what the layer keeps; undefined at position 0 */
    bool whole[LAYER_INPUTS_MAX];    /* by input: it is whole, and in the memory; its tensor has a shape, and no data */
    uint64_t whole_at[LAYER_INPUTS_MAX];
};

static inline float *step_kept(const struct layer_run *run, size_t sample)
{
    return (float *)(void *)(run->step->sequences[sample] + run->step->kept_at);
}

static inline const float *step_whole(const struct layer_run *run, uint32_t input, size_t sample)
{
    return (const float *)(const void *)(run->step->sequences[sample] + run->step->whole_at[input]);
}

#endif
