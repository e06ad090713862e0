/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: any shape -> {neurons}: y = bias + W x over all elements of the input.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

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

static void forward(const struct layer_run *run)
{
    const struct product product = {
        .bias = run->layer->vectors[0].data, .x = run->in[0]->data, .y = run->out->data, .n = run->out->batch
    };

    if (run->in[0]->vectors)
        forward_sparse(run);
    else
        weights_run(run->weights, &product, run->part, run->parts);
}

/* A column's gradient grows along its chain of rows; what is added to another needs a place of its own till then. */
static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    bool fits = true;

    if (setup->sparse_input) {
        fits = size_multiply(SPARSE_BACKWARD_ROOM(sizeof(float)), setup->batch, &needs->scratch_part);
        needs->scratch_part = MAX(needs->scratch_part, setup->plan->outputs * sizeof(float));
    } else if (setup->accumulate[0]) {
        fits = size_multiply(setup->plan->inputs * sizeof(float), setup->batch, &needs->scratch);
    }
    return fits ? 0 : refuse(why, WISP_E_FORMAT, "%zu samples are too many", setup->batch);
}

/* What sparse samples do not reach is 0 already. */
static void backward_sparse(const struct layer_back *back, uint32_t begin, uint32_t end)
{
    const struct layer_run *run = &back->run;
    const struct sparse_product product = sparse_product(run);

    run->kernels->sparse_backward(&product, back->out_gradient, back->weight_gradient, begin, end, run->scratch_part);
}

/* The gradients of columns [begin, end) and of the connections in them. */
static void backward_columns(const struct layer_back *back, float *in_gradient, uint32_t begin, uint32_t end)
{
    const struct layer_run *run = &back->run;
    const struct back_product product = { .w = &run->layer->weight,
                                          .by_column = weights_columns(run->weights),
                                          .x = run->in[0]->data,
                                          .y_gradient = back->out_gradient,
                                          .x_gradient = in_gradient,
                                          .w_gradient = back->weight_gradient,
                                          .n = run->out->batch };

    if (run->in[0]->vectors)
        backward_sparse(back, begin, end);
    else if (product.by_column)
        run->kernels->csc_backward(&product, begin, end);
    else
        run->kernels->spmm_backward(product.w, product.x, product.y_gradient, in_gradient, product.w_gradient,
                                    product.n, begin, end);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct csr *weight = &run->layer->weight;
    float *in_gradient = back->in_gradient[0], *into = back->accumulate[0] ? run->scratch : in_gradient;
    size_t batch = run->out->batch;
    unsigned long long begin, end;

    /* A part owns columns. */
    pool_share(weight->columns, 16, run->part, run->parts, &begin, &end);
    backward_columns(back, into, (uint32_t)begin, (uint32_t)end);
    if (back->accumulate[0])
        run->kernels->add(in_gradient + begin * batch, into + begin * batch, (end - begin) * batch);
    if (back->vector_gradient[0]) {
        pool_share(weight->rows, 16, run->part, run->parts, &begin, &end);
        run->kernels->row_sums(back->out_gradient, back->vector_gradient[0], batch, (uint32_t)begin, (uint32_t)end);
    }
}

const struct layer_kind layer_linear = {
    .name = "linear",
    .inputs_min = 1,
    .inputs_max = 1,
    .role = ROLE_MAP,
    .weighted = true,
    .by_columns = true,
    .sparse_input = true,
    .vectors = { { .name = "bias" } },
    .parameters = { { "neurons", 0, 1, MODEL_ELEMENTS_MAX, PARAMETER_WHOLE } },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
