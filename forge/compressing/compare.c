/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/compressing/compressing.h"
#include "forge/data/pairs/ssim.h"

enum { QUALITY_MIN = 1, QUALITY_MAX = 100, PSNR_MAX = 100 };

static double psnr_of(double squares, double numbers)
{
    return squares > 0 ? fmin(10 * log10(255.0 * 255.0 * numbers / squares), PSNR_MAX) : PSNR_MAX;
}

static void fill(const struct media_picture *picture, uint32_t channel, double *plane)
{
    for (size_t i = 0; i < (size_t)picture->width * picture->height; i++)
        plane[i] = picture->pixels[i * picture->channels + channel];
}

int compressing_compare(const struct media_picture *a, const struct media_picture *b, struct likeness_of_pictures *out)
{
    const size_t plane = (size_t)a->width * a->height;
    cleanup_free double *one = memory_alloc(plane, sizeof *one), *other = memory_alloc(plane, sizeof *other);
    double squares = 0, similar = 0, sum = 0;
    int result = one && other ? 0 : -ENOMEM;

    for (uint32_t c = 0; !result && c < a->channels; c++) {
        fill(a, c, one);
        fill(b, c, other);
        for (size_t i = 0; i < plane; i++)
            squares += (one[i] - other[i]) * (one[i] - other[i]);
        if (a->width >= SSIM_SIDE_MIN && a->height >= SSIM_SIDE_MIN)
            result = ssim(one, other, a->width, a->height, &similar);
        sum += similar;
    }
    *out = (struct likeness_of_pictures){ psnr_of(squares, (double)plane * a->channels), sum / a->channels };
    return result;
}

/* Of one quality: its bytes, and how it is. */
struct
try {
    size_t bytes;
    struct likeness_of_pictures likeness;
};

/* `likeness` false: its bytes alone. */
static int try_quality(const struct media_picture *picture, int quality, bool likeness, struct try *out,
                       struct reason *why)
{
    struct media_picture read = { .pixels = NULL };
    cleanup_free void *bytes = NULL;
    int result = media_write_jpeg(picture, quality, &bytes, &out->bytes, why);

    if (result || !likeness)
        return result;
    result = media_decode_picture("JPEG", bytes, out->bytes, &read, why);
    if (!result && compressing_compare(picture, &read, &out->likeness))
        result = refuse_errno(why, -ENOMEM, "a comparison");
    free(read.pixels);
    return result;
}

static double between(double low, double high, double share)
{
    return low + (high - low) * share;
}

int compressing_jpeg(const struct media_picture *picture, size_t *bytes, struct likeness_of_pictures *out,
                     struct reason *why)
{
    int fits = QUALITY_MIN, beyond = QUALITY_MAX + 1, result = 0;
    struct try low, high;
    double share;

    while (!result && beyond - fits > 1) {
        const int middle = (fits + beyond) / 2;

        result = try_quality(picture, middle, false, &low, why);
        *(low.bytes <= *bytes ? &fits : &beyond) = middle;
    }
    if (!result)
        result = try_quality(picture, fits, true, &low, why);
    if (!result)
        result = try_quality(picture, MIN(beyond, (int)QUALITY_MAX), true, &high, why);
    if (result)
        return result;
    share = low.bytes < *bytes && high.bytes > low.bytes
                ? fmin((double)(*bytes - low.bytes) / (double)(high.bytes - low.bytes), 1)
                : 0;
    *out = (struct likeness_of_pictures){ between(low.likeness.psnr, high.likeness.psnr, share),
                                          between(low.likeness.ssim, high.likeness.ssim, share) };
    *bytes = (size_t)between((double)low.bytes, (double)high.bytes, share);
    return 0;
}
