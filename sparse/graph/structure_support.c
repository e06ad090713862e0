/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sparse/graph/structure.h"

bool layer_kind_serves(const struct layer_kind *kind)
{
    return kind->forward != NULL;
}

bool layer_kind_trains(const struct layer_kind *kind)
{
    return kind->forward && kind->backward;
}

struct structure_support structure_support(const struct structure *structure)
{
    struct structure_support support = { .serves = true, .trains = true, .obstacle = NULL };

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];
        bool serves = layer_kind_serves(layer->kind), trains = layer_kind_trains(layer->kind);

        /* What cannot be served says more than what cannot be trained. */
        if ((!serves && support.serves) || (!trains && support.trains))
            support.obstacle = layer;
        support.serves &= serves;
        support.trains &= trains;
    }
    support.several = !signature_trains(&structure->signature);
    support.trains &= !support.several;
    return support;
}

void structure_support_text(const struct structure_support *support, char *text, size_t size)
{
    const struct structure_layer *layer = support->obstacle;

    *text = 0;
    if (support->several && support->serves)
        snprintf(text, size,
                 "this version cannot train or evaluate it: it has not just one output of float32, or an input with a "
                 "scale");
    if (!layer || *text)
        return;
    if (!support->serves)
        snprintf(text, size, "this version cannot serve or train it: %s is of kind %s", layer->name, layer->kind->name);
    else
        snprintf(text, size, "this version cannot train it: %s is of kind %s", layer->name, layer->kind->name);
}
