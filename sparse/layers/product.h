/* SPDX-License-Identifier: Apache-2.0
 *
 * y = bias + W x over the columns of a tensor: of samples for a linear layer, of positions and samples for a
 * projection. The kind has a weight, of as many columns as the input has elements in a column of the output, and a bias
 * as its first vector; these are its prepare(), forward(), which rectifies, and backward(). A part owns rows forward,
 * columns of the weight backward.
 */
#ifndef SPARSE_LAYERS_PRODUCT_H
#define SPARSE_LAYERS_PRODUCT_H

#include "sparse/layers/planning.h"

int product_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why);
void product_forward(const struct layer_run *run);
void product_backward(const struct layer_back *back);

/* Of backward(): the columns that a part owns; and the bias alone. */
void product_share(const struct layer_run *run, unsigned long long *begin, unsigned long long *end);
void product_backward_bias(const struct layer_back *back);

#endif
