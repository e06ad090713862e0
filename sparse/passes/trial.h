/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of two ways is the faster one, learnt from the passes themselves: they go the way that takes less, at best and
 * of late, and the very first one way 0. Now and then one goes the other way, the more seldom the slower that is, so
 * that what it costs stays below a hundredth.
 */
#ifndef SPARSE_PASSES_TRIAL_H
#define SPARSE_PASSES_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

struct trial {
    uint64_t ns[2]; /* of a sample; 0: nobody has said it yet */
    uint32_t passes;
};

/* The next one's way, 0 or 1. What both should take, in nanoseconds a sample, counts until there is more. */
unsigned trial_next(struct trial *trial, uint64_t first_ns, uint64_t second_ns);
void trial_learn(struct trial *trial, unsigned way, uint64_t ns);

#endif
