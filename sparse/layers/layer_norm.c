/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_norm: each position's features to mean 0 and variance 1, then scale and shift per feature (Ba et al. 2016,
 * Layer normalization).
 *
 * A column of the activation, one position of one sample, is normalised by itself: its sums are chains over ascending
 * features, so nothing depends on what stands beside it. Columns go in blocks that stay in the cache; a part owns
 * columns, and features where the gradients of scale and shift are summed over columns.
 */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

enum { SCALE, SHIFT };
enum { EPSILON };
enum { BLOCK = 256 }; /* columns */

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint64_t features = inputs[0].dimension[0];

    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0],
                                .fixed_cost = 2.0 * (double)shape_elements(&inputs[0]),
                                .vectors = { features, features } };
    return 0;
}

/* Saved are the means of all columns, then their inverse deviations. The scratch is a row for each part. */
static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    uint64_t bytes;

    if (setup->mode != LAYER_TRAIN)
        return 0;
    if (!size_multiply(plan_positions(&setup->inputs[0]) * sizeof(float), setup->batch, &bytes) ||
        !size_multiply(bytes, 2, &needs->saved))
        return refuse(why, WISP_E_FORMAT, "%zu samples are too many", setup->batch);
    needs->scratch_part = bytes;
    return 0;
}

/* What rows from a feature on become, for columns whose statistics stand at `mean` and `inverse`. */
static struct column_norm norm_of(const struct layer *layer, size_t feature, const float *mean, const float *inverse)
{
    const float *scale = layer->vectors[SCALE].data, *shift = layer->vectors[SHIFT].data;

    return (struct column_norm){ mean, inverse, scale ? scale + feature : NULL, shift ? shift + feature : NULL };
}

static void measure(const struct layer_run *run, const struct column_rows *columns, float *mean, float *inverse)
{
    const float features = (float)columns->rows, epsilon = (float)run->layer->parameters[EPSILON];

    run->kernels->column_sums(columns, mean);
    for (size_t c = 0; c < columns->count; c++)
        mean[c] /= features;
    run->kernels->column_squares(columns, mean, inverse);
    for (size_t c = 0; c < columns->count; c++)
        inverse[c] = 1 / sqrtf(inverse[c] / features + epsilon);
}

static void forward(const struct layer_run *run)
{
    const size_t features = tensor_features(run->out), columns = tensor_columns(run->out);
    float block[2][BLOCK], *saved = run->mode == LAYER_TRAIN ? run->saved : NULL;
    unsigned long long begin, end;

    pool_share(columns, 16, run->part, run->parts, &begin, &end);
    for (size_t at = begin; at < end; at += BLOCK) {
        const struct column_rows some = { run->in[0]->data + at, columns, features, MIN((size_t)BLOCK, end - at) };
        float *mean = saved ? saved + at : block[0], *inverse = saved ? saved + columns + at : block[1];
        const struct column_norm norm = norm_of(run->layer, 0, mean, inverse);

        measure(run, &some, mean, inverse);
        run->kernels->column_norm(&some, run->out->data + at, &norm);
    }
}

/* With h the normalised values and d the gradient times the scale: (d - mean of d - h mean of d h) / deviation. */
static void back_block(const struct layer_back *back, size_t at, size_t n)
{
    const struct layer_run *run = &back->run;
    const size_t features = tensor_features(run->out), columns = tensor_columns(run->out);
    const float *mean = (const float *)run->saved + at, *inverse = mean + columns;
    float level[BLOCK] = { 0 }, tilt[BLOCK] = { 0 }, row[BLOCK];

    for (size_t f = 0; f < features; f++) {
        const struct column_norm norm = norm_of(run->layer, f, mean, inverse);
        const size_t from = f * columns + at;

        run->kernels->column_norm_sums(run->in[0]->data + from, back->out_gradient + from, n, &norm, level, tilt);
    }
    for (size_t c = 0; c < n; c++) {
        level[c] /= (float)features;
        tilt[c] /= (float)features;
    }
    for (size_t f = 0; f < features; f++) {
        const struct column_norm norm = norm_of(run->layer, f, mean, inverse);
        const size_t from = f * columns + at;
        float *to = back->in_gradient[0] + from;

        run->kernels->column_norm_backward(run->in[0]->data + from, back->out_gradient + from,
                                           back->accumulate[0] ? row : to, n, &norm, level, tilt);
        if (back->accumulate[0])
            run->kernels->add(to, row, n);
    }
}

/* Of scale the sum of g h over the columns, of shift that of g. */
static void back_vectors(const struct layer_back *back, size_t feature)
{
    const struct layer_run *run = &back->run;
    const size_t columns = tensor_columns(run->out);
    const float *mean = run->saved;
    const struct column_norm plain = { mean, mean + columns, NULL, NULL };
    const struct column_rows row = { run->in[0]->data + feature * columns, columns, 1, columns };
    struct norm_sums sums;

    run->kernels->column_norm(&row, run->scratch_part, &plain);
    sums = run->kernels->norm_sums(run->scratch_part, back->out_gradient + feature * columns, columns, 0);
    if (back->vector_gradient[SCALE])
        back->vector_gradient[SCALE][feature] = sums.product;
    if (back->vector_gradient[SHIFT])
        back->vector_gradient[SHIFT][feature] = sums.gradient;
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    pool_share(tensor_features(run->out), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++)
        back_vectors(back, f);
    if (!back->in_gradient[0])
        return;
    pool_share(tensor_columns(run->out), 16, run->part, run->parts, &begin, &end);
    for (size_t at = begin; at < end; at += BLOCK)
        back_block(back, at, MIN((size_t)BLOCK, end - at));
}

const struct layer_kind layer_layer_norm = {
    .name = "layer_norm",
    .inputs_min = 1,
    .inputs_max = 1,
    .follows = true,
    .in_place = true,
    .vectors = { [SCALE] = { .name = "scale", .first = 1 }, [SHIFT] = { .name = "shift" } },
    .parameters = { [EPSILON] = { "epsilon", 1e-5, 0, 1, PARAMETER_REAL } },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .step = forward,
    .backward = backward,
};
