/* SPDX-License-Identifier: Apache-2.0
 *
 * A mask over the picture that it was made of, and its objects.
 */
#include <stdlib.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/memory.h"
#include "client/codecs/codec.h"
#include "client/codecs/process.h"
#include "media/spec/media.h"

/* What is set is tinted: a third of this colour, and all of it at the rim. */
static const uint8_t tint[3] = { 255, 40, 40 };

/* Whether the mask is set where the picture has a pixel; one of another size lies over the whole of it. */
static bool is_set(const struct media_picture *mask, const struct media_picture *picture, int64_t x, int64_t y)
{
    uint64_t column, row;

    if (x < 0 || y < 0 || x >= picture->width || y >= picture->height)
        return false;
    column = (uint64_t)x * mask->width / picture->width;
    row = (uint64_t)y * mask->height / picture->height;
    return mask->pixels[(row * mask->width + column) * mask->channels] != 0;
}

static bool is_rim(const struct media_picture *mask, const struct media_picture *picture, int64_t x, int64_t y)
{
    return !is_set(mask, picture, x - 1, y) || !is_set(mask, picture, x + 1, y) || !is_set(mask, picture, x, y - 1) ||
           !is_set(mask, picture, x, y + 1);
}

/* `rgb` is the picture, and becomes what is written. */
static void lay_over(const struct media_picture *mask, const struct media_picture *rgb)
{
    insist(rgb->channels == 3 && mask->width > 0 && mask->height > 0);
    for (uint32_t y = 0; y < rgb->height; y++) {
        for (uint32_t x = 0; x < rgb->width; x++) {
            uint8_t *pixel = rgb->pixels + ((size_t)y * rgb->width + x) * 3;
            const bool rim = is_rim(mask, rgb, x, y);

            for (int c = 0; c < 3 && is_set(mask, rgb, x, y); c++)
                pixel[c] = rim ? tint[c] : (uint8_t)((2 * pixel[c] + tint[c] + 1) / 3);
        }
    }
}

static int write_overlay(const struct process *p, const struct media_picture *picture, const struct media_picture *mask)
{
    struct reason *why = wisp_private_last_error();
    cleanup_free uint8_t *pixels = memory_alloc((size_t)picture->width * picture->height, 3);
    const struct media_picture rgb = { picture->width, picture->height, 3, pixels };
    cleanup_free void *bytes = NULL;
    size_t length;
    int result;

    if (!pixels)
        return refuse_errno(why, -ENOMEM, "a picture of %u x %u", rgb.width, rgb.height);
    media_picture_channels(p->media, picture, 3, pixels);
    lay_over(mask, &rgb);
    result = media_write_picture(&rgb, p->options->overlay, &bytes, &length, why);
    return result ? result : codec_write(p->options->overlay, bytes, length);
}

static int tell_objects(const struct process *p, const struct media_picture *mask)
{
    cleanup_free struct media_object *objects = NULL;
    size_t count;
    int result = media_find_objects(mask, p->options->min_area, &objects, &count);

    if (result)
        return refuse_errno(wisp_private_last_error(), result, "the objects of a mask");
    for (size_t i = 0; i < count; i++) {
        const struct media_object *o = &objects[i];

        p->options->object(p->options->object_user, &(struct wisp_object){ .area = o->area,
                                                                           .left = o->left,
                                                                           .top = o->top,
                                                                           .width = o->width,
                                                                           .height = o->height,
                                                                           .x = o->x,
                                                                           .y = o->y });
    }
    return 0;
}

int process_mask(const struct process *p, const struct media_picture *picture, const struct media_picture *mask)
{
    int result = p->options->overlay ? write_overlay(p, picture, mask) : 0;

    return result || !p->options->object ? result : tell_objects(p, mask);
}
