/* SPDX-License-Identifier: Apache-2.0
 *
 * The layer kinds, one a file.
 */
#ifndef SPARSE_LAYERS_LAYERS_H
#define SPARSE_LAYERS_LAYERS_H

#include "sparse/layers/layer.h"

extern const struct layer_kind layer_add, layer_attention, layer_average_pool, layer_batch_norm, layer_concat,
    layer_conv2d, layer_deconv2d, layer_embedding, layer_gelu, layer_global_pool, layer_layer_norm, layer_linear,
    layer_max_pool, layer_position, layer_projection, layer_relu, layer_reshape, layer_sigmoid, layer_softmax,
    layer_tanh, layer_tokens, layer_upsample;

#endif
