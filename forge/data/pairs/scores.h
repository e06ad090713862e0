/* SPDX-License-Identifier: Apache-2.0
 *
 * How near a network's pictures or masks are to those that are wanted, picture by picture, each put together of
 * its tiles as `wisp run` does it (media/pieces). A picture is kept from its first tile to its last.
 *
 * Of pictures: the peak signal-to-noise ratio 10 log10(255^2 / mean squared difference), over all channels, of numbers
 * that are cut off at 0 and 255 and not rounded; at most 100 dB; and SSIM. Of masks, of which a pixel is set above a
 * threshold: the intersection over the union (Jaccard), 1 where both are empty.
 */
#ifndef FORGE_DATA_PAIRS_SCORES_H
#define FORGE_DATA_PAIRS_SCORES_H

#include "forge/data/pairs/pairs.h"

/* Of one pair: sums over its pixels and channels. */
struct pair_sums {
    uint64_t numbers;
    double squares, input_squares; /* of brightness, of 255 */
    double similarity, input_similarity;
    uint64_t both, said, wanted; /* of a mask: pixels that are set */
};

/* What of a pair is there: [channel][row][column] of what the network gives, and of its input where that is compared.
 */
struct pair_whole {
    float *output, *input;
    uint32_t given; /* tiles */
};

struct pair_scores {
    const struct dataset *set;
    struct media_levels levels; /* of the answers */
    bool mask, has_input;       /* the input is a picture like the target */
    uint32_t input;             /* which of the network's inputs that is; 0 */
    float threshold;            /* of a mask: above it a pixel is set; 0.5 */
    struct pair_sums *of;
    struct pair_whole *wholes;
    float *weights; /* of a tile's columns */
};

/* -ENOMEM. */
int pair_scores_init(struct pair_scores *scores, const struct dataset *set, const struct media *media);
void pair_scores_deinit(struct pair_scores *scores); /* idempotent */

/* Of the samples which[0 … count), each once: tensors with samples innermost, as a network takes and gives them.
 * -ENOMEM. */
int pair_scores_add(struct pair_scores *scores, const uint32_t *which, size_t count, const float *input,
                    const float *output);

struct pair_figures {
    size_t pictures;
    bool has_ssim;           /* of pictures of which none is too small for it */
    double ssim, input_ssim; /* structural similarity (ssim.h): means over channels, then over the pictures */
    double psnr, input_psnr; /* means over the pictures; of the input as it is, where that can be compared */
    double iou, dice;        /* over the pixels of all pictures */
    double iou_mean;         /* of the pictures */
    double worst;            /* of a picture: the lowest psnr or iou, */
    uint32_t worst_sample;   /* and a sample of that */
};

struct pair_figures pair_scores_figures(const struct pair_scores *scores);

#endif
