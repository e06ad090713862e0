/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "base/size.h"
#include "media/pieces/pieces.h"

enum { STEPS = 1 << 16 };

struct pieces pieces_plan(uint64_t length, uint32_t size, uint32_t overlap, uint32_t scale)
{
    const uint64_t step = size - overlap, more = length > size ? length - size : 0;

    return (struct pieces){
        .length = length, .count = 1 + (more + step - 1) / step, .size = size, .overlap = overlap, .scale = scale
    };
}

uint64_t pieces_begin(const struct pieces *pieces, uint64_t number)
{
    const uint64_t gaps = pieces->count - 1, more = pieces->length - pieces->size;

    /* number * more / gaps, which could be too large in between. */
    return gaps ? number * (more / gaps) + number * (more % gaps) / gaps : 0;
}

uint64_t pieces_mirror(const struct pieces *pieces, uint64_t position)
{
    const uint64_t period = 2 * pieces->length - 2, at = period ? position % period : 0;

    return at < pieces->length ? at : period - at;
}

static uint32_t ramp(const struct pieces *pieces)
{
    return pieces->overlap / 2;
}

/* Where the ramp from the piece to the next begins, in positions that go in: in the middle of where both are. */
static uint64_t ramp_begin(const struct pieces *pieces, uint64_t number)
{
    const uint64_t begin = pieces_begin(pieces, number + 1), end = pieces_begin(pieces, number) + pieces->size;

    return begin + (end - begin - ramp(pieces)) / 2;
}

struct pieces_stretch pieces_stretch(const struct pieces *pieces, uint64_t number)
{
    const bool last = number + 1 == pieces->count;

    return (struct pieces_stretch){
        .begin = number ? ramp_begin(pieces, number - 1) * pieces->scale : 0,
        .end = (last ? pieces->length : ramp_begin(pieces, number) + ramp(pieces)) * pieces->scale,
    };
}

static uint64_t core_end(const struct pieces *pieces, uint64_t number)
{
    const bool last = number + 1 == pieces->count;

    return (last ? pieces->length : ramp_begin(pieces, number) + ramp(pieces) / 2) * pieces->scale;
}

struct pieces_stretch pieces_core(const struct pieces *pieces, uint64_t number)
{
    return (struct pieces_stretch){ .begin = number ? core_end(pieces, number - 1) : 0,
                                    .end = core_end(pieces, number) };
}

/* How much the piece behind the seam counts: 2^-16 times that. */
static uint64_t risen(const struct pieces *pieces, uint64_t seam, uint64_t position)
{
    const uint64_t begin = ramp_begin(pieces, seam) * pieces->scale, width = (uint64_t)ramp(pieces) * pieces->scale;

    if (position < begin)
        return 0;
    return position - begin < width ? STEPS * (2 * (position - begin) + 1) / (2 * width) : STEPS;
}

float pieces_weight(const struct pieces *pieces, uint64_t number, uint64_t position)
{
    const struct pieces_stretch stretch = pieces_stretch(pieces, number);
    uint64_t steps = STEPS;

    if (position < stretch.begin || position >= stretch.end)
        return 0;
    if (number)
        steps = risen(pieces, number - 1, position);
    /* The ramps of a piece do not meet: one of both is whole. */
    if (number + 1 < pieces->count)
        steps = MIN(steps, STEPS - risen(pieces, number, position));
    return (float)steps / STEPS;
}
