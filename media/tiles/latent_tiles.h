/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture of any size on its way to latents, and latents on their way to a picture, through the halves of a network
 * of one size: in tiles, planned in latents, so that every tile begins where a square of pixels does.
 *
 * To latents: tiles overlap, and each latent is that of the tile it is farther inside. So a network that sees no
 * farther than a quarter of the overlap gives to the number what it would give of the whole picture. Back, tiles.h
 * blends. For one thread.
 */
#ifndef MEDIA_TILES_LATENT_TILES_H
#define MEDIA_TILES_LATENT_TILES_H

#include "media/latents/coded.h"
#include "media/latents/latents.h"
#include "media/tiles/tiles.h"

/* What the halves of the network take and give: a sample of `block` times `size` pixels a side is a sample of [depth]
 * [height][width] latents. */
struct latent_form {
    uint32_t block, depth, width, height;
};

/* Of a description with fit "tiles", and the latents' three dimensions. WISP_E_FORMAT when they do not go together. */
int latent_form_of(const struct media *media, const uint32_t dimensions[static 3], struct latent_form *out,
                   struct reason *why);

/* ---- to latents ---- */

struct latent_tiles {
    struct latent_form form;
    struct pieces across, down;  /* in latents */
    struct pieces columns, rows; /* in pixels: what is behind the edges */
    struct media_levels levels;
    struct media_picture in; /* in the channels of the input */
    uint8_t *converted;      /* its pixels, when they are no longer the caller's; NULL */
    struct latents out;
};

/* `media` and the picture outlive it. -ENOMEM; WISP_E_INVALID: it is too large. */
int latent_tiles_init(struct latent_tiles *tiles, const struct media *media, const struct latent_form *form,
                      const struct media_picture *picture, struct reason *why);
void latent_tiles_deinit(struct latent_tiles *tiles); /* idempotent */

uint64_t latent_tiles_count(const struct latent_tiles *tiles);
/* The tile of that number as the encoder's input. */
void latent_tiles_take(const struct latent_tiles *tiles, uint64_t number, float *input);
/* What the encoder gives of it, in any order; rounded here to the nearest whole numbers.
 * WISP_E_INVALID when there is something in it that is no finite number. */
int latent_tiles_give(struct latent_tiles *tiles, uint64_t number, const float *output, struct reason *why);

/* The head of the file that they go into, by the model of that name and identity. */
struct coded latent_tiles_head(const struct latent_tiles *tiles, const struct media_picture *picture, const char *model,
                               const char *identity);

/* ---- to a picture ---- */

/* The tiles that put the decoder's answers together: tiles_give() and tiles_result(), of as many pixels as the latents
 * stand for. -ENOMEM. */
int latent_tiles_back(struct tiles *tiles, const struct media *media, const struct latent_form *form,
                      const struct latents *latents, struct reason *why);
/* The tile of that number as the decoder's input. */
void latent_tiles_fill(const struct tiles *tiles, const struct latents *latents, uint64_t number, float *input);

/* What the latents stand for as large as the picture was. */
void latent_tiles_crop(struct media_picture *picture, uint32_t width, uint32_t height);

#endif
