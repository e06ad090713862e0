/* SPDX-License-Identifier: Apache-2.0
 *
 * How far the spectra X of sounds, times a network's masks M and added up, are from those that are wanted, S: the
 * negative ratio of signal to noise in decibels, 10 log10((|sum of M X - S|^2 + c) / (|S|^2 + c)), sums over all
 * numbers of S; c is a thousandth for each, so that where nothing is wanted, and what X is of is of level 1, 30 dB less
 * are as good as nothing.
 */
#ifndef FORGE_TRAIN_LOSSES_MASKED_H
#define FORGE_TRAIN_LOSSES_MASKED_H

#include <stddef.h>

/* Targets: real parts of X, imaginary parts of it, each laid out like the masks; then those of S, at the places that
 * the first sound's numbers have. */
enum { MASKED_PLANES = 4 };

struct masked {
    const float *masks, *targets; /* the first element's */
    size_t sounds, numbers;       /* how many X there are, one after the other, and how many numbers of each */
    size_t stride, plane;         /* from an element to the next, and from a plane to the next */
};

/* The loss; and, unless `gradient` is NULL, its gradient by each mask, laid out like the masks. */
double masked_loss(const struct masked *masked, float *gradient);

#endif
