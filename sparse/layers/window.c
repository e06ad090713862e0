/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/window.h"
#include "base/size.h"

bool window_run(const struct window *window, uint32_t tap, uint32_t y, size_t begin, size_t end, struct window_run *run)
{
    const int64_t stride = window->stride, row = (int64_t)y * window->out_width;
    const int64_t in_y = y * stride + tap / window->kernel_width - window->top;
    const int64_t left = (int64_t)(tap % window->kernel_width) - window->left; /* x of the tap at position 0 */
    int64_t first, past;

    if (in_y < 0 || in_y >= window->height || left >= window->width)
        return false;
    first = left < 0 ? (-left + stride - 1) / stride : 0;
    past = MIN((window->width - 1 - left) / stride + 1, (int64_t)window->out_width);
    first = MAX(first, (int64_t)begin - row);
    past = MIN(past, (int64_t)end - row);
    if (first >= past)
        return false;
    run->begin = (size_t)(row + first);
    run->end = (size_t)(row + past);
    run->from = (size_t)(in_y * window->width + first * stride + left);
    return true;
}

/* to[i] += from[i] for `count` positions, which stand `to_step` and `from_step` floats apart. */
static void add_run(float *to, size_t to_step, const float *from, size_t from_step, size_t batch, size_t count)
{
    if (to_step == batch && from_step == batch) {
        batch *= count;
        count = 1;
    }
    for (; count; count--, to += to_step, from += from_step) {
        for (size_t b = 0; b < batch; b++)
            to[b] += from[b];
    }
}

void window_add(const struct window *window, const float *channel, size_t batch, uint32_t tap, float *out)
{
    for (uint32_t y = 0; y < window->out_height; y++) {
        struct window_run run;

        if (window_run(window, tap, y, 0, window_positions(window), &run))
            add_run(out + run.begin * batch, batch, channel + run.from * batch, window->stride * batch, batch,
                    run.end - run.begin);
    }
}

void window_scatter(const struct window *window, const float *columns, size_t batch, uint32_t tap, size_t begin,
                    size_t end, float *channel)
{
    for (size_t y = begin / window->out_width; y * window->out_width < end; y++) {
        struct window_run run;

        if (window_run(window, tap, (uint32_t)y, begin, end, &run))
            add_run(channel + run.from * batch, window->stride * batch, columns + (run.begin - begin) * batch, batch,
                    batch, run.end - run.begin);
    }
}
