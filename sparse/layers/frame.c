/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/frame.h"
#include "base/size.h"

/* One phase of a line: columns left, left + step, ... of the picture's line at `from`. */
static void fill_line(const struct frame *frame, const struct kernels *kernels, const float *from, uint32_t width,
                      int64_t left, float *to)
{
    const int64_t step = frame->step, columns = frame->columns;
    const int64_t first = MIN(left < 0 ? (-left + step - 1) / step : 0, columns);
    const int64_t past = left < width ? MIN((width - 1 - left) / step + 1, columns) : 0;
    struct padded_line line = { .before = (size_t)columns, .step = (size_t)step, .batch = frame->batch };

    if (first < past) {
        line.before = (size_t)first;
        line.count = (size_t)(past - first);
        line.after = (size_t)(columns - past);
        from += (left + first * step) * (int64_t)frame->batch;
    }
    kernels->pad_line(&line, from, to);
}

void frame_fill(const struct frame *frame, const struct kernels *kernels, const struct channel *channel, int64_t top,
                int64_t left, float *to)
{
    const size_t row = (size_t)channel->width * frame->batch, part = (size_t)frame->columns * frame->batch;
    const struct padded_line none = { .before = frame->columns, .step = 1, .batch = frame->batch };

    for (uint32_t phase = 0; phase < frame->phases_y; phase++) {
        for (uint32_t line = 0; line < frame->lines; line++) {
            const int64_t y = top + (int64_t)line * frame->step + phase;

            for (uint32_t x = 0; x < frame->phases_x; x++, to += part) {
                if (y < 0 || y >= channel->height)
                    kernels->pad_line(&none, channel->data, to);
                else
                    fill_line(frame, kernels, channel->data + (size_t)y * row, channel->width, left + x, to);
            }
        }
    }
}

size_t frame_pieces(const struct frame *frame, uint32_t lines, uint32_t columns, size_t y_pitch, struct piece *pieces)
{
    const size_t pitch = frame_pitch(frame), length = columns * frame->batch;
    size_t count = 0;

    for (uint32_t line = 0; line < lines; line++) {
        for (size_t at = 0; at < length; at += PACK_LANES)
            pieces[count++] = (struct piece){ .x = (uint32_t)(line * pitch + at),
                                              .y = (uint32_t)(line * y_pitch + at),
                                              .count = (uint32_t)MIN(length - at, (size_t)PACK_LANES) };
    }
    return count;
}
