/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/passes/workspace.h"

static int layer_needs(const struct model *model, uint32_t index, enum layer_mode mode, size_t batch,
                       struct layer_needs *out, struct reason *why)
{
    const struct layer *layer = &model->layers[index];
    struct shape inputs[LAYER_INPUTS_MAX];
    struct layer_plan plan;
    struct layer_setup setup = { .layer = layer, .plan = &plan, .inputs = inputs, .mode = mode, .batch = batch };
    int result;

    *out = (struct layer_needs){ .scratch = 0 };
    if (!layer->kind->prepare)
        return 0;
    for (uint32_t j = 0; j < layer->input_count; j++)
        inputs[j] = *model_value_shape(model, layer->inputs[j]);
    result = layer_plan(layer, inputs, &plan, why);
    if (!result)
        result = layer->kind->prepare(&setup, out, why);
    return result ? refuse_in(why, result, "layer %s", layer->name) : 0;
}

static bool round_up(uint64_t *bytes)
{
    return size_align(*bytes, CACHE_LINE, bytes);
}

int workspace_measure(const struct model *model, enum layer_mode mode, size_t batch, unsigned parts,
                      struct workspace *out, struct reason *why)
{
    struct workspace made = { .saved_at = calloc((size_t)model->layer_count + 1, sizeof *made.saved_at) };
    uint64_t saved = 0, shared;
    int result = made.saved_at ? 0 : -ENOMEM;
    bool fits = true;

    for (uint32_t i = 0; i < model->layer_count && !result && fits; i++) {
        struct layer_needs needs;

        result = layer_needs(model, i, mode, batch, &needs, why);
        made.scratch = MAX(made.scratch, needs.scratch);
        made.scratch_part = MAX(made.scratch_part, needs.scratch_part);
        fits = round_up(&needs.saved) && size_add(saved, needs.saved, &saved);
        made.saved_at[i + 1] = saved;
    }
    fits = fits && round_up(&made.scratch) && round_up(&made.scratch_part) &&
           size_multiply(made.scratch_part, parts, &shared) && size_add(shared, made.scratch, &shared) &&
           size_add(shared, saved, &made.bytes);
    for (uint32_t i = 0; fits && !result && i <= model->layer_count; i++)
        made.saved_at[i] += shared;
    if (!result && !fits)
        result = -ENOMEM;
    if (result)
        workspace_deinit(&made);
    else
        *out = made;
    return result;
}

int workspace_allocate(struct workspace *workspace)
{
    workspace->memory = memory_zalloc(workspace->bytes, 1);
    return workspace->memory ? 0 : -ENOMEM;
}

void workspace_deinit(struct workspace *workspace)
{
    free(workspace->saved_at);
    free(workspace->memory);
    *workspace = WORKSPACE_NULL;
}

void workspace_lend(const struct workspace *workspace, uint32_t layer, struct layer_run *run)
{
    run->scratch = workspace->memory;
    run->saved = workspace->memory + workspace->saved_at[layer];
}

void workspace_lend_part(const struct workspace *workspace, struct layer_run *run)
{
    run->scratch_part = workspace->memory + workspace->scratch + run->part * workspace->scratch_part;
}
