/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture's way: decoded as the file has it; what shows through over the background, and to the channels that the
 * model takes (BT.601 luma); fitted and resized; scaled. All in whole numbers of 0..255 but for the filter and the last
 * step, so that a picture that already has the right size loses nothing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/image/picture.h"
#include "media/spec/media.h"
#include "media/spec/sniff.h"
#include "media/spec/spec.h"

int media_decode_picture(const char *name, const void *bytes, size_t length, struct media_picture *out,
                         struct reason *why)
{
    const char *what;
    int result;

    switch (sniff(bytes, length, &what)) {
    case FORMAT_PNG:
        result = png_decode(bytes, length, out, why);
        break;
    case FORMAT_JPEG:
        result = jpeg_decode(bytes, length, out, why);
        break;
    default:
        if (!length)
            return refuse(why, WISP_E_FORMAT, "%s: the file is empty; a picture is expected, " FORMATS_OF_PICTURES,
                          name);
        return refuse(why, WISP_E_FORMAT, "%s: %s; pictures are read as " FORMATS_OF_PICTURES, name,
                      what ? what : "not a picture that is known here");
    }
    return result ? refuse_in(why, result, "%s", name) : 0;
}

static uint8_t over(unsigned value, unsigned alpha, unsigned background)
{
    return (uint8_t)((value * alpha + background * (255 - alpha) + 127) / 255);
}

static uint8_t luma(const uint8_t rgb[3])
{
    return (uint8_t)((299u * rgb[0] + 587u * rgb[1] + 114u * rgb[2] + 500) / 1000);
}

void media_picture_channels(const struct media *media, const struct media_picture *in, uint32_t channels, uint8_t *out)
{
    size_t pixels = (size_t)in->width * in->height;
    uint32_t colours = in->channels < 3 ? 1 : 3;

    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *from = in->pixels + i * in->channels;
        unsigned alpha = in->channels > colours ? from[colours] : 255;
        uint8_t rgb[3];

        for (uint32_t c = 0; c < 3; c++)
            rgb[c] = over(from[colours == 3 ? c : 0], alpha, media->image.background);
        if (channels == 3)
            memcpy(out + 3 * i, rgb, 3);
        else
            out[i] = colours == 3 ? luma(rgb) : rgb[0];
    }
}

/* a * b / c, rounded, at least 1. */
static uint32_t scaled(uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t product = (uint64_t)a * b;

    return (uint32_t)MAX((product + c / 2) / c, 1);
}

static struct picture_area centred(uint32_t width, uint32_t height, uint32_t in_width, uint32_t in_height)
{
    return (struct picture_area){
        .left = (in_width - width) / 2, .top = (in_height - height) / 2, .width = width, .height = height
    };
}

/* Which part of the picture goes where. */
static void fit(const struct image_spec *spec, const struct media_picture *in, struct picture_area *from,
                struct picture_area *to)
{
    uint32_t width = in->width, height = in->height;
    bool wider = (uint64_t)width * spec->height > (uint64_t)height * spec->width;

    *from = centred(width, height, width, height);
    *to = centred(spec->width, spec->height, spec->width, spec->height);
    if (spec->fit == MEDIA_FIT_CONTAIN && wider)
        *to = centred(spec->width, scaled(height, spec->width, width), spec->width, spec->height);
    else if (spec->fit == MEDIA_FIT_CONTAIN)
        *to = centred(scaled(width, spec->height, height), spec->height, spec->width, spec->height);
    else if (spec->fit == MEDIA_FIT_COVER && wider)
        *from = centred(scaled(height, spec->width, spec->height), height, width, height);
    else if (spec->fit == MEDIA_FIT_COVER)
        *from = centred(width, scaled(width, spec->height, spec->width), width, height);
}

bool media_normalises_pictures(const struct media *media)
{
    return media->kind == MEDIA_IMAGE && media->image.normalise == MEDIA_NORMALISE_PICTURE;
}

/* Sums of whole numbers, so that they are the same whoever adds them. What has next to no contrast, less than a byte,
 * is not blown up to noise. */
static void own_scale(const struct media_picture *picture, double *mean, double *deviation)
{
    const uint64_t count = (uint64_t)picture->width * picture->height * picture->channels;
    uint64_t sum = 0, squares = 0;

    for (uint64_t i = 0; i < count; i++) {
        sum += picture->pixels[i];
        squares += (uint64_t)picture->pixels[i] * picture->pixels[i];
    }
    *mean = (double)sum / (255.0 * (double)count);
    *deviation = sqrt((double)((unsigned __int128)count * squares - (unsigned __int128)sum * sum));
    *deviation = MAX(*deviation, (double)count) / (255.0 * (double)count);
}

void media_picture_scale(const struct media *media, const struct media_picture *picture, struct media_scale *out)
{
    const struct image_spec *spec = &media->image;

    memcpy(out->mean, spec->mean, sizeof out->mean);
    memcpy(out->deviation, spec->deviation, sizeof out->deviation);
    if (!media_normalises_pictures(media))
        return;
    own_scale(picture, &out->mean[0], &out->deviation[0]);
    for (int c = 1; c < CHANNELS_MAX; c++) {
        out->mean[c] = out->mean[0];
        out->deviation[c] = out->deviation[0];
    }
}

static void scale(const struct media *media, uint8_t *pixels, float *out)
{
    const struct image_spec *spec = &media->image;
    const struct media_picture picture = { spec->width, spec->height, spec->channels, pixels };
    const size_t plane = (size_t)spec->width * spec->height;
    struct media_scale scale;

    media_picture_scale(media, &picture, &scale);
    for (uint32_t c = 0; c < spec->channels; c++) {
        for (size_t i = 0; i < plane; i++)
            out[c * plane + i] =
                media_normalised(pixels[i * spec->channels + c] / 255.0, scale.mean[c], scale.deviation[c]);
    }
}

/* `in` has the channels of `spec` already. */
static int fit_pixels(const struct image_spec *spec, const struct media_picture *in, uint8_t *out, struct reason *why)
{
    struct media_picture fitted = {
        .width = spec->width, .height = spec->height, .channels = spec->channels, .pixels = out
    };
    size_t size = (size_t)spec->width * spec->height * spec->channels;
    struct picture_area from, to;
    int result;

    if (in->width == spec->width && in->height == spec->height) {
        memcpy(out, in->pixels, size);
        return 0;
    }
    if (spec->fit == MEDIA_FIT_TILES)
        return refuse(
            why, WISP_E_FORMAT,
            "a picture of %u x %u goes through in tiles of %u x %u, not in one: wisp run -o, or wisp_process_file()",
            in->width, in->height, spec->width, spec->height);
    memset(out, (int)spec->background, size);
    fit(spec, in, &from, &to);
    result = picture_resize(in, &from, &fitted, &to);
    return result ? refuse_errno(why, result, "resizing a picture of %u x %u", in->width, in->height) : 0;
}

int media_fit_picture(const struct media *media, const struct media_picture *picture, uint8_t *out, struct reason *why)
{
    const struct image_spec *spec = &media->image;
    cleanup_free uint8_t *pixels = NULL;
    struct media_picture converted = *picture;

    if (picture->channels == spec->channels)
        return fit_pixels(spec, picture, out, why);
    pixels = memory_alloc((size_t)picture->width * picture->height, spec->channels);
    if (!pixels)
        return refuse_errno(why, -ENOMEM, "picture of %u x %u", picture->width, picture->height);
    media_picture_channels(media, picture, spec->channels, pixels);
    converted.channels = spec->channels;
    converted.pixels = pixels;
    return fit_pixels(spec, &converted, out, why);
}

bool media_picture_fits(const struct media *media, const struct media_picture *picture)
{
    const struct image_spec *spec = &media->image;

    return picture->width == spec->width && picture->height == spec->height && picture->channels == spec->channels;
}

void media_picture_levels(const struct media *media, const struct media_scale *scale, struct media_levels *out)
{
    const double *mean = scale ? scale->mean : media->image.mean;
    const double *deviation = scale ? scale->deviation : media->image.deviation;

    out->channels = media->image.channels;
    for (uint32_t c = 0; c < out->channels; c++) {
        for (unsigned byte = 0; byte < 256; byte++)
            out->values[c][byte] = media_normalised(byte / 255.0, mean[c], deviation[c]);
    }
}

void media_levels_tensor(const struct media_levels *levels, const uint8_t *bytes, size_t elements, float *out)
{
    size_t plane = elements / levels->channels;

    for (uint32_t c = 0; c < levels->channels; c++) {
        for (size_t i = 0; i < plane; i++)
            *out++ = levels->values[c][bytes[i * levels->channels + c]];
    }
}

int media_encode_picture(const struct media *media, const struct media_picture *picture, float *out, struct reason *why)
{
    cleanup_free uint8_t *pixels = NULL;
    int result;

    if (media_picture_fits(media, picture)) {
        scale(media, picture->pixels, out);
        return 0;
    }
    pixels = memory_alloc(media->elements, 1);
    if (!pixels)
        return refuse_errno(why, -ENOMEM, "picture");
    result = media_fit_picture(media, picture, pixels, why);
    if (!result)
        scale(media, pixels, out);
    return result;
}
