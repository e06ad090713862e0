/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution of some shape, with what it reads, and what must come out: the contract, written out.
 */
#ifndef TESTS_CONVOLUTION_TRIAL_H
#define TESTS_CONVOLUTION_TRIAL_H

#include "base/rng.h"
#include "sparse/layers/convolution/convolution.h"

struct trial {
    struct convolution c;
    struct csr weight;
    float *bias, *picture, *positions;
    size_t pictures, all_positions; /* floats */
};

typedef void use_function(const struct trial *t, uint64_t k, size_t element, size_t position, void *argument);

struct trial make_trial(struct rng *rng, uint32_t number, size_t batch);
void free_trial(struct trial *t);
/* Calls it with the picture's element and the positions' one that each connection links, at every place where it is. */
void each_use(const struct trial *t, use_function *function, void *argument);
/* What must come out, when `before` stood there; NULL: it is overwritten. */
float *chains_of(const struct trial *t, bool spread, const float *bias, const float *before);
uint32_t below(struct rng *rng, uint32_t limit);

#endif
