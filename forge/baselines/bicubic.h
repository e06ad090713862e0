/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture made larger by bicubic interpolation (Keys 1981, a = -0.5), the edge repeated beyond itself.
 */
#ifndef FORGE_BASELINES_BICUBIC_H
#define FORGE_BASELINES_BICUBIC_H

#include "forge/data/dataset.h"

/* One channel, [row][column], `factor` times as wide and high; within 0 and 255, not rounded. -ENOMEM. */
int bicubic_enlarge(const struct media_picture *picture, uint32_t channel, uint32_t factor, double *out);

/* Of pairs of a picture and a larger one: the mean of the pictures' PSNR, as that of a network (pairs/scores.h).
 * -ENOMEM.
 */
int bicubic_psnr(const struct dataset *set, double *out);

#endif
