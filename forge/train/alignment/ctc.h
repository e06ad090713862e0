/* SPDX-License-Identifier: Apache-2.0
 *
 * Connectionist temporal classification (Graves et al. 2006): labels in their order, of which nobody says at which
 * frames they are. A way through the frames says at each a label, or 0, which is none; the labels that it stands for
 * are those that remain when what follows itself is taken once and the 0s are left out. The probability of labels is
 * the sum over all ways that stand for them, by dynamic programming forward and backward over the labels with a 0
 * around each.
 *
 * In logarithms, in double; the small term of a sum of two by wisp's own functions, which are the same everywhere.
 */
#ifndef FORGE_TRAIN_ALIGNMENT_CTC_H
#define FORGE_TRAIN_ALIGNMENT_CTC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctc {
    const float *p; /* of class c at frame t: p[c * class_step + t * frame_step] */
    size_t classes, class_step, frames, frame_step;
    const int32_t *labels; /* from 1 on, label_step apart */
    size_t label_count, label_step;
    double *room; /* ctc_room() of them */
};

size_t ctc_room(size_t frames, size_t labels);
size_t ctc_count(const int32_t *labels, size_t step, size_t max); /* up to the first that is below 0 */

/* -log of the labels' probability; infinite when there are more than fit, as two alike need a 0 between them. The
 * gradient, of what the softmax read, is laid out with steps of its own, all overwritten: at frames that are none of
 * the labels', up to its own number of them, by 0. NULL: not wanted. */
struct ctc_gradient {
    float *values;
    size_t class_step, frame_step, frames;
};
double ctc_loss(const struct ctc *ctc, const struct ctc_gradient *gradient);

/* The way that is most probable frame by frame: how many labels it stands for, how many of them are, in the same order,
 * among the labels, and by how many edits (Levenshtein 1966) they become the labels. */
struct ctc_guess {
    size_t said, right, edits;
};
struct ctc_guess ctc_guess(const struct ctc *ctc);
/* The same of labels that somebody else has found, of which the frames are of no account. */
struct ctc_guess ctc_compare(const struct ctc *ctc, const uint32_t *said, size_t count);

#endif
