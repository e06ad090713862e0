/* SPDX-License-Identifier: Apache-2.0
 *
 * The layer kinds there are. A new one is a file in layers/ and a line here.
 */
#include <string.h>

#include "base/size.h"
#include "sparse/layers/layers.h"

static const struct layer_kind *const table[] = {
    &layer_linear,     &layer_projection, &layer_conv2d,       &layer_deconv2d,    &layer_embedding, &layer_attention,
    &layer_relu,       &layer_gelu,       &layer_tanh,         &layer_sigmoid,     &layer_softmax,   &layer_batch_norm,
    &layer_layer_norm, &layer_max_pool,   &layer_average_pool, &layer_global_pool, &layer_upsample,  &layer_add,
    &layer_concat,     &layer_position,   &layer_tokens,       &layer_reshape,
};

const struct layer_kind *layer_kind_at(size_t index)
{
    return index < ARRAY_SIZE(table) ? table[index] : NULL;
}

const struct layer_kind *layer_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i]->name, name))
            return table[i];
    }
    return NULL;
}
