/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/pooling.h"

enum { TAP_NONE = UINT16_MAX };

/* One position's samples under one tap. No comparison with NaN is true, so one is looked for; the first that came
 * stays. */
static void take_larger(const float *in, size_t batch, uint16_t tap, float *out, uint16_t *taps)
{
    for (size_t b = 0; b < batch; b++) {
        const bool larger = in[b] > out[b] || in[b] != in[b];

        out[b] = larger ? in[b] : out[b];
        if (larger || taps[b] == TAP_NONE)
            taps[b] = tap;
    }
}

void pooling_max_taps(const struct window *window, const float *in, size_t batch, float *out, uint16_t *taps)
{
    const size_t positions = window_positions(window);

    for (size_t i = 0; i < positions * batch; i++)
        out[i] = -INFINITY;
    memset(taps, 0xff, positions * batch * sizeof *taps);
    for (uint32_t tap = 0; tap < window_taps(window); tap++) {
        for (uint32_t y = 0; y < window->out_height; y++) {
            struct window_run run;

            if (!window_run(window, tap, y, 0, positions, &run))
                continue;
            for (size_t p = run.begin; p < run.end; p++)
                take_larger(in + (run.from + (p - run.begin) * window->stride) * batch, batch, (uint16_t)tap,
                            out + p * batch, taps + p * batch);
        }
    }
}

/* Of a window that begins at `begin`, the taps that lie within [0, size): how many, and the first. */
static size_t find_taps(int64_t begin, uint32_t kernel, uint32_t size, int64_t *first)
{
    const int64_t past = MIN((int64_t)size - begin, (int64_t)kernel);

    *first = MAX(-begin, 0);
    return past > *first ? (size_t)(past - *first) : 0;
}

/* Of `left` windows that begin at `begin` and `stride` apart, how many have the taps of the first: all that lie within
 * [0, size), where it does. */
static uint32_t count_alike(int64_t begin, uint32_t stride, uint32_t kernel, uint32_t size, uint32_t left)
{
    const int64_t last = (int64_t)size - kernel;

    if (begin < 0 || begin > last)
        return 1;
    return (uint32_t)MIN((last - begin) / stride + 1, (int64_t)left);
}

/* The windows of lines from y on, and from x on in a line, that have the same taps; `from`: where the first tap of the
 * first lies. */
static struct window_lines lines_at(const struct window *w, size_t batch, uint32_t y, uint32_t x, size_t *from)
{
    const int64_t top = (int64_t)y * w->stride - w->top, left = (int64_t)x * w->stride - w->left;
    struct window_lines lines = {
        .pitch = w->width * batch,
        .count = count_alike(left, w->stride, w->kernel_width, w->width, w->out_width - x),
        .batch = batch,
        .step = w->stride * batch,
        .lines = count_alike(top, w->stride, w->kernel_height, w->height, w->out_height - y),
        .in_line = w->stride * w->width * batch,
        .out_line = w->out_width * batch,
    };
    int64_t first_y, first_x;

    lines.rows = find_taps(top, w->kernel_height, w->height, &first_y);
    lines.columns = find_taps(left, w->kernel_width, w->width, &first_x);
    *from = lines.rows && lines.columns ? (size_t)((top + first_y) * w->width + left + first_x) * batch : 0;
    return lines;
}

void pooling_max(const struct window *window, const struct kernels *kernels, const float *in, size_t batch, float *out)
{
    for (uint32_t y = 0, lines = 0; y < window->out_height; y += lines) {
        for (uint32_t x = 0, count = 0; x < window->out_width; x += count) {
            size_t from;
            const struct window_lines alike = lines_at(window, batch, y, x, &from);

            kernels->largest(&alike, in + from, out + ((size_t)y * window->out_width + x) * batch);
            count = (uint32_t)alike.count;
            lines = (uint32_t)alike.lines;
        }
    }
}

/* The picture's element under a tap at a position; the tap lies on the picture. */
static size_t element_at(const struct window *window, size_t position, uint16_t tap)
{
    const size_t y = position / window->out_width * window->stride + tap / window->kernel_width - window->top;
    const size_t x = position % window->out_width * window->stride + tap % window->kernel_width - window->left;

    return y * window->width + x;
}

void pooling_max_backward(const struct window *window, const uint16_t *taps, const float *out_gradient, size_t batch,
                          float *in_gradient)
{
    memset(in_gradient, 0, (size_t)window->height * window->width * batch * sizeof *in_gradient);
    for (size_t p = 0; p < window_positions(window); p++) {
        for (size_t b = 0; b < batch; b++)
            in_gradient[element_at(window, p, taps[p * batch + b]) * batch + b] += out_gradient[p * batch + b];
    }
}

void pooling_average(const struct window *window, const float *in, size_t batch, float *out)
{
    const size_t positions = window_positions(window);
    const float taps = (float)window_taps(window);

    memset(out, 0, positions * batch * sizeof *out);
    for (uint32_t tap = 0; tap < window_taps(window); tap++)
        window_add(window, in, batch, tap, out);
    for (size_t i = 0; i < positions * batch; i++)
        out[i] /= taps;
}

void pooling_average_backward(const struct window *window, const float *out_gradient, size_t batch, float *in_gradient)
{
    const size_t elements = (size_t)window->height * window->width * batch;
    const float taps = (float)window_taps(window);

    memset(in_gradient, 0, elements * sizeof *in_gradient);
    for (uint32_t tap = 0; tap < window_taps(window); tap++)
        window_scatter(window, out_gradient, batch, tap, 0, window_positions(window), in_gradient);
    for (size_t i = 0; i < elements; i++)
        in_gradient[i] /= taps;
}

/* ---- layers ---- */

int pooling_plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                 struct reason *why)
{
    uint32_t kernel = (uint32_t)parameters[POOLING_KERNEL], padding = (uint32_t)parameters[POOLING_PADDING], height,
             width;
    uint32_t stride = parameters[POOLING_STRIDE] ? (uint32_t)parameters[POOLING_STRIDE] : kernel;
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 3, "channels, height, width", why)) ||
        (result = plan_window(inputs[0].dimension[1], kernel, stride, padding, &height, why)) ||
        (result = plan_window(inputs[0].dimension[2], kernel, stride, padding, &width, why)))
        return result;
    *out = (struct layer_plan){ .shape = shape_make(3, inputs[0].dimension[0], height, width) };
    return 0;
}

static struct window window_of(const struct layer_run *run)
{
    const double *parameters = run->layer->parameters;
    const uint32_t kernel = (uint32_t)parameters[POOLING_KERNEL];

    return (struct window){ .height = run->in[0]->shape.dimension[1],
                            .width = run->in[0]->shape.dimension[2],
                            .out_height = run->out->shape.dimension[1],
                            .out_width = run->out->shape.dimension[2],
                            .kernel_height = kernel,
                            .kernel_width = kernel,
                            .stride = parameters[POOLING_STRIDE] ? (uint32_t)parameters[POOLING_STRIDE] : kernel,
                            .top = (uint32_t)parameters[POOLING_PADDING],
                            .left = (uint32_t)parameters[POOLING_PADDING] };
}

int pooling_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    uint64_t floats;

    if (setup->accumulate[0] && (!size_multiply(shape_elements(&setup->inputs[0]), setup->batch, &floats) ||
                                 !size_multiply(floats, sizeof(float), &needs->scratch)))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

void pooling_forward(const struct layer_run *run, pooling_channel_forward *channel)
{
    const struct window window = window_of(run);
    unsigned long long begin, end;

    pool_share(tensor_features(run->out), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++)
        channel(run, &window, f);
}

void pooling_backward(const struct layer_back *back, pooling_channel_backward *channel)
{
    const struct layer_run *run = &back->run;
    const struct window window = window_of(run);
    const size_t columns = tensor_columns(run->in[0]);
    float *into = back->accumulate[0] ? run->scratch : back->in_gradient[0];
    unsigned long long begin, end;

    pool_share(tensor_features(run->out), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; into && f < end; f++) {
        channel(back, &window, f, into + f * columns);
        if (into != back->in_gradient[0])
            run->kernels->add(back->in_gradient[0] + f * columns, into + f * columns, columns);
    }
}
