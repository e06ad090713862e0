/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/graph/golden.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sparse/graph/halves.h"
#include "sparse/graph/model.h"

static struct golden_tensor of_tensor(const char *owner, const struct model_tensor *tensor, void **data)
{
    struct golden_tensor made = {
        .owner = owner, .dtype = tensor->dtype, .count = shape_elements(&tensor->shape), .data = data
    };

    memcpy(made.name, tensor->name, sizeof made.name);
    return made;
}

/* What goes into the layer that rounds, which changes no shape. */
static struct golden_tensor of_latents(const struct model *model, void **data)
{
    struct golden_tensor made = { .owner = GOLDEN_OWNER, .name = HALVES_TENSOR, .data = data };

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].kind->quantizes)
            made.count = shape_elements(&model->layers[i].shape);
    }
    return made;
}

uint32_t golden_list(const struct model *model, struct golden *golden, struct golden_tensor list[GOLDEN_TENSORS_MAX])
{
    const bool decodes = model->decoding.length;
    const struct signature *whole = &model->signature, seen = decodes ? decoding_signature(model) : *whole;
    uint32_t count = 0;

    for (uint32_t i = 0; i < seen.input_count; i++)
        list[count++] = of_tensor(GOLDEN_INPUT, &seen.inputs[i], &golden->inputs[i]);
    for (uint32_t i = 0; i < whole->output_count; i++)
        list[count++] = of_tensor(GOLDEN_OUTPUT, &whole->outputs[i], &golden->outputs[i]);
    if (decodes)
        list[count - 1].count = decoding_vocabulary(model);
    if (model_has_halves(model))
        list[count++] = of_latents(model, &golden->latents);
    return count;
}

uint64_t golden_bytes(const struct golden_tensor *list, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < count; i++)
        bytes += list[i].count * dtype_bytes(list[i].dtype);
    return bytes;
}

int golden_alloc(const struct model *model, struct golden *golden, struct reason *why)
{
    struct golden_tensor list[GOLDEN_TENSORS_MAX];
    const uint32_t count = golden_list(model, golden, list);
    const uint64_t bytes = golden_bytes(list, count);

    if (bytes > GOLDEN_BYTES_MAX)
        return refuse(why, WISP_E_INVALID, "a golden input and its answer have at most %d bytes, and would have %llu",
                      GOLDEN_BYTES_MAX, (unsigned long long)bytes);
    for (uint32_t i = 0; i < count; i++) {
        *list[i].data = memory_zalloc(list[i].count, dtype_bytes(list[i].dtype));
        if (!*list[i].data) {
            golden_deinit(golden);
            return refuse_errno(why, -ENOMEM, "a golden input");
        }
    }
    return 0;
}

static int tensor_check(const struct golden_tensor *tensor, struct reason *why)
{
    const float *numbers = *tensor->data;

    for (uint64_t i = 0; tensor->dtype == DTYPE_FLOAT32 && i < tensor->count; i++) {
        if (!isfinite(numbers[i]))
            return refuse(why, WISP_E_FORMAT, "element %llu of \"%s.%s\" is not a finite number", (unsigned long long)i,
                          tensor->owner, tensor->name);
    }
    return 0;
}

int golden_check(const struct model *model, struct reason *why)
{
    struct golden golden = model->golden;
    struct golden_tensor list[GOLDEN_TENSORS_MAX];
    const uint32_t count = golden_is_there(&golden) ? golden_list(model, &golden, list) : 0;
    int result = 0;

    for (uint32_t i = 0; count && i < model->layer_count; i++) {
        if (!strncmp(model->layers[i].name, GOLDEN_OWNER, strlen(GOLDEN_OWNER)))
            return refuse(why, WISP_E_FORMAT, "a layer of a model with a golden input is called \"%s\"",
                          model->layers[i].name);
    }
    for (uint32_t i = 0; !result && i < count; i++)
        result = tensor_check(&list[i], why);
    return result;
}
