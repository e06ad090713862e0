/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of whole sums (struct finish): any of its steps, of operands that end at a forbidden page, and the same
 * written out.
 */
#ifndef TESTS_KERNELS_FINISHING_H
#define TESTS_KERNELS_FINISHING_H

#include "kernels/operands.h"
#include "sparse/kernels/kernels.h"

struct finishing {
    struct finish finish;
    struct guarded norms, add;
};

/* Of `rows` rows in the `count` floats of y; of each step there is an even chance. */
static inline struct finishing finishing_new(struct rng *rng, uint32_t rows, const float *y, size_t count, bool special)
{
    const size_t floats = rows * sizeof(struct affine) / sizeof(float);
    struct finishing made = { .norms = guarded_new(floats), .add = guarded_new(count) };

    fill(rng, made.norms.data, floats, special);
    fill(rng, made.add.data, count, special);
    made.finish = (struct finish){ .norms = rng_below(rng, 2) ? (const struct affine *)(void *)made.norms.data : NULL,
                                   .add = rng_below(rng, 2) ? made.add.data : NULL,
                                   .y = y,
                                   .rectify = rng_below(rng, 2) };
    return made;
}

static inline void finishing_free(struct finishing *finishing)
{
    guarded_free(&finishing->norms);
    guarded_free(&finishing->add);
}

/* What is stored as the element number `at` of y, in row `row`. */
static inline float finished(const struct finish *finish, float sum, uint32_t row, size_t at)
{
    if (finish->norms)
        sum = fmaf(sum - finish->norms[row].offset, finish->norms[row].factor, finish->norms[row].shift);
    if (finish->add)
        sum += finish->add[at];
    return finish->rectify && sum <= 0 ? 0 : sum;
}

#endif
