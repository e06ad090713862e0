/* SPDX-License-Identifier: Apache-2.0
 *
 * Between samples as clients have them, one tensor after another in memory, and the values of a pass, feature-major
 * floats: element f of sample b stands at [f * count + b]. Conversion and transposition are one step, so neither costs
 * a pass of its own over memory. Pure functions; any thread.
 */
#ifndef SPARSE_PASSES_SAMPLES_H
#define SPARSE_PASSES_SAMPLES_H

#include <stddef.h>

#include "sparse/graph/signature.h"
#include "sparse/kernels/kernels.h"

/* Samples in memory: sample b's tensor stands at at[b * stride]. Elements [begin, end) of each are meant. */
struct samples_in {
    const void *const *at;
    size_t stride, count;
    uint64_t begin, end;
};
struct samples_out {
    void *const *at; /* NULL: nobody wants this one */
    size_t stride, count;
    uint64_t begin, end;
};

/* The input `tensor`; `values` begins with element 0. */
void samples_gather(const struct kernels *kernels, const struct model_tensor *tensor, const struct samples_in *samples,
                    float *values);

/* The output `tensor`, the same way. */
void samples_scatter(const struct kernels *kernels, const struct model_tensor *tensor, const float *values,
                     const struct samples_out *samples);

#endif
