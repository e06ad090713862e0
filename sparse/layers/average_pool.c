/* SPDX-License-Identifier: Apache-2.0
 *
 * average_pool: {C, H, W} -> {C, H', W'}: the mean of each window, in which the padding counts as zeros. Stride 0
 * stands for the kernel's size.
 */
#include "sparse/layers/planning.h"
#include "sparse/layers/pooling.h"

static void forward_channel(const struct layer_run *run, const struct window *window, size_t f)
{
    pooling_average(window, run->in[0]->data + f * tensor_columns(run->in[0]), run->in[0]->batch,
                    run->out->data + f * tensor_columns(run->out));
}

static void forward(const struct layer_run *run)
{
    pooling_forward(run, forward_channel);
}

static void backward_channel(const struct layer_back *back, const struct window *window, size_t f, float *in_gradient)
{
    pooling_average_backward(window, back->out_gradient + f * tensor_columns(back->run.out), back->run.out->batch,
                             in_gradient);
}

static void backward(const struct layer_back *back)
{
    pooling_backward(back, backward_channel);
}

const struct layer_kind layer_average_pool = {
    .name = "average_pool",
    .inputs_min = 1,
    .inputs_max = 1,
    POOLING_WINDOW,
    .prepare = pooling_prepare,
    .forward = forward,
    .backward = backward,
};
