/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in memory: a batch of samples of one shape, borrowed.
 *
 * Feature-major: features (a shape's first dimension) outermost, then positions (its other dimensions in their order:
 * pixels, tokens, frames), samples innermost. Element e of sample b stands at data[e * batch + b], where e counts the
 * shape's elements row-major. So a tensor is a matrix of features x (positions * batch) columns, and a linear layer, a
 * projection and a 1 x 1 convolution are one product over columns. For one sample it is the plain row-major tensor.
 */
#ifndef SPARSE_TENSOR_TENSOR_H
#define SPARSE_TENSOR_TENSOR_H

#include <stddef.h>

#include "sparse/tensor/shape.h"
#include "sparse/tensor/sparse_vector.h"

struct tensor {
    float *data;        /* 64-byte aligned, but for one sample that a client brings or takes */
    struct shape shape; /* of one sample */
    uint64_t elements;  /* of one sample: shape_elements() */
    size_t batch;       /* samples; the stride from an element to the next */
    /* In the place of `data`, for a kind that takes it: the samples, each by what of it is not 0. */
    const struct sparse_vector *vectors;
    /* The same to serve: the samples where they stand, each of all elements one after the other. */
    const float *const *samples;
};

/* Floats in all. */
static inline size_t tensor_count(const struct tensor *tensor)
{
    return tensor->elements * tensor->batch;
}

/* Of the matrix: rows, and columns of positions and samples. */
static inline size_t tensor_features(const struct tensor *tensor)
{
    return tensor->shape.dimension[0];
}

static inline size_t tensor_columns(const struct tensor *tensor)
{
    return tensor->elements / tensor->shape.dimension[0] * tensor->batch;
}

#endif
