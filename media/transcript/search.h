/* SPDX-License-Identifier: Apache-2.0
 *
 * The labels that a network has most probably written down. At each position it gives a score for every label, of which
 * the first, 0, is none; a way through the positions says at each one, and stands for the labels that remain when what
 * follows itself is taken once and the 0s are left out (Graves et al. 2006). Labels are as probable as all ways
 * together that stand for them.
 *
 * Position by position the `width` most probable beginnings go on: prefix search by a beam (Hannun et al. 2014, without
 * a language model). Where nothing is left out, nothing is more probable than what it finds. A width of 1 takes the
 * best label of each position, which is another thing, and what is usually meant by greedy.
 *
 * Scores are what a softmax takes. They may be anything: no number is the least. In double, with functions that have
 * the same bits everywhere; of equals the first counts.
 */
#ifndef MEDIA_TRANSCRIPT_SEARCH_H
#define MEDIA_TRANSCRIPT_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#define TRANSCRIPT_BEAM_MAX 16u

/* Of label l at position p: values[l * label_step + p * position_step]. */
struct transcript_scores {
    const float *values;
    size_t labels, label_step, positions, position_step;
};

struct transcript {
    uint32_t *labels; /* room for as many as there are positions; the caller's */
    size_t count;
    double probability; /* of them, as far as the beam went; 0 where a double has it not, and with a width of 1 */
};

/* `width`: 1 to TRANSCRIPT_BEAM_MAX. -ENOMEM. */
int transcript_search(const struct transcript_scores *scores, uint32_t width, struct transcript *out);

#endif
