/* SPDX-License-Identifier: Apache-2.0
 *
 * A frame: a piece of a picture with its margins, copied so that every element a window's tap meets on its way is a
 * plain view of it, begun elsewhere. It has no more elements than the piece and its margins; what lies outside of the
 * picture is +0.
 *
 * With a step above 1 (a window's stride) the lines and columns of one phase, that is of one remainder, stand together,
 * so that what lies `step` apart in the picture lies side by side in the frame. Phases that no tap meets are left out.
 */
#ifndef SPARSE_LAYERS_FRAME_H
#define SPARSE_LAYERS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "sparse/kernels/kernels.h"

enum { FRAME_PHASES_MAX = 64 }; /* as many as the longest stride has */

struct frame {
    uint32_t step, phases_y, phases_x;
    uint32_t lines, columns; /* of a phase */
    size_t batch;            /* samples, innermost */
};

/* From a line of a phase to the next. */
static inline size_t frame_pitch(const struct frame *frame)
{
    return (size_t)frame->phases_x * frame->columns * frame->batch;
}

static inline size_t frame_floats(const struct frame *frame)
{
    return (size_t)frame->phases_y * frame->lines * frame_pitch(frame);
}

/* Where the element (y, x) stands, counted from the frame's first in the picture's own lines and columns. */
static inline size_t frame_at(const struct frame *frame, uint32_t y, uint32_t x)
{
    const size_t line = (size_t)(y % frame->step) * frame->lines + y / frame->step;

    return line * frame_pitch(frame) + ((size_t)(x % frame->step) * frame->columns + x / frame->step) * frame->batch;
}

/* A channel of some picture: height x width x batch floats. */
struct channel {
    const float *data;
    uint32_t height, width;
};

/* Fills the frame, whose first element is (top, left) of the channel's picture; either may lie outside. Up to
 * PACK_LANES floats behind it are written too. */
void frame_fill(const struct frame *frame, const struct kernels *kernels, const struct channel *channel, int64_t top,
                int64_t left, float *to);

/* Pieces of `lines` x `columns` positions, all samples: in X a frame's, in Y lines y_pitch floats apart. How many. */
size_t frame_pieces(const struct frame *frame, uint32_t lines, uint32_t columns, size_t y_pitch, struct piece *pieces);
/* The same of `floats` that are one run, in both. */
size_t frame_run_pieces(size_t floats, struct piece *pieces);

#endif
