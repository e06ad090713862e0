/* SPDX-License-Identifier: Apache-2.0
 *
 * Structural similarity (Wang and others 2004) of two planes of brightness of 0 to 255: a Gaussian window of deviation
 * 1.5, eleven wide, the mean over all pixels around which it fits. As scikit-image's structural_similarity() with
 * gaussian_weights and without use_sample_covariance.
 */
#ifndef FORGE_DATA_PAIRS_SSIM_H
#define FORGE_DATA_PAIRS_SSIM_H

#include <stddef.h>

enum { SSIM_SIDE_MIN = 11 };

/* Each [row][column], of SSIM_SIDE_MIN or more rows and columns. -ENOMEM. */
int ssim(const double *a, const double *b, size_t width, size_t height, double *out);

#endif
