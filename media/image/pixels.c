/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture out of a program's memory. What leaves here is what a decoder would make of the same pixels in a file, and
 * goes the same way from here on.
 */
#include <stdbool.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/image/bounds.h"
#include "media/image/picture.h"
#include "media/spec/media.h"

enum kind { COLOURS, VIDEO_PAIRS, VIDEO_PLANES };

/* `bytes` of a pixel, and where among them the values lie that are kept: grey, or red, green, blue and alpha. */
static const struct pixel_layout {
    const char *name;
    enum kind kind;
    unsigned bytes, channels, at[4];
} layouts[] = {
    [WISP_PIXELS_GREY8] = { "GREY8", COLOURS, 1, 1, { 0 } },
    [WISP_PIXELS_RGB8] = { "RGB8", COLOURS, 3, 3, { 0, 1, 2 } },
    [WISP_PIXELS_BGR8] = { "BGR8", COLOURS, 3, 3, { 2, 1, 0 } },
    [WISP_PIXELS_RGBA8] = { "RGBA8", COLOURS, 4, 4, { 0, 1, 2, 3 } },
    [WISP_PIXELS_BGRA8] = { "BGRA8", COLOURS, 4, 4, { 2, 1, 0, 3 } },
    [WISP_PIXELS_RGBX8] = { "RGBX8", COLOURS, 4, 3, { 0, 1, 2 } },
    [WISP_PIXELS_BGRX8] = { "BGRX8", COLOURS, 4, 3, { 2, 1, 0 } },
    [WISP_PIXELS_YUYV] = { "YUYV", VIDEO_PAIRS, 2, 3, { 0 } },
    [WISP_PIXELS_NV12] = { "NV12", VIDEO_PLANES, 1, 3, { 0 } },
};

static uint8_t clipped(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* BT.601 with 16 to 235, in whole numbers, rounded. */
static void from_video(int y, int u, int v, uint8_t rgb[3])
{
    int light = 298 * (y - 16) + 128;

    rgb[0] = clipped((light + 409 * (v - 128)) >> 8);
    rgb[1] = clipped((light - 100 * (u - 128) - 208 * (v - 128)) >> 8);
    rgb[2] = clipped((light + 516 * (u - 128)) >> 8);
}

static void copy_row(const struct pixel_layout *layout, const uint8_t *from, uint32_t width, uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++) {
        for (unsigned c = 0; c < layout->channels; c++)
            out[x * layout->channels + c] = from[x * layout->bytes + layout->at[c]];
    }
}

/* `colours` is the row of U and V that belongs to the row `from`. */
static void convert_row(const struct pixel_layout *layout, const uint8_t *from, const uint8_t *colours, uint32_t width,
                        uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++) {
        bool planes = layout->kind == VIDEO_PLANES;
        const uint8_t *pair = planes ? colours + (x & ~1u) : from + 2 * (x & ~1u) + 1;

        from_video(from[x * layout->bytes], pair[0], pair[planes ? 1 : 2], out + 3 * (size_t)x);
    }
}

static int check(const struct media_pixels *pixels, const struct pixel_layout *layout, struct reason *why)
{
    uint64_t size, rows = pixels->height + (layout->kind == VIDEO_PLANES ? pixels->height / 2 : 0);

    if (!pixels->data)
        return refuse(why, WISP_E_INVALID, "no pixels are given");
    if (picture_check_size(pixels->width, pixels->height, why))
        return WISP_E_INVALID;
    if ((layout->kind != COLOURS && pixels->width % 2) || (layout->kind == VIDEO_PLANES && pixels->height % 2))
        return refuse(why, WISP_E_INVALID, "%u x %u pixels in %s, which share their colours", pixels->width,
                      pixels->height, layout->name);
    if (pixels->stride < (uint64_t)pixels->width * layout->bytes)
        return refuse(why, WISP_E_INVALID, "a stride of %zu bytes; a row of %u pixels in %s has %llu", pixels->stride,
                      pixels->width, layout->name, (unsigned long long)pixels->width * layout->bytes);
    if (!size_multiply(pixels->stride, rows, &size) || size > PTRDIFF_MAX)
        return refuse(why, WISP_E_INVALID, "a stride of %zu bytes for %u rows", pixels->stride, pixels->height);
    return 0;
}

int media_take_pixels(const struct media_pixels *pixels, struct media_picture *out, struct reason *why)
{
    const struct pixel_layout *layout = &layouts[(unsigned)pixels->format < ARRAY_SIZE(layouts) ? pixels->format : 0];
    const uint8_t *data = pixels->data;
    size_t row;
    int result;

    if (!layout->name)
        return refuse(why, WISP_E_INVALID, "%d is no format of pixels", (int)pixels->format);
    result = check(pixels, layout, why);
    if (result)
        return result;
    *out = (struct media_picture){ .width = pixels->width, .height = pixels->height, .channels = layout->channels };
    row = (size_t)out->width * out->channels;
    out->pixels = memory_alloc(out->height, row);
    if (!out->pixels)
        return refuse_errno(why, -ENOMEM, "picture of %u x %u", out->width, out->height);
    for (uint32_t y = 0; y < out->height; y++) {
        const uint8_t *from = data + y * pixels->stride;

        if (layout->kind != COLOURS)
            convert_row(layout, from, data + (out->height + y / 2) * pixels->stride, out->width, out->pixels + y * row);
        else
            copy_row(layout, from, out->width, out->pixels + y * row);
    }
    return 0;
}
