/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution/convolution.h"

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

struct convolution convolution_of_layer(const struct layer *layer, const struct shape *in, const struct shape *out)
{
    struct convolution c = layer->kind->convolution(layer->parameters, in, out);

    c.weight = &layer->weight;
    c.parts = 1;
    return c;
}

/* Views, tiles, or both; or the picture as it stands, which one sample may be for and more not. */
static bool ways_scratch(const struct convolution *c, const bool ways[CONVOLUTION_WAYS], uint64_t *bytes)
{
    uint64_t samples = 0, lines = 0, tiles = 0, direct = 0;

    if (ways[WAY_VIEWS] && !add_need(c, c->transposed ? CONVOLUTION_SPREAD : CONVOLUTION_GATHER, false, bytes))
        return false;
    if ((ways[WAY_SAMPLES] && !convolution_samples_scratch(c, &samples)) ||
        (ways[WAY_LINES] && !convolution_lines_scratch(c, &lines)) ||
        (ways[WAY_TILES] && !convolution_tile_scratch(c, &tiles)) ||
        (c->groups > 1 && convolution_can_direct(c) && !convolution_direct_scratch(c, &direct)))
        return false;
    *bytes = MAX(*bytes, MAX(MAX(samples, lines), MAX(tiles, direct)));
    return true;
}

bool convolution_serve_scratch(const struct convolution *c, uint64_t *bytes)
{
    bool ways[CONVOLUTION_WAYS];

    *bytes = 0;
    convolution_candidates(c, ways);
    return ways_scratch(c, ways, bytes);
}

static bool forward_needs(const struct layer_setup *setup, const struct convolution *c, uint64_t *bytes)
{
    bool ways[CONVOLUTION_WAYS] = { false };

    if (setup->mode == LAYER_SERVE)
        return convolution_serve_scratch(c, bytes);
    ways[convolution_is_product(c) ? WAY_PRODUCT : WAY_VIEWS] = true;
    return ways_scratch(c, ways, bytes);
}

int convolution_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    struct convolution c = convolution_of_layer(setup->layer, &setup->inputs[0], &setup->plan->shape);
    bool fits;

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
    struct convolution c = convolution_of_layer(run->layer, &run->in[0]->shape, &run->out->shape);

    c.kernels = run->kernels;
    c.batch = run->in[0]->batch;
    c.part = run->part;
    c.parts = run->parts;
    return c;
}

static void serve_views(const struct convolution *c, const struct weights *weights, const float *in, float *out,
                        void *scratch)
{
    struct convolution own = *c;

    own.regrouped = weights_regrouped(weights);
    (c->transposed ? convolution_spread : convolution_gather)(&own, in, out, false, scratch);
}

void convolution_serve(const struct convolution *c, const struct weights *weights, const float *in, float *out,
                       void *scratch)
{
    const struct product product = { .bias = c->bias,
                                     .x = in,
                                     .y = out,
                                     .n = window_positions(&c->window) * c->batch,
                                     .rectify = c->finish && c->finish->rectify };
    const enum convolution_way way = convolution_way_with(c, weights);
    struct convolution own = *c;

    own.full = way_is_full(way);
    switch (way_sparse(way)) {
    case WAY_SAMPLES:
        convolution_samples(&own, weights_sample_tiles(weights), in, out, scratch);
        break;
    case WAY_LINES:
        convolution_lines(&own, weights_line_tiles(weights), in, out, scratch);
        break;
    case WAY_TILES:
        convolution_tile(&own, weights_tiles(weights), in, out, scratch);
        break;
    case WAY_PRODUCT:
        weights_run(weights, &product, c->part, c->parts);
        break;
    case WAY_DIRECT:
        convolution_direct(c, in, out, scratch);
        break;
    default:
        serve_views(c, weights, in, out, scratch);
    }
}

void convolution_forward(const struct layer_run *run)
{
    struct convolution c = convolution_at(run);

    c.bias = run->layer->vectors[0].data; /* which the products of the backward pass have none of */
    c.finish = run->finish;
    convolution_serve(&c, run->weights, run->in[0]->data, run->out->data, run->scratch_part);
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
