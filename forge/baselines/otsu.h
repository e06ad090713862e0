/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as what is brighter than a threshold: that which parts a picture's brightness so that the two parts differ
 * the most (Otsu 1979).
 */
#ifndef FORGE_BASELINES_OTSU_H
#define FORGE_BASELINES_OTSU_H

#include "forge/data/dataset.h"

/* Of how many pixels have each brightness: the first threshold of the largest variance between what is at most it and
 * what is above it. */
unsigned otsu_threshold(const uint64_t histogram[256]);

/* Of pairs of a picture and a mask, by the description of a network that gives masks: the intersection over the union,
 * over the pixels of all pictures. */
double otsu_iou(const struct dataset *set, const struct media *media);

#endif
