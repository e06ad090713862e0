/* SPDX-License-Identifier: Apache-2.0
 *
 * A data set whose samples are tiles of pairs of pictures: what a network takes, and what it is to give for it. Made of
 * a set of pictures without labels, be it that half of them are the targets (partners.h) or that inputs are made of
 * them (degradation.h). Immutable afterwards, as the set is.
 *
 * Pictures are bytes at their own size, in the channels in which they are wanted. A sample that is evaluated is its
 * tile; one that is trained on is as large a crop of the same pair at another place (crop.h).
 */
#ifndef FORGE_DATA_PAIRS_PAIRS_H
#define FORGE_DATA_PAIRS_PAIRS_H

#include "base/rng.h"
#include "forge/data/dataset.h"
#include "forge/data/pairs/crop.h"
#include "forge/data/pairs/degradation.h"
#include "media/pieces/pieces.h"

/* By its number across and down, as media/pieces cuts the pair's input. */
struct tile {
    uint32_t pair, across, down;
};

struct pairs {
    size_t count;
    uint32_t width, height, scale; /* of a tile of the input, and how many times larger one of the target is */
    uint32_t overlap;              /* of tiles, as the media description says */
    uint32_t channels;             /* of the target */
    bool noisy;                    /* the input is its picture with noise */
    struct noise noise;
    struct tile tiles[]; /* one a sample; those of a pair in a row */
};

struct pairs_wish {
    const struct media *media; /* of the network's input */
    const char *root;          /* that the set was read from */
    uint32_t scale, channels;  /* of the output: times the input's width, and of its channels */
    struct degrading degrading;
    bool skip_bad;
};

/* Turns the set's pictures into pairs and its samples into tiles. WISP_E_FORMAT, and names the pictures that are no
 * pair, of other sizes than each other or too small; with skip_bad those are left out and counted. -ENOMEM. */
int pairs_make(struct dataset *set, const struct pairs_wish *wish, struct reason *why);

static inline const struct media_picture *pairs_input(const struct dataset *set, uint32_t pair)
{
    return &set->pictures[2 * (size_t)pair];
}

static inline const struct media_picture *pairs_target(const struct dataset *set, uint32_t pair)
{
    return &set->pictures[2 * (size_t)pair + 1];
}

/* What each pair's input is normalised by, where the description says that each is by itself; else *out is NULL. To be
 * freed. -ENOMEM. */
int pairs_scales(const struct dataset *set, const struct media *media, struct media_scale **out);

/* How tiles cover a pair, as `wisp run` covers a picture. */
static inline struct pieces pairs_across(const struct dataset *set, uint32_t pair)
{
    return pieces_plan(pairs_input(set, pair)->width, set->pairs->width, set->pairs->overlap, set->pairs->scale);
}

static inline struct pieces pairs_down(const struct dataset *set, uint32_t pair)
{
    return pieces_plan(pairs_input(set, pair)->height, set->pairs->height, set->pairs->overlap, set->pairs->scale);
}

/* Numbers of a tile's target. */
static inline size_t pairs_answer_elements(const struct pairs *pairs)
{
    return (size_t)pairs->width * pairs->scale * pairs->height * pairs->scale * pairs->channels;
}

/* A sample's tile, as it stands; and a crop of its pair at a place drawn from `rng`, not turned. */
struct crop pairs_tile(const struct dataset *set, uint32_t sample);
struct crop pairs_crop(const struct dataset *set, uint32_t sample, struct rng *rng);

#endif
