/* SPDX-License-Identifier: Apache-2.0
 *
 * x of each element, and a slope times x below 0: what rectifiers that leak do, each with the slope it says.
 */
#ifndef SPARSE_LAYERS_ACTIVATIONS_NEGATIVE_SLOPE_H
#define SPARSE_LAYERS_ACTIVATIONS_NEGATIVE_SLOPE_H

#include "sparse/layers/elementwise.h"

void negative_slope_activate(float slope, const float *in, float *out, size_t n);
void negative_slope_go_back(float slope, const struct elementwise_back *back, size_t n);

#endif
