/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/size.h"
#include "forge/data/pairs/edges.h"

int edge_grey(const struct media_picture *p, int64_t x, int64_t y)
{
    const int64_t column = MIN(MAX(x, 0), (int64_t)p->width - 1), row = MIN(MAX(y, 0), (int64_t)p->height - 1);
    const uint8_t *pixel = p->pixels + (row * p->width + column) * p->channels;

    return p->channels == 3 ? (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000 : pixel[0];
}

int64_t edge_square(const struct media_picture *p, int64_t x, int64_t y)
{
    int64_t right = 0, down = 0;

    for (int64_t i = -1; i <= 1; i++) {
        const int weight = i ? 1 : 2;

        right += weight * (edge_grey(p, x + 1, y + i) - edge_grey(p, x - 1, y + i));
        down += weight * (edge_grey(p, x + i, y + 1) - edge_grey(p, x + i, y - 1));
    }
    return right * right + down * down;
}

double edge_steepness(const struct media_picture *picture, int64_t x, int64_t y)
{
    return sqrt((double)edge_square(picture, x, y)) / 255;
}
