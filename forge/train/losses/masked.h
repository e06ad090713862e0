/* SPDX-License-Identifier: Apache-2.0
 *
 * How far the spectra X of a sound, times a network's masks M, are from those that are wanted, S: the negative ratio of
 * signal to noise in decibels, 10 log10((|M X - S|^2 + c) / (|S|^2 + c)), sums over all numbers; c is a thousandth for
 * each number, so that where nothing is wanted, and what X is of is of level 1, 30 dB less are as good as nothing.
 *
 * Of X and S only three things count: x = |X|, t = Re(S X*) / |X|, and s = |S|^2: |M X - S|^2 = (M x - t)^2 + s - t^2.
 */
#ifndef FORGE_TRAIN_LOSSES_MASKED_H
#define FORGE_TRAIN_LOSSES_MASKED_H

#include <stddef.h>

enum { MASKED_PLANES = 3 }; /* x, then t, then s, each laid out like the masks */

struct masked {
    const float *masks, *targets;   /* the first element's */
    size_t elements, stride, plane; /* from an element to the next, and from a plane to the next */
};

/* The loss; and, unless `gradient` is NULL, its gradient by each mask, laid out like the masks. */
double masked_loss(const struct masked *masked, float *gradient);

#endif
