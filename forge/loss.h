/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax cross-entropy. The model's last layer is the softmax; the gradient is taken with respect to what it reads
 * (the logits), where it is simply p - t: t is 1 at the label and 0 elsewhere, or, with label smoothing e over C
 * classes, 1 - e + e / C and e / C. The loss that is reported is -log p at the label, without smoothing and without the
 * weights that classes may have in the gradient.
 */
#ifndef FORGE_LOSS_H
#define FORGE_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"

struct loss {
    size_t classes, max; /* samples at once */
    float *weights;      /* of the classes, in the gradient only; all 1 at first */
    float *gradient;     /* activation [classes][count] */
    double *each;        /* a sample; NaN when a probability is: then `predicted` says nothing */
    uint32_t *predicted; /* the most probable class; the first of equals */
};

#define LOSS_NULL ((struct loss){ .max = 0 })

int loss_init(struct loss *loss, size_t classes, size_t max); /* -ENOMEM */
void loss_deinit(struct loss *loss);                          /* idempotent */

/* From the probabilities of `count` samples, an activation [classes][count], and their classes. */
void loss_run(struct loss *loss, const float *probabilities, const uint32_t *labels, size_t count, float smoothing,
              struct pool *pool);

/* Sums over the samples of the last loss_run(), in their order. NaN when a probability is. */
double loss_sum(const struct loss *loss, size_t count);
size_t loss_correct(const struct loss *loss, const uint32_t *labels, size_t count);

#endif
