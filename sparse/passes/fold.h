/* SPDX-License-Identifier: Apache-2.0
 *
 * A trained normalisation is an affine map of each channel, and so is part of the layer before it: its factor goes into
 * the weights of that row, the rest into its bias. A model that is served has nothing left to do for it, nor for what
 * is there for training alone.
 */
#ifndef SPARSE_PASSES_FOLD_H
#define SPARSE_PASSES_FOLD_H

#include "sparse/graph/model.h"

/* Folds what can be: a layer with kind->affine that alone reads a layer with a weight and a bias. The others stay, and
 * are served as scale and shift. Layers that are there for training alone go, wherever they stand; what would leave a
 * model's input to be its output stays. `folded`: how many. The answers are the same but for rounding: w * factor is
 * rounded before it meets an input. -ENOMEM, with those folded that `folded` says. */
int model_fold(struct model *model, uint32_t *folded);

#endif
