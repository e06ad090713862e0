/* SPDX-License-Identifier: Apache-2.0
 *
 * max_pool: {C, H, W} -> {C, H', W'}: the largest of each window. Stride 0 stands for the kernel's size.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"
#include "sparse/layers/pooling.h"

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    uint64_t outs;
    int result = pooling_prepare(setup, needs, why);

    if (result || setup->mode != LAYER_TRAIN)
        return result;
    if (!size_multiply(shape_elements(&setup->plan->shape), setup->batch, &outs) ||
        !size_multiply(outs, sizeof(uint16_t), &needs->saved))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

static void forward_channel(const struct layer_run *run, const struct window *window, size_t f)
{
    const size_t at = f * tensor_columns(run->out), batch = run->in[0]->batch;
    const float *in = run->in[0]->data + f * tensor_columns(run->in[0]);
    float *out = run->out->data + at;

    if (run->mode == LAYER_TRAIN)
        pooling_max_taps(window, in, batch, out, (uint16_t *)run->saved + at);
    else
        pooling_max(window, run->kernels, in, batch, out);
}

static void forward(const struct layer_run *run)
{
    pooling_forward(run, forward_channel);
}

static void backward_channel(const struct layer_back *back, const struct window *window, size_t f, float *in_gradient)
{
    const size_t out = f * tensor_columns(back->run.out);

    pooling_max_backward(window, (const uint16_t *)back->run.saved + out, back->out_gradient + out,
                         back->run.out->batch, in_gradient);
}

static void backward(const struct layer_back *back)
{
    pooling_backward(back, backward_channel);
}

const struct layer_kind layer_max_pool = {
    .name = "max_pool",
    .inputs_min = 1,
    .inputs_max = 1,
    POOLING_WINDOW,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
