/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel_shuffle (Shi et al. 2016): {C * factor * factor, H, W} -> {C, H * factor, W * factor}: of each factor * factor
 * channels in a row, one pixel of each becomes a square of pixels, row by row. Moves numbers, and computes none.
 */
#include "base/pool.h"
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t factor = (uint32_t)parameters[0], channels = inputs[0].dimension[0];
    int result = plan_rank(&inputs[0], 3, "channels, height, width", why);

    (void)input_count;
    if (result)
        return result;
    if (channels % (factor * factor))
        return refuse(why, WISP_E_FORMAT, "%u channels are no multiple of %u, its factor %u squared", channels,
                      factor * factor, factor);
    *out = (struct layer_plan){ .shape = shape_make(3, channels / (factor * factor), inputs[0].dimension[1] * factor,
                                                    inputs[0].dimension[2] * factor) };
    return 0;
}

/* A row of one input channel: where it stands, and where its pixels go, each `step` elements after the other. */
struct shuffled_row {
    size_t in, out, step, pixels, batch;
};

static struct shuffled_row row_at(const struct layer_run *run, size_t channel, size_t y)
{
    const size_t factor = (size_t)run->layer->parameters[0], batch = run->out->batch;
    const size_t height = run->in[0]->shape.dimension[1], width = run->in[0]->shape.dimension[2];
    const size_t place = channel % (factor * factor);
    const size_t out_row = channel / (factor * factor) * height * factor + y * factor + place / factor;

    return (struct shuffled_row){ .in = (channel * height + y) * width * batch,
                                  .out = (out_row * width * factor + place % factor) * batch,
                                  .step = factor * batch,
                                  .pixels = width,
                                  .batch = batch };
}

static void forward_row(const struct layer_run *run, const struct shuffled_row *row)
{
    for (size_t x = 0; x < row->pixels; x++) {
        const float *in = run->in[0]->data + row->in + x * row->batch;
        float *out = run->out->data + row->out + x * row->step;

        for (size_t b = 0; b < row->batch; b++)
            out[b] = in[b];
    }
}

static void backward_row(const struct layer_back *back, const struct shuffled_row *row)
{
    for (size_t x = 0; x < row->pixels; x++) {
        const float *gradient = back->out_gradient + row->out + x * row->step;
        float *into = back->in_gradient[0] + row->in + x * row->batch;

        for (size_t b = 0; b < row->batch; b++)
            into[b] = back->accumulate[0] ? into[b] + gradient[b] : gradient[b];
    }
}

/* A part's rows of the input; `back` NULL: forward. */
static void move_rows(const struct layer_run *run, const struct layer_back *back)
{
    const size_t height = run->in[0]->shape.dimension[1];
    unsigned long long begin, end;

    pool_share(tensor_features(run->in[0]) * height, 1, run->part, run->parts, &begin, &end);
    for (size_t y = begin; y < end; y++) {
        const struct shuffled_row row = row_at(run, y / height, y % height);

        if (back)
            backward_row(back, &row);
        else
            forward_row(run, &row);
    }
}

static void forward(const struct layer_run *run)
{
    move_rows(run, NULL);
}

static void backward(const struct layer_back *back)
{
    if (back->in_gradient[0])
        move_rows(&back->run, back);
}

const struct layer_kind layer_pixel_shuffle = { .name = "pixel_shuffle",
                                                .inputs_min = 1,
                                                .inputs_max = 1,
                                                .own_width = true,
                                                .parameters = { { "factor", 2, 1, 64, PARAMETER_WHOLE } },
                                                .plan = plan,
                                                .forward = forward,
                                                .backward = backward };
