/* SPDX-License-Identifier: Apache-2.0
 *
 * The layer kinds: one row each, one file each in layers/.
 */
#include <string.h>

#include "base/size.h"
#include "sparse/layers/layers.h"

static const struct layer_kind *const kinds[] = {
    &layer_linear,
    &layer_relu,
    &layer_softmax,
};

const struct layer_kind *layer_kind_at(size_t index)
{
    return index < ARRAY_SIZE(kinds) ? kinds[index] : NULL;
}

const struct layer_kind *layer_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
    }
    return NULL;
}
