/* SPDX-License-Identifier: Apache-2.0
 *
 * The layer kinds there are, from layers.inc.
 */
#include <string.h>

#include "base/size.h"
#include "sparse/layers/layers.h"

static const struct layer_kind *const table[] = {
#define LAYER(name) &layer_##name,
#include "sparse/layers/layers.inc"
#undef LAYER
};

const struct layer_kind *layer_kind_at(size_t index)
{
    return index < ARRAY_SIZE(table) ? table[index] : NULL;
}

const struct layer_kind *layer_kind_of(enum layer_role role)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i]->role == role)
            return table[i];
    }
    return NULL;
}

const struct layer_kind *layer_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i]->name, name))
            return table[i];
    }
    return NULL;
}
