/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/frame.h"
#include "base/size.h"

/* Of `count` places that stand `step` apart from `begin` on, those that lie within [0, size). */
static void find_inside(int64_t begin, int64_t step, int64_t size, int64_t count, size_t *first, size_t *past)
{
    *first = (size_t)MIN(begin < 0 ? (-begin + step - 1) / step : 0, count);
    *past = begin < size ? (size_t)MIN((size - 1 - begin) / step + 1, count) : 0;
    if (*past < *first)
        *past = *first;
}

static void find_phases(const struct frame *frame, uint32_t width, int64_t left, struct padded_phase *phases)
{
    for (uint32_t x = 0; x < frame->phases_x; x++) {
        const int64_t begin = left + x;
        size_t first, past;

        find_inside(begin, frame->step, width, frame->columns, &first, &past);
        phases[x] =
            (struct padded_phase){ .before = first, .count = past - first, .after = frame->columns - past, .from = 0 };
        if (past > first)
            phases[x].from = (size_t)(begin + (int64_t)first * frame->step) * frame->batch;
    }
}

/* One phase of the lines: zeros above the picture, what lies on it, zeros below. */
static void fill_phase(const struct frame *frame, const struct kernels *kernels, const struct channel *channel,
                       int64_t top, struct padded_lines lines, float *to)
{
    const struct padded_phase none = { .before = frame->columns };
    const size_t row = (size_t)channel->width * frame->batch;
    struct padded_lines zeros = { .phases = &none, .phase_count = 1, .step = 1, .batch = frame->batch };
    size_t first, past;

    find_inside(top, frame->step, channel->height, frame->lines, &first, &past);
    zeros.lines = first * frame->phases_x;
    kernels->pad_lines(&zeros, channel->data, to);
    lines.lines = past - first;
    if (lines.lines)
        kernels->pad_lines(&lines, channel->data + (size_t)(top + (int64_t)first * frame->step) * row,
                           to + first * frame_pitch(frame));
    zeros.lines = (frame->lines - past) * frame->phases_x;
    kernels->pad_lines(&zeros, channel->data, to + past * frame_pitch(frame));
}

void frame_fill(const struct frame *frame, const struct kernels *kernels, const struct channel *channel, int64_t top,
                int64_t left, float *to)
{
    struct padded_phase phases[FRAME_PHASES_MAX];
    const struct padded_lines lines = { .phases = phases,
                                        .phase_count = frame->phases_x,
                                        .pitch = (size_t)frame->step * channel->width * frame->batch,
                                        .step = frame->step,
                                        .batch = frame->batch };

    find_phases(frame, channel->width, left, phases);
    for (uint32_t phase = 0; phase < frame->phases_y; phase++)
        fill_phase(frame, kernels, channel, top + phase, lines, to + phase * frame->lines * frame_pitch(frame));
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

size_t frame_run_pieces(size_t floats, struct piece *pieces)
{
    size_t count = 0;

    for (size_t at = 0; at < floats; at += PACK_LANES, count++)
        pieces[count] = (struct piece){ (uint32_t)at, (uint32_t)at, (uint32_t)MIN(floats - at, (size_t)PACK_LANES) };
    return count;
}
