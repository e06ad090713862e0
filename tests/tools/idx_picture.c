/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture of an idx data set as a PNG file, enlarged: how examples/picture.png was made.
 *
 *     idx_picture FOLDER SPLIT NUMBER FACTOR > picture.png
 */
#include <errno.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "forge/data/dataset.h"
#include "media/image/picture.h"

CLEANUP_DEFINE(dataset, struct dataset, dataset_free)

static void free_context(spng_ctx **context)
{
    spng_ctx_free(*context);
}

static int write_png(const struct media_picture *picture, FILE *out)
{
    cleanup(free_context) spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = {
        .width = picture->width, .height = picture->height, .bit_depth = 8, .color_type = SPNG_COLOR_TYPE_GRAYSCALE
    };
    int error = context ? 0 : SPNG_EMEM;

    if (!error)
        error = spng_set_png_file(context, out);
    if (!error)
        error = spng_set_ihdr(context, &header);
    if (!error)
        error = spng_encode_image(context, picture->pixels, (size_t)picture->width * picture->height, SPNG_FMT_PNG,
                                  SPNG_ENCODE_FINALIZE);
    if (error)
        fprintf(stderr, "idx_picture: %s\n", spng_strerror(error));
    return error;
}

static int enlarge(const struct media_picture *small, uint32_t factor, FILE *out)
{
    struct media_picture large = { .width = small->width * factor, .height = small->height * factor, .channels = 1 };
    cleanup_free uint8_t *pixels = calloc(large.width, large.height);

    large.pixels = pixels;
    if (!pixels || picture_resize(small, &(struct picture_area){ .width = small->width, .height = small->height },
                                  &large, &(struct picture_area){ .width = large.width, .height = large.height })) {
        fprintf(stderr, "idx_picture: out of memory\n");
        return 1;
    }
    return write_png(&large, out);
}

int main(int argc, char **argv)
{
    cleanup(dataset_at_exit) struct dataset *set = NULL;
    struct reason why = { "" };
    unsigned long number, factor;

    if (argc != 5) {
        fprintf(stderr, "usage: idx_picture FOLDER SPLIT NUMBER FACTOR > FILE.png\n");
        return 2;
    }
    if (dataset_read(&(struct dataset_wish){ .path = argv[1], .split = argv[2], .kind = MEDIA_IMAGE }, &set, &why)) {
        fprintf(stderr, "idx_picture: %s\n", why.text);
        return 1;
    }
    number = strtoul(argv[3], NULL, 10);
    factor = strtoul(argv[4], NULL, 10);
    if (number >= set->count || factor < 1 || factor > 64) {
        fprintf(stderr, "idx_picture: pictures 0 to %zu, factors 1 to 64\n", set->count - 1);
        return 2;
    }
    return enlarge(&set->pictures[number], (uint32_t)factor, stdout) ? 1 : 0;
}
