/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution as the product that a linear layer is. The weight is channels x (C / groups * taps); its columns go by
 * input channel of the group, then row and column of the kernel. For positions of the output it is multiplied by a
 * matrix of as many rows, of what lies under each tap, with a column for each position and sample (im2col): +0 in the
 * padding, which so takes part in an output's chain as any other element does. Positions go in tiles of some hundred
 * columns, so that memory follows the weight's columns and not the picture. The cut into tiles depends on shape and
 * batch alone; a part owns tiles forward, and input channels backward.
 *
 * (Chellapilla et al. 2006, High performance convolutional neural networks for document processing.)
 */
#ifndef SPARSE_LAYERS_CONVOLUTION_H
#define SPARSE_LAYERS_CONVOLUTION_H

#include "sparse/kernels/weights.h"
#include "sparse/layers/window.h"
#include "sparse/tensor/csr.h"

struct convolution {
    const struct kernels *kernels;
    const struct csr *weight;
    const struct weights *weights; /* of it, for the way forward; borrowed where there are groups */
    const float *bias;             /* NULL: none */
    struct window window;
    uint32_t channels, groups; /* input channels; groups divides them and the weight's rows */
    size_t batch;              /* samples */
    unsigned part, parts;
};

/* Floats of scratch that a part needs, at `batch` samples at most, for a weight of rows x columns; backward, besides,
 * one for each connection. False: more than a size can say. */
bool convolution_scratch(const struct window *window, uint64_t rows, uint64_t columns, size_t batch, size_t *out);
bool convolution_scratch_backward(const struct window *window, uint64_t rows, uint64_t columns, uint64_t connections,
                                  size_t batch, size_t *out);

/* out = bias + weight * in, for in of channels x (height * width * batch) floats and out of rows x (positions * batch).
 */
void convolution_forward(const struct convolution *c, const float *in, float *out, float *scratch);

/* Given the output's gradient, overwrites weight_gradient (one a connection) and, unless NULL, in_gradient and
 * bias_gradient. A connection's gradient is the sum over tiles, in order, of the contract's dot product over a tile's
 * columns. Of the input's gradient a part writes the channels [begin, end) that convolution_share() says. */
struct convolution_back {
    const float *in, *out_gradient;
    float *in_gradient, *weight_gradient, *bias_gradient;
};
void convolution_share(const struct convolution *c, uint32_t *begin, uint32_t *end);
void convolution_backward(const struct convolution *c, const struct convolution_back *back, float *scratch);

#endif
