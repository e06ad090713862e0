/* SPDX-License-Identifier: Apache-2.0
 *
 * What kinds that work on each element alone have in common: the parts of a pool, and adding to a gradient. A kind
 * gives two functions for a run of elements; they do the same to an element wherever a run begins.
 */
#ifndef SPARSE_LAYERS_ELEMENTWISE_H
#define SPARSE_LAYERS_ELEMENTWISE_H

#include "sparse/layers/planning.h"

/* Overwrites in_gradient; run.in and run.out are whole, the others begin at the same element as theirs at `begin`. */
struct elementwise_back {
    const float *in, *out, *out_gradient;
    float *in_gradient;
};

struct elementwise {
    /* `in` and `out` are the same memory, or have none in common. */
    void (*activate)(const struct layer_run *run, const float *in, float *out, size_t n);
    void (*go_back)(const struct layer_run *run, const struct elementwise_back *back, size_t n);
};

/* The kind's own `forward` and `backward`: a part's elements, by its kind->elementwise. */
void elementwise_forward(const struct layer_run *run);
void elementwise_backward(const struct layer_back *back);

#endif
