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

/* The input `tensor` of `count` samples; sample b's stands at samples[b * stride]. */
void samples_gather(const struct model_tensor *tensor, const void *const *samples, size_t stride, size_t count,
                    float *values);

/* The output `tensor`, the same way. */
void samples_scatter(const struct model_tensor *tensor, const float *values, size_t count, void *const *samples,
                     size_t stride);

#endif
