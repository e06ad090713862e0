/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: any shape -> {neurons}: y = bias + W x over all elements of the input.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/product.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = shape_make(1, (uint32_t)parameters[0], 0, 0),
                                .inputs = shape_elements(&inputs[0]),
                                .outputs = (uint64_t)parameters[0],
                                .kernel_height = 1,
                                .kernel_width = 1,
                                .uses = 1,
                                .vectors = { (uint64_t)parameters[0] } };
    return 0;
}

static struct sparse_product sparse_product(const struct layer_run *run)
{
    return (struct sparse_product){ .w = &run->layer->weight,
                                    .by_column = weights_columns(run->weights),
                                    .bias = run->layer->vectors[0].data,
                                    .x = run->in[0]->vectors,
                                    .n = run->out->batch };
}

/* A part owns samples. */
static void forward_sparse(const struct layer_run *run)
{
    const struct sparse_product product = sparse_product(run);
    unsigned long long begin, end;

    pool_share(product.n, 1, run->part, run->parts, &begin, &end);
    run->kernels->sparse_forward(&product, run->out->data, begin, end, run->scratch_part);
}

static void forward_bags(const struct layer_run *run)
{
    const struct layer *layer = run->layer;
    const struct bag_product product = { .by_column = weights_columns(run->weights),
                                         .values = weights_column_values(run->weights),
                                         .bias = layer->vectors[0].data,
                                         .x = run->in[0]->samples,
                                         .rows = layer->weight.rows,
                                         .columns = layer->weight.columns,
                                         .n = run->out->batch,
                                         .rectify = run->finish && run->finish->rectify };
    unsigned long long begin, end;

    pool_share(product.n, 1, run->part, run->parts, &begin, &end);
    run->kernels->bag_run(&product, run->out->data, begin, end, run->scratch_part);
}

static void forward(const struct layer_run *run)
{
    if (run->in[0]->vectors)
        forward_sparse(run);
    else if (run->in[0]->samples)
        forward_bags(run);
    else
        product_forward(run);
}

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    if (!setup->sparse_input)
        return product_prepare(setup, needs, why);
    if (setup->mode != LAYER_SERVE &&
        !size_multiply(SPARSE_BACKWARD_ROOM(sizeof(float)), setup->batch, &needs->scratch_part))
        return refuse(why, WISP_E_FORMAT, "%zu samples are too many", setup->batch);
    needs->scratch_part = MAX(needs->scratch_part, setup->plan->outputs * sizeof(float));
    return 0;
}

/* What sparse samples do not reach is 0 already. */
static void backward_sparse(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct sparse_product product = sparse_product(run);
    unsigned long long begin, end;

    product_share(run, &begin, &end);
    run->kernels->sparse_backward(&product, back->out_gradient, back->weight_gradient, (uint32_t)begin, (uint32_t)end,
                                  run->scratch_part);
    product_backward_bias(back);
}

static void backward(const struct layer_back *back)
{
    if (back->run.in[0]->vectors)
        backward_sparse(back);
    else
        product_backward(back);
}

const struct layer_kind layer_linear = {
    .name = "linear",
    .inputs_min = 1,
    .inputs_max = 1,
    .role = ROLE_MAP,
    .weighted = true,
    .by_columns = true,
    .rectifies = true,
    .sparse_input = true,
    .vectors = { { .name = "bias" } },
    .parameters = { { "neurons", 0, 1, MODEL_ELEMENTS_MAX, PARAMETER_WHOLE } },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
