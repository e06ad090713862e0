/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/graph/model.h"

static int round_weight(struct csr *weight, enum value_type type)
{
    struct csr copy;
    int result;

    if (!weight->starts)
        return 0;
    if (!weight->owned) {
        result = csr_copy(weight, &copy);
        if (result)
            return result;
        *weight = copy;
    }
    return csr_round(weight, type);
}

int model_round(struct model *model, enum value_type type)
{
    int result = 0;

    golden_deinit(&model->golden);
    for (uint32_t i = 0; i < model->layer_count && !result; i++)
        result = round_weight(&model->layers[i].weight, type);
    return result;
}

bool model_is_rounded(const struct model *model, enum value_type *out)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        *out = model->layers[i].weight.type;
        if (*out != VALUE_FLOAT32)
            return true;
    }
    return false;
}
