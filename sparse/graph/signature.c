/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sparse/graph/name.h"
#include "sparse/graph/signature.h"

struct signature signature_of(struct shape input)
{
    return (struct signature){ .inputs = { { .name = "input", .scale = 1, .shape = input } }, .input_count = 1 };
}

bool tensors_are_simple(const struct model_tensor *tensors, uint32_t count)
{
    return count == 1 && tensors->dtype == DTYPE_FLOAT32;
}

/* Of what is not complete yet, no output is the last layer's. */
bool signature_trains(const struct signature *signature)
{
    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (signature->inputs[i].scale != 1)
            return false;
    }
    return !signature->output_count || tensors_are_simple(signature->outputs, signature->output_count);
}

bool signature_has_plain_input(const struct signature *signature)
{
    return tensors_are_simple(signature->inputs, signature->input_count) && !strcmp(signature->inputs[0].name, "input");
}

bool signature_has_plain_output(const struct signature *signature, uint32_t value_count)
{
    const struct model_tensor *output = &signature->outputs[0];

    return !signature->output_count || (tensors_are_simple(output, signature->output_count) &&
                                        !strcmp(output->name, "output") && output->value + 1 == value_count);
}

/* ---- checks ---- */

static int tensor_check(const struct model_tensor *tensor, struct reason *why)
{
    if (tensor->dtype >= DTYPE_COUNT)
        return refuse(why, WISP_E_FORMAT, "is of no type that there is");
    if (tensor->dtype == DTYPE_FLOAT32 && tensor->scale != 1)
        return refuse(why, WISP_E_FORMAT, "is float32, which has no scale");
    if (!isfinite(tensor->scale) || tensor->scale == 0)
        return refuse(why, WISP_E_FORMAT, "has the scale %g, which is no finite number other than 0",
                      (double)tensor->scale);
    return 0;
}

/* `what` is "input" or "output". */
static int tensors_check(const struct model_tensor *tensors, uint32_t count, const char *what, struct reason *why)
{
    if (!count || count > SIGNATURE_TENSORS_MAX)
        return refuse(why, WISP_E_FORMAT, "there are 1 to %d %ss, not %u", SIGNATURE_TENSORS_MAX, what, count);
    for (uint32_t i = 0; i < count; i++) {
        int result = name_check("its name", tensors[i].name, TENSOR_NAME_MAX, why);

        if (result)
            return refuse_in(why, result, "%s %u", what, i + 1);
        result = tensor_check(&tensors[i], why);
        if (result)
            return refuse_in(why, result, "%s \"%s\"", what, tensors[i].name);
        for (uint32_t k = 0; k < i; k++) {
            if (!strcmp(tensors[k].name, tensors[i].name))
                return refuse(why, WISP_E_FORMAT, "two %ss have the name \"%s\"", what, tensors[i].name);
        }
    }
    return 0;
}

int signature_check_inputs(const struct signature *signature, struct reason *why)
{
    int result = tensors_check(signature->inputs, signature->input_count, "input", why);

    for (uint32_t i = 0; !result && i < signature->input_count; i++) {
        result = shape_check(&signature->inputs[i].shape, why);
        if (result && signature->input_count == 1)
            return refuse_in(why, result, "the input");
        if (result)
            return refuse_in(why, result, "input \"%s\"", signature->inputs[i].name);
    }
    return result;
}

int signature_check_outputs(const struct signature *signature, uint32_t value_count, struct reason *why)
{
    const struct model_tensor *outputs = signature->outputs;
    int result = tensors_check(outputs, signature->output_count, "output", why);

    for (uint32_t i = 0; !result && i < signature->output_count; i++) {
        if (outputs[i].value < signature->input_count || outputs[i].value >= value_count)
            return refuse(why, WISP_E_FORMAT, "output \"%s\" is value %u, which is no layer's", outputs[i].name,
                          outputs[i].value);
        for (uint32_t k = 0; k < i; k++) {
            if (outputs[k].value == outputs[i].value)
                return refuse(why, WISP_E_FORMAT, "outputs \"%s\" and \"%s\" are one value, %u", outputs[k].name,
                              outputs[i].name, outputs[i].value);
        }
    }
    return result;
}

int signature_check_read(const struct signature *signature, uint32_t read, struct reason *why)
{
    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (!(read >> i & 1))
            return refuse(why, WISP_E_FORMAT, "input \"%s\" is read by no layer", signature->inputs[i].name);
    }
    return 0;
}

void signature_complete(struct signature *signature, uint32_t value_count)
{
    if (!signature->output_count)
        signature->outputs[signature->output_count++] =
            (struct model_tensor){ .name = "output", .scale = 1, .value = value_count - 1 };
}
