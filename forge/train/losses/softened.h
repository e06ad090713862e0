/* SPDX-License-Identifier: Apache-2.0
 *
 * A distribution over classes, softened by a temperature T: exp(log(p / largest) / T) of each, and their sum.
 */
#ifndef FORGE_TRAIN_LOSSES_SOFTENED_H
#define FORGE_TRAIN_LOSSES_SOFTENED_H

#include <stddef.h>
#include <stdint.h>

/* A probability that rounds to 0 is a large loss, not an infinite one. */
#define PROBABILITY_MIN 1e-30f

struct softened {
    const float *p;
    float temperature, largest, sum;
    uint32_t best;
};

/* Of `classes` probabilities, `stride` apart. */
struct softened softened_of(const float *p, size_t classes, size_t stride, float temperature);

/* Of p[at]; its part of the sum is its softened probability. */
float softened_share(const struct softened *softened, size_t at);

#endif
