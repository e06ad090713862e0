/* SPDX-License-Identifier: Apache-2.0
 *
 * A window that moves over a picture: what convolution and pooling share. A tap is a place in the window; a position is
 * a place of the window, and so an element of an output channel, row by row. Of a tap at the positions of one output
 * row, those that lie on the picture are one run; the rest lie in the padding.
 *
 * Channels are feature-major: element (y, x) of sample b at [(y * width + x) * batch + b].
 */
#ifndef SPARSE_LAYERS_WINDOW_H
#define SPARSE_LAYERS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window {
    uint32_t height, width;         /* of the picture */
    uint32_t out_height, out_width; /* positions */
    uint32_t kernel_height, kernel_width, stride;
    uint32_t top, left; /* padding before the first line and column */
};

static inline size_t window_taps(const struct window *window)
{
    return (size_t)window->kernel_height * window->kernel_width;
}

static inline size_t window_positions(const struct window *window)
{
    return (size_t)window->out_height * window->out_width;
}

/* Positions [begin, end), counted from the picture's first, of which the tap lies on the picture; the element of the
 * picture under the first is `from`, each next one `stride` elements on. */
struct window_run {
    size_t begin, end, from;
};

/* The run of `tap` in output row `y`, within the positions [begin, end). False: none of them lies on the picture. */
bool window_run(const struct window *window, uint32_t tap, uint32_t y, size_t begin, size_t end,
                struct window_run *run);

/* out[p * batch + b] += the channel's element under `tap`, at every position p where it lies on the picture. */
void window_add(const struct window *window, const float *channel, size_t batch, uint32_t tap, float *out);

/* Backward: adds each element of `columns` to the channel's element that it came from. */
void window_scatter(const struct window *window, const float *columns, size_t batch, uint32_t tap, size_t begin,
                    size_t end, float *channel);

#endif
