/* SPDX-License-Identifier: Apache-2.0
 *
 * Pooling of one channel: what the kinds max_pool and average_pool do with each. `in` is the channel's picture of
 * `batch` samples, `out` what becomes of it, both feature-major; gradients are laid out the same way. Taps go in order,
 * row by row, whatever the batch.
 */
#ifndef SPARSE_LAYERS_POOLING_H
#define SPARSE_LAYERS_POOLING_H

#include "sparse/layers/planning.h"
#include "sparse/layers/window.h"

/* The largest under each window, the padding aside; NaN where there is one. */
void pooling_max(const struct window *window, const struct kernels *kernels, const float *in, size_t batch, float *out);

/* The same, to train: `taps` gets where it stood, of equal ones the first. */
void pooling_max_taps(const struct window *window, const float *in, size_t batch, float *out, uint16_t *taps);

/* Overwrites in_gradient: each element gets what the windows send whose largest it was, in the order of the windows. */
void pooling_max_backward(const struct window *window, const uint16_t *taps, const float *out_gradient, size_t batch,
                          float *in_gradient);

/* The sum under each window, divided by its size: the padding counts as zeros, as PyTorch has it by default. */
void pooling_average(const struct window *window, const float *in, size_t batch, float *out);

/* Overwrites in_gradient. */
void pooling_average_backward(const struct window *window, const float *out_gradient, size_t batch, float *in_gradient);

/* ---- what the kinds have in common: a window that moves over each channel by itself ---- */

enum { POOLING_KERNEL, POOLING_STRIDE, POOLING_PADDING };

/* Of a struct layer_kind: its window, and the plan that follows from it. */
#define POOLING_WINDOW                                                                                                 \
    .parameters = { [POOLING_KERNEL] = { "kernel", 2, 1, 64, PARAMETER_WHOLE },                                        \
                    [POOLING_STRIDE] = { "stride", 0, 0, 64, PARAMETER_WHOLE },                                        \
                    [POOLING_PADDING] = { "padding", 0, 0, 63, PARAMETER_WHOLE } },                                    \
    .default_of = { [POOLING_STRIDE] = POOLING_KERNEL + 1 }, .plan = pooling_plan

int pooling_plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                 struct reason *why);
int pooling_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why);

typedef void pooling_channel_forward(const struct layer_run *run, const struct window *window, size_t channel);
void pooling_forward(const struct layer_run *run, pooling_channel_forward *channel);

/* in_gradient: the channel's, to be overwritten. */
typedef void pooling_channel_backward(const struct layer_back *back, const struct window *window, size_t channel,
                                      float *in_gradient);
void pooling_backward(const struct layer_back *back, pooling_channel_backward *channel);

#endif
