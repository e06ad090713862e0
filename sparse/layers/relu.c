/* SPDX-License-Identifier: Apache-2.0
 *
 * relu: max(x, 0) of each element.
 */
#include "base/pool.h"
#include "sparse/layers/planning.h"

static void forward(const struct layer_run *run)
{
    unsigned long long begin, end;

    pool_share(tensor_count(run->out), 1024, run->part, run->parts, &begin, &end);
    run->kernels->relu(run->in[0]->data + begin, run->out->data + begin, end - begin);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    if (!back->in_gradient[0])
        return;
    pool_share(tensor_count(run->out), 1024, run->part, run->parts, &begin, &end);
    run->kernels->relu_backward(run->out->data + begin, back->out_gradient + begin, back->in_gradient[0] + begin,
                                end - begin);
}

const struct layer_kind layer_relu = { .name = "relu",
                                       .inputs_min = 1,
                                       .inputs_max = 1,
                                       .in_place = true,
                                       .plan = plan_same,
                                       .forward = forward,
                                       .backward = backward };
