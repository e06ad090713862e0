/* SPDX-License-Identifier: Apache-2.0
 *
 * The layer kinds, one a file.
 */
#ifndef SPARSE_LAYERS_LAYERS_H
#define SPARSE_LAYERS_LAYERS_H

#include "sparse/layers/layer.h"

#define LAYER(name) extern const struct layer_kind layer_##name;
#include "sparse/layers/layers.inc"
#undef LAYER

#endif
