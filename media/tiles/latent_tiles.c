/* SPDX-License-Identifier: Apache-2.0 */
#include "media/tiles/latent_tiles.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/spec/spec.h"

int latent_form_of(const struct media *media, const uint32_t dimensions[static 3], struct latent_form *out,
                   struct reason *why)
{
    const struct image_spec *spec = &media->image;

    *out = (struct latent_form){ .depth = dimensions[0], .height = dimensions[1], .width = dimensions[2] };
    out->block = out->width ? spec->width / out->width : 0;
    if (media_goes_in_tiles(media) && out->block && spec->width == out->block * out->width &&
        spec->height == out->block * out->height)
        return 0;
    return refuse(why, WISP_E_FORMAT, "%u x %u latents are not those of squares of %u x %u pixels", out->width,
                  out->height, spec->width, spec->height);
}

/* Overlaps are said in pixels. */
static struct pieces plan(const struct media *media, const struct latent_form *form, uint32_t length, uint32_t size)
{
    const uint32_t overlap = (media_overlap(media) + form->block - 1) / form->block;

    return pieces_plan(length, size, MIN(overlap, size / 2), 1);
}

static int convert(struct latent_tiles *tiles, const struct media *media, const struct media_picture *picture,
                   struct reason *why)
{
    const uint32_t channels = media->image.channels;

    tiles->in = (struct media_picture){ picture->width, picture->height, channels, picture->pixels };
    if (picture->channels == channels)
        return 0;
    tiles->converted = memory_alloc((size_t)picture->width * picture->height, channels);
    if (!tiles->converted)
        return refuse_errno(why, -ENOMEM, "a picture of %u x %u", picture->width, picture->height);
    media_picture_channels(media, picture, channels, tiles->converted);
    tiles->in.pixels = tiles->converted;
    return 0;
}

int latent_tiles_init(struct latent_tiles *tiles, const struct media *media, const struct latent_form *form,
                      const struct media_picture *picture, struct reason *why)
{
    const uint32_t width = (picture->width + form->block - 1) / form->block;
    const uint32_t height = (picture->height + form->block - 1) / form->block;
    struct media_scale scale;
    int result;

    *tiles = (struct latent_tiles){
        .form = *form,
        .across = plan(media, form, width, form->width),
        .down = plan(media, form, height, form->height),
        .columns = pieces_plan(picture->width, 1, 0, 1),
        .rows = pieces_plan(picture->height, 1, 0, 1),
    };
    result = convert(tiles, media, picture, why);
    media_picture_scale(media, &tiles->in, &scale);
    media_picture_levels(media, &scale, &tiles->levels);
    if (!result)
        result = latents_init(&tiles->out, form->depth, width, height, why);
    if (result)
        latent_tiles_deinit(tiles);
    return result;
}

void latent_tiles_deinit(struct latent_tiles *tiles)
{
    free(tiles->converted);
    tiles->converted = NULL;
    latents_deinit(&tiles->out);
}

uint64_t latent_tiles_count(const struct latent_tiles *tiles)
{
    return tiles->across.count * tiles->down.count;
}

void latent_tiles_take(const struct latent_tiles *tiles, uint64_t number, float *input)
{
    const uint32_t width = tiles->form.width * tiles->form.block, height = tiles->form.height * tiles->form.block;
    const uint64_t left = pieces_begin(&tiles->across, number % tiles->across.count) * tiles->form.block;
    const uint64_t top = pieces_begin(&tiles->down, number / tiles->across.count) * tiles->form.block;
    const uint32_t channels = tiles->in.channels;
    const size_t plane = (size_t)width * height;

    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = tiles->in.pixels + pieces_mirror(&tiles->rows, top + y) * tiles->in.width * channels;

        for (uint32_t x = 0; x < width; x++) {
            const uint8_t *pixel = row + pieces_mirror(&tiles->columns, left + x) * channels;

            for (uint32_t c = 0; c < channels; c++)
                input[c * plane + (size_t)y * width + x] = tiles->levels.values[c][pixel[c]];
        }
    }
}

static int16_t rounded(float x)
{
    const float whole = floorf(fminf(fabsf(x), LATENTS_VALUE_MAX) + 0.5f);

    return (int16_t)(x < 0 ? -whole : whole);
}

static int check_numbers(const struct latent_tiles *tiles, uint64_t number, const float *output, struct reason *why)
{
    const struct latent_form *form = &tiles->form;

    for (size_t i = 0; i < (size_t)form->depth * form->height * form->width; i++) {
        if (!isfinite(output[i]))
            return refuse(why, WISP_E_INVALID,
                          "what the model gives for tile %" PRIu64 " of %" PRIu64
                          " has a value that is no finite number",
                          number + 1, latent_tiles_count(tiles));
    }
    return 0;
}

int latent_tiles_give(struct latent_tiles *tiles, uint64_t number, const float *output, struct reason *why)
{
    const uint64_t column = number % tiles->across.count, row = number / tiles->across.count;
    const struct pieces_stretch columns = pieces_core(&tiles->across, column), rows = pieces_core(&tiles->down, row);
    const uint64_t left = pieces_begin(&tiles->across, column), top = pieces_begin(&tiles->down, row);
    const struct latent_form *form = &tiles->form;
    struct latents *out = &tiles->out;
    int result = check_numbers(tiles, number, output, why);

    for (uint32_t c = 0; !result && c < form->depth; c++) {
        for (uint64_t y = rows.begin; y < rows.end; y++) {
            const float *from = output + (c * form->height + (y - top)) * form->width;
            int16_t *to = out->values + ((size_t)c * out->height + y) * out->width;

            for (uint64_t x = columns.begin; x < columns.end; x++)
                to[x] = rounded(from[x - left]);
        }
    }
    return result;
}

struct coded latent_tiles_head(const struct latent_tiles *tiles, const struct media_picture *picture, const char *model,
                               const char *identity)
{
    struct coded head = { .width = picture->width,
                          .height = picture->height,
                          .channels = picture->channels < 3 ? 1 : 3,
                          .block = tiles->form.block,
                          .depth = tiles->form.depth,
                          .step = CODED_STEP_ONE };

    snprintf(head.model, sizeof head.model, "%s", model);
    coded_identity(identity, head.identity);
    return head;
}

int latent_tiles_back(struct tiles *tiles, const struct media *media, const struct latent_form *form,
                      const struct latents *latents, struct reason *why)
{
    struct pieces across = plan(media, form, latents->width, form->width);
    struct pieces down = plan(media, form, latents->height, form->height);

    across.scale = down.scale = form->block;
    return tiles_init_answer(tiles, media, &across, &down, why);
}

void latent_tiles_fill(const struct tiles *tiles, const struct latents *latents, uint64_t number, float *input)
{
    const uint64_t left = pieces_begin(&tiles->across, number % tiles->across.count);
    const uint64_t top = pieces_begin(&tiles->down, number / tiles->across.count);

    for (uint32_t c = 0; c < latents->channels; c++) {
        for (uint32_t y = 0; y < tiles->down.size; y++) {
            const int16_t *row =
                latents->values + ((size_t)c * latents->height + pieces_mirror(&tiles->down, top + y)) * latents->width;

            for (uint32_t x = 0; x < tiles->across.size; x++)
                *input++ = (float)row[pieces_mirror(&tiles->across, left + x)];
        }
    }
}

void latent_tiles_crop(struct media_picture *picture, uint32_t width, uint32_t height)
{
    const size_t row = (size_t)width * picture->channels, whole = (size_t)picture->width * picture->channels;

    for (uint32_t y = 0; y < height; y++)
        memmove(picture->pixels + y * row, picture->pixels + y * whole, row);
    picture->width = width;
    picture->height = height;
}
