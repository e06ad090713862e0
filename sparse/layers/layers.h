/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of layer_table.c. Each is defined in the file of its name.
 */
#ifndef SPARSE_LAYERS_LAYERS_H
#define SPARSE_LAYERS_LAYERS_H

#include "sparse/layer.h"

extern const struct layer_kind layer_linear;
extern const struct layer_kind layer_relu;
extern const struct layer_kind layer_softmax;

#endif
