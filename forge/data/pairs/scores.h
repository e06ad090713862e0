/* SPDX-License-Identifier: Apache-2.0
 *
 * How near a network's pictures or masks are to those that are wanted, picture by picture: each pixel by the one tile
 * whose own it is.
 *
 * Of pictures: the peak signal-to-noise ratio 10 log10(255^2 / mean squared difference), over all channels, of numbers
 * that are cut off at 0 and 255 and not rounded; at most 100 dB. Of masks, of which a pixel is set above a threshold:
 * the intersection over the union (Jaccard), 1 where both are empty.
 */
#ifndef FORGE_DATA_PAIRS_SCORES_H
#define FORGE_DATA_PAIRS_SCORES_H

#include "forge/data/pairs/pairs.h"

/* Of one pair: sums over its pixels and channels. */
struct pair_sums {
    uint64_t numbers;
    double squares, input_squares;
    uint64_t both, said, wanted; /* of a mask: pixels that are set */
};

struct pair_scores {
    const struct dataset *set;
    struct media_levels levels; /* of the answers */
    bool mask, has_input;       /* the input is a picture like the target */
    uint32_t input;             /* which of the network's inputs that is; 0 */
    float threshold;            /* of a mask: above it a pixel is set; 0.5 */
    struct pair_sums *of;
};

/* -ENOMEM. */
int pair_scores_init(struct pair_scores *scores, const struct dataset *set, const struct media *media);
void pair_scores_deinit(struct pair_scores *scores); /* idempotent */

/* Of the samples which[0 … count): tensors with samples innermost, as a network takes and gives them. */
void pair_scores_add(struct pair_scores *scores, const uint32_t *which, size_t count, const float *input,
                     const float *output, const float *target);

struct pair_figures {
    size_t pictures;
    double psnr, input_psnr; /* means over the pictures; of the input as it is, where that can be compared */
    double iou, dice;        /* over the pixels of all pictures */
    double iou_mean;         /* of the pictures */
    double worst;            /* of a picture: the lowest psnr or iou, */
    uint32_t worst_sample;   /* and a sample of that */
};

struct pair_figures pair_scores_figures(const struct pair_scores *scores);

#endif
