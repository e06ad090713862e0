/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/spec/spec.h"
#include "media/tiles/tiles.h"

static size_t band_row(const struct tiles *tiles)
{
    return (size_t)tiles->out.width * tiles->out.channels;
}

static uint64_t band_rows(const struct tiles *tiles)
{
    return (uint64_t)tiles->down.size * tiles->down.scale;
}

static int refuse_size(struct tiles *tiles, struct reason *why)
{
    tiles_deinit(tiles);
    return refuse_errno(why, -ENOMEM, "a picture of %u x %u", tiles->out.width, tiles->out.height);
}

/* Room for what is put together. */
static int allocate(struct tiles *tiles)
{
    tiles->out.pixels = memory_alloc(band_row(tiles), tiles->out.height);
    tiles->band = memory_zalloc(band_row(tiles) * band_rows(tiles), sizeof *tiles->band);
    tiles->weights = memory_alloc((size_t)tiles->across.size * tiles->across.scale, sizeof *tiles->weights);
    return tiles->out.pixels && tiles->band && tiles->weights ? 0 : -ENOMEM;
}

/* The picture in the channels of the input. */
static int convert(struct tiles *tiles, const struct media_picture *picture)
{
    const uint32_t channels = tiles->media->image.channels;

    if (picture->channels == channels)
        return 0;
    tiles->converted = memory_alloc((size_t)picture->width * picture->height, channels);
    if (!tiles->converted)
        return -ENOMEM;
    media_picture_channels(tiles->media, picture, channels, tiles->converted);
    tiles->in.pixels = tiles->converted;
    return 0;
}

int tiles_init(struct tiles *tiles, const struct media *media, const struct media_picture *picture,
               const struct tiles_output *output, struct reason *why)
{
    const struct image_spec *spec = &media->image;
    struct media_scale scale;

    *tiles = (struct tiles){
        .media = media,
        .threshold = output->threshold,
        .across = pieces_plan(picture->width, spec->width, spec->overlap, output->scale),
        .down = pieces_plan(picture->height, spec->height, spec->overlap, output->scale),
        .in = { picture->width, picture->height, spec->channels, picture->pixels },
        .out = { picture->width * output->scale, picture->height * output->scale, output->channels, NULL },
    };
    if (allocate(tiles) || convert(tiles, picture))
        return refuse_size(tiles, why);
    media_picture_scale(media, &tiles->in, &scale);
    media_picture_levels(media, &scale, &tiles->levels);
    return 0;
}

int tiles_init_answer(struct tiles *tiles, const struct media *media, const struct pieces *across,
                      const struct pieces *down, struct reason *why)
{
    *tiles = (struct tiles){
        .media = media,
        .across = *across,
        .down = *down,
        .out = { (uint32_t)(across->length * across->scale), (uint32_t)(down->length * down->scale),
                 media->image.channels, NULL },
    };
    return allocate(tiles) ? refuse_size(tiles, why) : 0;
}

void tiles_deinit(struct tiles *tiles)
{
    free(tiles->converted);
    free(tiles->out.pixels);
    free(tiles->band);
    free(tiles->weights);
    tiles->converted = tiles->out.pixels = NULL;
    tiles->band = tiles->weights = NULL;
}

uint64_t tiles_count(const struct tiles *tiles)
{
    return tiles->across.count * tiles->down.count;
}

void tiles_take(const struct tiles *tiles, uint64_t number, float *input)
{
    const uint32_t width = tiles->across.size, height = tiles->down.size, channels = tiles->in.channels;
    const uint64_t left = pieces_begin(&tiles->across, number % tiles->across.count);
    const uint64_t top = pieces_begin(&tiles->down, number / tiles->across.count);
    const size_t plane = (size_t)width * height;

    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row =
            tiles->in.pixels + pieces_mirror(&tiles->down, top + y) * (size_t)tiles->in.width * channels;

        for (uint32_t x = 0; x < width; x++) {
            const uint8_t *pixel = row + pieces_mirror(&tiles->across, left + x) * channels;

            for (uint32_t c = 0; c < channels; c++)
                input[c * plane + (size_t)y * width + x] = tiles->levels.values[c][pixel[c]];
        }
    }
}

/* ---- putting together ---- */

/* Rows above `end` become bytes. */
static void finish_rows(struct tiles *tiles, uint64_t end)
{
    const size_t row = band_row(tiles);

    for (; tiles->done < end; tiles->done++)
        media_answer_bytes(tiles->media, tiles->out.channels, tiles->out.width,
                           tiles->band + (tiles->done - tiles->band_begin) * row, tiles->threshold,
                           tiles->out.pixels + tiles->done * row);
}

/* The band goes down to where the next row of tiles begins. */
static void move_band(struct tiles *tiles, uint64_t begin)
{
    const size_t row = band_row(tiles), moved = (begin - tiles->band_begin) * row;
    const size_t all = band_rows(tiles) * row;

    memmove(tiles->band, tiles->band + moved, (all - moved) * sizeof *tiles->band);
    memset(tiles->band + all - moved, 0, moved * sizeof *tiles->band);
    tiles->band_begin = begin;
}

/* A tile's row, as far as it counts, times `weight`, onto a row of a channel. */
static void add_row(const struct tiles *tiles, const struct pieces_stretch *columns, const float *values, float weight,
                    float *out)
{
    for (uint64_t x = columns->begin; x < columns->end; x++)
        out[x] += weight * tiles->weights[x - columns->begin] * values[x - columns->begin];
}

static void add_tile(struct tiles *tiles, uint64_t column, uint64_t row, const float *output)
{
    const struct pieces_stretch columns = pieces_stretch(&tiles->across, column);
    const struct pieces_stretch rows = pieces_stretch(&tiles->down, row);
    const uint64_t left = pieces_begin(&tiles->across, column) * tiles->across.scale;
    const size_t width = (size_t)tiles->across.size * tiles->across.scale;

    for (uint64_t x = columns.begin; x < columns.end; x++)
        tiles->weights[x - columns.begin] = pieces_weight(&tiles->across, column, x);
    for (uint64_t y = rows.begin; y < rows.end; y++) {
        const float weight = pieces_weight(&tiles->down, row, y);
        const uint64_t inside = y - tiles->band_begin;

        for (uint32_t c = 0; c < tiles->out.channels; c++)
            add_row(tiles, &columns, output + (c * band_rows(tiles) + inside) * width + (columns.begin - left), weight,
                    tiles->band + (inside * tiles->out.channels + c) * tiles->out.width);
    }
}

static int check_numbers(const struct tiles *tiles, const float *output, struct reason *why)
{
    const uint64_t numbers =
        band_rows(tiles) * tiles->across.size * tiles->across.scale * (uint64_t)tiles->out.channels;

    for (uint64_t i = 0; i < numbers; i++) {
        if (!isfinite(output[i]))
            return refuse(why, WISP_E_INVALID,
                          "what the model gives for tile %" PRIu64 " of %" PRIu64
                          " has a value that is no finite number",
                          tiles->given + 1, tiles_count(tiles));
    }
    return 0;
}

int tiles_give(struct tiles *tiles, const float *output, struct reason *why)
{
    const uint64_t column = tiles->given % tiles->across.count, row = tiles->given / tiles->across.count;
    int result = check_numbers(tiles, output, why);

    if (result)
        return result;
    if (!column && row) {
        finish_rows(tiles, pieces_stretch(&tiles->down, row).begin);
        move_band(tiles, pieces_begin(&tiles->down, row) * tiles->down.scale);
    }
    add_tile(tiles, column, row, output);
    tiles->given++;
    if (tiles->given == tiles_count(tiles))
        finish_rows(tiles, tiles->out.height);
    return 0;
}

struct media_picture tiles_result(struct tiles *tiles)
{
    struct media_picture out = tiles->out;

    tiles->out.pixels = NULL;
    return out;
}
