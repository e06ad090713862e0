/* SPDX-License-Identifier: Apache-2.0
 *
 * Row by row: of the eleven rows around a pixel's the sums of both planes, their squares and their product, down first,
 * then across. Sums in a fixed order, of doubles.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/ssim.h"

enum { RADIUS = SSIM_SIDE_MIN / 2 };

/* exp(-i^2 / (2 1.5^2)), over the sum of the eleven. */
static const double window[RADIUS + 1] = { 0.2660117248617943,  0.21300553771125366,  0.1093606895097,
                                           0.03600077212843082, 0.007598758135239184, 0.0010283800844791099 };

/* What the window is laid over: the means of it are what SSIM is made of. */
enum moment { OF_A, OF_B, OF_AA, OF_BB, OF_AB, MOMENTS };

static double weight(size_t k)
{
    return window[k > RADIUS ? k - RADIUS : RADIUS - k];
}

/* Of a column, down: its pixels from `a` and `b` on, a row apart. */
static void sum_column(const double *a, const double *b, size_t width, double sums[MOMENTS])
{
    for (int m = 0; m < MOMENTS; m++)
        sums[m] = 0;
    for (size_t k = 0; k < SSIM_SIDE_MIN; k++) {
        const double x = a[k * width], y = b[k * width], w = weight(k);

        sums[OF_A] += w * x;
        sums[OF_B] += w * y;
        sums[OF_AA] += w * x * x;
        sums[OF_BB] += w * y * y;
        sums[OF_AB] += w * x * y;
    }
}

static double similarity(const double m[MOMENTS])
{
    const double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
    const double aa = m[OF_AA] - m[OF_A] * m[OF_A], bb = m[OF_BB] - m[OF_B] * m[OF_B];
    const double ab = m[OF_AB] - m[OF_A] * m[OF_B];

    return (2 * m[OF_A] * m[OF_B] + c1) * (2 * ab + c2) /
           ((m[OF_A] * m[OF_A] + m[OF_B] * m[OF_B] + c1) * (aa + bb + c2));
}

int ssim(const double *a, const double *b, size_t width, size_t height, double *out)
{
    cleanup_free double(*columns)[MOMENTS] = memory_alloc(width, sizeof *columns);
    double sum = 0;

    if (!columns)
        return -ENOMEM;
    for (size_t y = 0; y + SSIM_SIDE_MIN <= height; y++) {
        for (size_t x = 0; x < width; x++)
            sum_column(a + y * width + x, b + y * width + x, width, columns[x]);
        for (size_t x = 0; x + SSIM_SIDE_MIN <= width; x++) {
            double moments[MOMENTS] = { 0 };

            for (size_t k = 0; k < SSIM_SIDE_MIN * MOMENTS; k++)
                moments[k % MOMENTS] += weight(k / MOMENTS) * columns[x + k / MOMENTS][k % MOMENTS];
            sum += similarity(moments);
        }
    }
    *out = sum / (double)((width - 2 * RADIUS) * (height - 2 * RADIUS));
    return 0;
}
