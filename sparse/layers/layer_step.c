/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/step.h"

layer_step_function *layer_kind_step(const struct layer_kind *kind)
{
    if (kind->step)
        return kind->step;
    return kind->elementwise || kind->train_only ? kind->forward : NULL;
}

int layer_step_plan(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why)
{
    const struct layer *layer = setup->layer;

    *kept = 0;
    if (!layer_kind_step(layer->kind))
        return refuse(why, WISP_E_FORMAT, "a %s layer needs other positions than the one that it gives",
                      layer->kind->name);
    if (layer->kind->step_plan)
        return layer->kind->step_plan(setup, kept, why);
    for (uint32_t j = 0; j < layer->input_count; j++) {
        if (setup->whole[j])
            return refuse(why, WISP_E_FORMAT, "its input %u does not go along the sequence", j + 1);
        if (setup->inputs[j].rank < 2 && !layer->kind->elementwise && !layer->kind->indexed)
            return refuse(why, WISP_E_FORMAT, "its input %u has nothing but positions", j + 1);
    }
    return 0;
}
