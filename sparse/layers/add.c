/* SPDX-License-Identifier: Apache-2.0
 *
 * add: the element-wise sum of two or more values of one shape: the residual connection.
 */
#include "base/pool.h"
#include "sparse/layers/moving.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters;
    for (uint32_t i = 1; i < input_count; i++) {
        if (!shape_equal(&inputs[i], &inputs[0]))
            return refuse(why, WISP_E_FORMAT, "its inputs have different shapes");
    }
    *out = (struct layer_plan){ .shape = inputs[0] };
    return 0;
}

/* In the order of the inputs. */
static void forward(const struct layer_run *run)
{
    float *out = run->out->data;
    unsigned long long begin, end;

    move_forward(run, run->in[0], out);
    pool_share(tensor_count(run->out), MOVE_GRAIN, run->part, run->parts, &begin, &end);
    for (uint32_t j = 1; j < run->layer->input_count; j++)
        run->kernels->add(out + begin, run->in[j]->data + begin, end - begin);
}

static void backward(const struct layer_back *back)
{
    for (uint32_t j = 0; j < back->run.layer->input_count; j++)
        move_backward(back, j, back->out_gradient);
}

const struct layer_kind layer_add = { .name = "add",
                                      .inputs_min = 2,
                                      .inputs_max = LAYER_INPUTS_MAX,
                                      .merge = MERGE_ELEMENTS,
                                      .finish = FINISH_ADD,
                                      .plan = plan,
                                      .forward = forward,
                                      .step = forward,
                                      .backward = backward };
