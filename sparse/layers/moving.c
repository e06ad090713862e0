/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/pool.h"
#include "sparse/layers/moving.h"

void move_forward(const struct layer_run *run, const struct tensor *in, float *out)
{
    unsigned long long begin, end;

    pool_share(tensor_count(in), MOVE_GRAIN, run->part, run->parts, &begin, &end);
    if (out != in->data)
        memcpy(out + begin, in->data + begin, (end - begin) * sizeof *out);
}

void move_backward(const struct layer_back *back, uint32_t j, const float *gradient)
{
    const struct layer_run *run = &back->run;
    float *to = back->in_gradient[j];
    unsigned long long begin, end;

    if (!to)
        return;
    pool_share(tensor_count(run->in[j]), MOVE_GRAIN, run->part, run->parts, &begin, &end);
    if (back->accumulate[j])
        run->kernels->add(to + begin, gradient + begin, end - begin);
    else
        memcpy(to + begin, gradient + begin, (end - begin) * sizeof *to);
}

void move_only_forward(const struct layer_run *run)
{
    move_forward(run, run->in[0], run->out->data);
}

void move_only_backward(const struct layer_back *back)
{
    move_backward(back, 0, back->out_gradient);
}

void move_nothing(const struct layer_back *back, uint32_t j)
{
    float *to = back->in_gradient[j];
    unsigned long long begin, end;

    if (!to || back->accumulate[j])
        return;
    pool_share(tensor_count(back->run.in[j]), MOVE_GRAIN, back->run.part, back->run.parts, &begin, &end);
    memset(to + begin, 0, (end - begin) * sizeof *to);
}
