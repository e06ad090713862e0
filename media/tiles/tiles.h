/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture of any size on its way through a network of one: cut into tiles, row after row, and what the network gives
 * of them put together.
 *
 * Only the rows to which tiles can still add are kept as numbers, those of one row of tiles; what is above is bytes.
 * For one thread.
 */
#ifndef MEDIA_TILES_TILES_H
#define MEDIA_TILES_TILES_H

#include "media/pieces/pieces.h"
#include "media/spec/media.h"

struct tiles {
    const struct media *media;
    float threshold; /* of a mask */
    struct pieces across, down;
    struct media_levels levels; /* of the input's bytes */
    struct media_picture in;    /* in the channels of the input */
    uint8_t *converted;         /* its pixels, when they are no longer the caller's; NULL */
    struct media_picture out;   /* what is put together */
    float *band;                /* its rows from `band_begin` on: [row][channel][column] */
    float *weights;             /* of a tile's columns */
    uint64_t band_begin, done;  /* rows of `out` above `done` are bytes */
    uint64_t given;             /* tiles */
};

/* Channels of what the network gives, how many times as wide and high as its input that is, and of a mask above what a
 * pixel is set. */
struct tiles_output {
    uint32_t channels, scale;
    float threshold;
};

/* `media` has fit "tiles"; it and the picture must outlive the tiles. -ENOMEM. */
int tiles_init(struct tiles *tiles, const struct media *media, const struct media_picture *picture,
               const struct tiles_output *output, struct reason *why);
/* Of what a network gives alone, in the channels of its input, by plans of whatever it takes: for tiles_give(). */
int tiles_init_answer(struct tiles *tiles, const struct media *media, const struct pieces *across,
                      const struct pieces *down, struct reason *why);
void tiles_deinit(struct tiles *tiles); /* idempotent */

uint64_t tiles_count(const struct tiles *tiles);

/* The tile of that number as the network's input. */
void tiles_take(const struct tiles *tiles, uint64_t number, float *input);

/* What the network gives of the next tile; from 0 on, in their order. WISP_E_INVALID when there is something in it that
 * is no finite number. */
int tiles_give(struct tiles *tiles, const float *output, struct reason *why);

/* The whole, once every tile was given; its pixels are the caller's then. */
struct media_picture tiles_result(struct tiles *tiles);

#endif
