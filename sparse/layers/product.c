/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/product.h"
#include "base/pool.h"
#include "base/size.h"

void product_forward(const struct layer_run *run)
{
    const struct product product = { .bias = run->layer->vectors[0].data,
                                     .x = run->in[0]->data,
                                     .y = run->out->data,
                                     .n = tensor_columns(run->out),
                                     .rectify = run->finish && run->finish->rectify };

    weights_run(run->weights, &product, run->part, run->parts);
}

/* A column's gradient grows along its chain of rows; what is added to another needs a place of its own till then. */
int product_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    if (!setup->accumulate[0])
        return 0;
    if (!size_multiply(shape_elements(&setup->inputs[0]) * sizeof(float), setup->batch, &needs->scratch))
        return refuse(why, WISP_E_FORMAT, "%zu samples are too many", setup->batch);
    return 0;
}

void product_share(const struct layer_run *run, unsigned long long *begin, unsigned long long *end)
{
    pool_share(run->layer->weight.columns, 16, run->part, run->parts, begin, end);
}

void product_backward_bias(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    if (!back->vector_gradient[0])
        return;
    pool_share(run->layer->weight.rows, 16, run->part, run->parts, &begin, &end);
    run->kernels->row_sums(back->out_gradient, back->vector_gradient[0], tensor_columns(run->out), (uint32_t)begin,
                           (uint32_t)end);
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
                                          .n = tensor_columns(run->out) };

    if (product.by_column)
        run->kernels->csc_backward(&product, begin, end);
    else
        run->kernels->spmm_backward(product.w, product.x, product.y_gradient, in_gradient, product.w_gradient,
                                    product.n, begin, end);
}

void product_backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    float *in_gradient = back->in_gradient[0], *into = back->accumulate[0] ? run->scratch : in_gradient;
    const size_t n = tensor_columns(run->out);
    unsigned long long begin, end;

    product_share(run, &begin, &end);
    backward_columns(back, into, (uint32_t)begin, (uint32_t)end);
    if (back->accumulate[0])
        run->kernels->add(in_gradient + begin * n, into + begin * n, (end - begin) * n);
    product_backward_bias(back);
}
