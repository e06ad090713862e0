/* SPDX-License-Identifier: Apache-2.0
 *
 * slice: of one dimension, the elements [begin, begin + count): the last frame, which is what a recurrent layer ends
 * with; the hidden neurons of those that stand over cells.
 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/moving.h"

enum { AXIS, BEGIN, COUNT };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t axis = (uint32_t)parameters[AXIS];

    (void)input_count;
    if (axis >= inputs[0].rank)
        return refuse(why, WISP_E_FORMAT, "axis %u is not one of its input's %u, counted from 0", axis, inputs[0].rank);
    if (parameters[BEGIN] + parameters[COUNT] > inputs[0].dimension[axis])
        return refuse(why, WISP_E_FORMAT, "%.0f from %.0f on are more than the %u along axis %u", parameters[COUNT],
                      parameters[BEGIN], inputs[0].dimension[axis], axis);
    *out = (struct layer_plan){ .shape = inputs[0] };
    out->shape.dimension[axis] = (uint32_t)parameters[COUNT];
    return 0;
}

/* Rows along the axis, of `floats` each: `size` of them in the input, `count` in the output, over and over. */
struct cut {
    size_t size, begin, count, floats;
};

static struct cut cut_of(const struct layer_run *run)
{
    const double *parameters = run->layer->parameters;
    const uint32_t axis = (uint32_t)parameters[AXIS];
    struct cut cut = { .size = run->in[0]->shape.dimension[axis],
                       .begin = (size_t)parameters[BEGIN],
                       .count = (size_t)parameters[COUNT],
                       .floats = run->out->batch };

    for (uint32_t i = axis + 1; i < run->in[0]->shape.rank; i++)
        cut.floats *= run->in[0]->shape.dimension[i];
    return cut;
}

static void share_rows(const struct layer_run *run, const struct tensor *tensor, const struct cut *cut,
                       unsigned long long *begin, unsigned long long *end)
{
    pool_share(tensor_count(tensor) / cut->floats, MAX(MOVE_GRAIN / cut->floats, 1u), run->part, run->parts, begin,
               end);
}

static void forward(const struct layer_run *run)
{
    const struct cut cut = cut_of(run);
    unsigned long long begin, end;

    share_rows(run, run->out, &cut, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const size_t from = r / cut.count * cut.size + cut.begin + r % cut.count;

        memcpy(run->out->data + r * cut.floats, run->in[0]->data + from * cut.floats, cut.floats * sizeof(float));
    }
}

static int step_plan(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why)
{
    *kept = 0;
    if (setup->inputs[0].rank != 2 || setup->layer->parameters[AXIS] != 0)
        return refuse(why, WISP_E_FORMAT, "it takes some of the sequence's positions");
    return 0;
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct cut cut = cut_of(run);
    unsigned long long begin, end;

    if (!back->in_gradient[0])
        return;
    share_rows(run, run->in[0], &cut, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const size_t at = r % cut.size;
        float *to = back->in_gradient[0] + r * cut.floats;
        const float *gradient;

        if (at < cut.begin || at >= cut.begin + cut.count) {
            if (!back->accumulate[0])
                memset(to, 0, cut.floats * sizeof *to);
            continue;
        }
        gradient = back->out_gradient + (r / cut.size * cut.count + at - cut.begin) * cut.floats;
        if (back->accumulate[0])
            run->kernels->add(to, gradient, cut.floats);
        else
            memcpy(to, gradient, cut.floats * sizeof *to);
    }
}

const struct layer_kind layer_slice = {
    .name = "slice",
    .inputs_min = 1,
    .inputs_max = 1,
    .own_width = true,
    .flow = FLOW_MIXED,
    .parameters = { [AXIS] = { "axis", 0, 0, SHAPE_RANK_MAX - 1, PARAMETER_WHOLE },
                    [BEGIN] = { "begin", 0, 0, MODEL_ELEMENTS_MAX, PARAMETER_WHOLE },
                    [COUNT] = { "count", 1, 1, MODEL_ELEMENTS_MAX, PARAMETER_WHOLE } },
    .plan = plan,
    .forward = forward,
    .step = forward,
    .step_plan = step_plan,
    .backward = backward,
};
