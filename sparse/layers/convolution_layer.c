/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution.h"

int convolution_plan(const double *parameters, const struct shape *in, const struct shape *out_shape,
                     convolution_of *of, struct layer_plan *out, struct reason *why)
{
    const struct convolution c = of(parameters, in, out_shape);
    const uint32_t inputs = in->dimension[0], outputs = out_shape->dimension[0];

    if (inputs % c.groups || outputs % c.groups)
        return refuse(why, WISP_E_FORMAT, "%u groups do not divide %u input and %u output channels", c.groups, inputs,
                      outputs);
    *out = (struct layer_plan){ .shape = *out_shape,
                                .inputs = inputs / c.groups,
                                .outputs = outputs,
                                .kernel_height = c.window.kernel_height,
                                .kernel_width = c.window.kernel_width,
                                .groups = c.groups,
                                .direct = !convolution_is_product(&c),
                                .convolution = true,
                                .uses = (double)window_positions(&c.window),
                                .vectors = { outputs } };
    return 0;
}

static bool add_need(const struct convolution *c, enum convolution_product product, bool add, uint64_t *bytes)
{
    uint64_t more;

    if (!convolution_scratch(c, product, add, &more))
        return false;
    *bytes = MAX(*bytes, more);
    return true;
}

enum convolution_tiling convolution_tiling(const struct layer *layer, const struct shape *in, const struct shape *out,
                                           size_t batch)
{
    struct convolution c;
    bool all;

    if (!layer->kind->convolution)
        return TILES_NONE;
    c = layer->kind->convolution(layer->parameters, in, out);
    c.weight = &layer->weight;
    c.batch = batch;
    all = convolution_is_tiled(&c);
    if (convolution_is_product(&c)) /* of a sequence there may be fewer positions than here */
        return all ? TILES_SOME : TILES_NONE;
    c.batch = 1;
    return all ? TILES_ALL : convolution_is_tiled(&c) ? TILES_SOME : TILES_NONE;
}

/* The batches that a pass is made for may be smaller, so it is asked for none in particular. */
bool convolution_window_of(const struct layer *layer, const struct shape *in, const struct shape *out, size_t batch,
                           struct tile_window *window)
{
    struct convolution c;

    if (!layer->kind->convolution || batch < CONVOLUTION_SAMPLES_LEAST)
        return false;
    c = layer->kind->convolution(layer->parameters, in, out);
    c.weight = &layer->weight;
    c.batch = PACK_LANES;
    *window = convolution_window(&c);
    return convolution_is_samples(&c);
}

/* Views, tiles, or both; or the picture as it stands, which one sample may be for and more not. */
static bool forward_needs(const struct layer_setup *setup, const struct convolution *c, uint64_t *bytes)
{
    const enum convolution_tiling tiling =
        setup->mode == LAYER_SERVE ? convolution_tiling(setup->layer, setup->inputs, &setup->plan->shape, setup->batch)
                                   : TILES_NONE;
    struct tile_window window;
    uint64_t tiles = 0, samples = 0, direct = 0;

    if (tiling != TILES_NONE && !convolution_tile_scratch(c, &tiles))
        return false;
    *bytes = MAX(*bytes, tiles);
    if (convolution_is_product(c))
        return true;
    if (tiling != TILES_ALL && !add_need(c, c->transposed ? CONVOLUTION_SPREAD : CONVOLUTION_GATHER, false, bytes))
        return false;
    if (setup->mode == LAYER_SERVE &&
        convolution_window_of(setup->layer, setup->inputs, &setup->plan->shape, setup->batch, &window) &&
        !convolution_samples_scratch(c, &samples))
        return false;
    if (c->groups > 1 && convolution_can_direct(c) && !convolution_direct_scratch(c, &direct))
        return false;
    *bytes = MAX(*bytes, MAX(samples, direct));
    return true;
}

int convolution_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    struct convolution c =
        setup->layer->kind->convolution(setup->layer->parameters, &setup->inputs[0], &setup->plan->shape);
    bool fits;

    c.weight = &setup->layer->weight;
    c.batch = setup->batch;
    fits = forward_needs(setup, &c, &needs->scratch_part);
    if (setup->mode == LAYER_TRAIN)
        fits = fits &&
               add_need(&c, c.transposed ? CONVOLUTION_GATHER : CONVOLUTION_SPREAD, setup->accumulate[0],
                        &needs->scratch_part) &&
               add_need(&c, CONVOLUTION_DOTS, false, &needs->scratch_part);
    return fits ? 0 : refuse(why, WISP_E_FORMAT, "its convolution is too large for batches of %zu", setup->batch);
}

static struct convolution convolution_at(const struct layer_run *run)
{
    struct convolution c = run->layer->kind->convolution(run->layer->parameters, &run->in[0]->shape, &run->out->shape);

    c.kernels = run->kernels;
    c.weight = &run->layer->weight;
    c.batch = run->in[0]->batch;
    c.part = run->part;
    c.parts = run->parts;
    return c;
}

void convolution_forward(const struct layer_run *run)
{
    struct convolution c = convolution_at(run);
    const float *in = run->in[0]->data;

    c.bias = run->layer->vectors[0].data;
    if (weights_sample_tiles(run->weights) && convolution_is_samples(&c))
        convolution_samples(&c, weights_sample_tiles(run->weights), in, run->out->data, run->scratch_part);
    else if (weights_tiles(run->weights) && convolution_is_tiled(&c))
        convolution_tile(&c, weights_tiles(run->weights), in, run->out->data, run->scratch_part);
    else if (convolution_is_product(&c))
        weights_run(run->weights,
                    &(struct product){ .bias = c.bias, .x = in, .y = run->out->data, .n = tensor_columns(run->out) },
                    run->part, run->parts);
    else if (convolution_is_direct(&c))
        convolution_direct(&c, in, run->out->data, run->scratch_part);
    else if (c.transposed)
        convolution_spread(&c, in, run->out->data, false, run->scratch_part);
    else
        convolution_gather(&c, in, run->out->data, false, run->scratch_part);
}

static void back_bias(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    if (!back->vector_gradient[0])
        return;
    pool_share(tensor_features(run->out), 4, run->part, run->parts, &begin, &end);
    run->kernels->row_sums(back->out_gradient, back->vector_gradient[0], tensor_columns(run->out), (uint32_t)begin,
                           (uint32_t)end);
}

void convolution_backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct convolution c = convolution_at(run);
    float *in_gradient = back->in_gradient[0];

    back_bias(back);
    if (c.transposed) {
        convolution_dots(&c, back->out_gradient, run->in[0]->data, back->weight_gradient, run->scratch_part);
        if (in_gradient)
            convolution_gather(&c, back->out_gradient, in_gradient, back->accumulate[0], run->scratch_part);
        return;
    }
    convolution_dots(&c, run->in[0]->data, back->out_gradient, back->weight_gradient, run->scratch_part);
    if (in_gradient)
        convolution_spread(&c, back->out_gradient, in_gradient, back->accumulate[0], run->scratch_part);
}
