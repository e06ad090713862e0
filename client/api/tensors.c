/* SPDX-License-Identifier: Apache-2.0
 *
 * Models with several inputs and outputs, for the program.
 */
#include <inttypes.h>
#include <string.h>

#include "base/export.h"
#include "client/api/request.h"
#include "client/last_error.h"
#include "client/model.h"
#include "client/request.h"

WISP_EXPORT size_t wisp_model_input_count(const wisp_model *model)
{
    return model->inputs.block.count;
}

WISP_EXPORT size_t wisp_model_output_count(const wisp_model *model)
{
    return model->outputs.block.count;
}

/* `what` is "input" or "output". */
static int describe(const wisp_model *model, const struct tensors *tensors, const char *what, size_t index,
                    struct wisp_tensor *out)
{
    const struct tensor *tensor = &tensors->list[index];

    *out = (struct wisp_tensor){ .name = NULL };
    if (index >= tensors->block.count)
        return last_error_set(WISP_E_INVALID, "%s has %" PRIu32 " %s%s: there is none of number %zu", model->name,
                              tensors->block.count, what, tensors->block.count == 1 ? "" : "s", index);
    *out = (struct wisp_tensor){ .name = tensor->name,
                                 .dtype = tensor->dtype,
                                 .rank = tensor->rank,
                                 .dimensions = tensor->dimensions,
                                 .elements = tensor->elements,
                                 .bytes = tensors->block.bytes[index] };
    return 0;
}

WISP_EXPORT int wisp_model_input(const wisp_model *model, size_t index, struct wisp_tensor *tensor)
{
    return describe(model, &model->inputs, "input", index, tensor);
}

WISP_EXPORT int wisp_model_output(const wisp_model *model, size_t index, struct wisp_tensor *tensor)
{
    return describe(model, &model->outputs, "output", index, tensor);
}

static size_t find(const struct tensors *tensors, const char *name)
{
    size_t index = 0;

    while (index < tensors->block.count && strcmp(tensors->list[index].name, name) != 0)
        index++;
    return index;
}

WISP_EXPORT size_t wisp_model_find_input(const wisp_model *model, const char *name)
{
    return find(&model->inputs, name);
}

WISP_EXPORT size_t wisp_model_find_output(const wisp_model *model, const char *name)
{
    return find(&model->outputs, name);
}

WISP_EXPORT void *wisp_request_input_tensor(wisp_request *request, size_t index)
{
    unsigned char *place = request_place(request);

    if (index >= request->input.count)
        return NULL;
    if (!place) {
        (void)last_error_set(WISP_E_INVALID, BUFFER_IS_ELSEWHERE);
        return NULL;
    }
    return place + wire_block_offset(&request->input, request->rows, (uint32_t)index);
}

WISP_EXPORT const void *wisp_request_output_tensor(const wisp_request *request, size_t index)
{
    if (index >= request->output.count)
        return NULL;
    return session_output(request->session) + request->out_offset +
           wire_block_offset(&request->output, request->rows, (uint32_t)index);
}
