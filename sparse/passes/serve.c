/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass as the daemon runs it: from samples of clients to their answers, on one thread.
 */
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/samples.h"

/* Whether the caller's memory is the value: one sample of floats. */
static bool is_in_place(const struct model_tensor *tensor, size_t count)
{
    return count == 1 && tensor->dtype == DTYPE_FLOAT32;
}

/* Layers only read inputs, and no other value is planned over one. */
static void take_inputs(struct forward *forward, const void *const *inputs, size_t count)
{
    const struct signature *signature = &forward->setup.model->signature;
    uint32_t given = 0, at = 0;

    for (uint32_t i = 0; i < signature->input_count; i++)
        given += forward_has_value(&forward->setup, i);
    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (!forward_has_value(&forward->setup, i))
            continue;
        if (is_in_place(&signature->inputs[i], count))
            forward->values[i].data = (float *)(uintptr_t)inputs[at];
        else
            samples_gather(&signature->inputs[i], inputs + at, given, count, forward->values[i].data);
        at++;
    }
}

static void give_outputs(struct forward *forward, void *const *outputs, size_t count)
{
    const struct signature *signature = &forward->setup.model->signature;

    for (uint32_t i = 0; i < signature->output_count; i++) {
        const struct model_tensor *output = &signature->outputs[i];

        if (!is_in_place(output, count))
            samples_scatter(output, forward->values[output->value].data, count, outputs + i, signature->output_count);
    }
}

static void run(const struct forward *forward)
{
    for (uint32_t i = 0; i < forward->setup.model->layer_count; i++) {
        struct layer_call call;

        if (!forward_has_layer(&forward->setup, i))
            continue;
        forward_call(forward, i, LAYER_SERVE, &call);
        workspace_lend_part(call.workspace, &call.run);
        call.function(&call.run);
    }
}

void forward_serve(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count)
{
    const struct signature *signature = &forward->setup.model->signature;

    forward_place(forward, count);
    take_inputs(forward, inputs, count);
    for (uint32_t i = 0; i < signature->output_count; i++) {
        if (is_in_place(&signature->outputs[i], count))
            forward->values[signature->outputs[i].value].data = outputs[i];
    }
    run(forward);
    give_outputs(forward, outputs, count);
}
