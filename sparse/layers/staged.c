/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/staged.h"

#include <string.h>

#include "base/size.h"

/* `count` positions that lie side by side. */
static void move_line(const struct staged *s, float *to, const float *from, size_t count)
{
    const size_t stride = s->across, batch = s->batch;

    if (batch == 1 && !s->add) {
        for (size_t i = 0; i < count; i++)
            to[i * stride] = from[i];
        return;
    }
    for (size_t i = 0; i < count; i++, to += stride * batch, from += batch) {
        if (s->add)
            s->kernels->add(to, from, batch);
        else
            memcpy(to, from, batch * sizeof *to);
    }
}

void staged_move(const struct staged *s, uint32_t phase, const float *from, float *to)
{
    const int64_t stride = s->across, left = s->left + phase % stride;
    const int64_t first = left < 0 ? (-left + stride - 1) / stride : 0;
    const int64_t past = left < s->width ? MIN((s->width - 1 - left) / stride + 1, s->columns) : 0;

    for (uint32_t line = 0; line < s->lines && first < past; line++) {
        const int64_t y = s->top + (int64_t)line * s->down + phase / stride;

        if (y >= 0 && y < s->height)
            move_line(s, to + (size_t)(y * s->width + left + first * stride) * s->batch,
                      from + line * s->pitch + (size_t)first * s->batch, (size_t)(past - first));
    }
}
