/* SPDX-License-Identifier: Apache-2.0
 *
 * What kinds that only move their inputs have in common: a part's share of a copy, forward and back.
 */
#ifndef SPARSE_LAYERS_MOVING_H
#define SPARSE_LAYERS_MOVING_H

#include "sparse/layers/planning.h"

enum { MOVE_GRAIN = 1024 }; /* elements that a part has at least, but for the last */

/* Copies the part's share of tensor `in` to `out`, which may be the same memory. */
void move_forward(const struct layer_run *run, const struct tensor *in, float *out);

/* Sends the part's share of `gradient`, laid out as input `j`, to that input's gradient, if anybody needs it. */
void move_backward(const struct layer_back *back, uint32_t j, const float *gradient);

/* The whole of a kind whose output is its one input, whatever shape it calls it by. */
void move_only_forward(const struct layer_run *run);
void move_only_backward(const struct layer_back *back);

/* Sends nothing to an input that no answer depends on smoothly: the part's share of its gradient is 0, or stays. */
void move_nothing(const struct layer_back *back, uint32_t j);

#endif
