/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/passes/workspace.h"

/* Who has been asked: from the last layer to the first, as gradients go. */
struct survey {
    const struct workspace_setup *setup;
    bool *sent; /* by value: whether a later layer sends it a gradient */
};

static int ask(const struct survey *survey, const struct layer *layer, struct layer_needs *out, struct reason *why)
{
    struct shape inputs[LAYER_INPUTS_MAX];
    bool accumulate[LAYER_INPUTS_MAX] = { false };
    struct layer_plan plan;
    const struct workspace_setup *s = survey->setup;
    struct layer_setup setup = { .layer = layer,
                                 .plan = &plan,
                                 .inputs = inputs,
                                 .mode = s->mode,
                                 .batch = s->batch,
                                 .accumulate = accumulate,
                                 .sparse_input = s->sparse_input && layer->inputs[0] == 0,
                                 .length = s->length };
    int result;

    *out = (struct layer_needs){ .scratch = 0 };
    for (uint32_t j = 0; j < layer->input_count; j++) {
        inputs[j] = *model_value_shape(s->model, layer->inputs[j]);
        accumulate[j] = survey->sent[layer->inputs[j]];
    }
    for (uint32_t j = 0; j < layer->input_count; j++)
        survey->sent[layer->inputs[j]] =
            s->mode == LAYER_TRAIN && (s->input_gradient || layer->inputs[j] >= s->model->signature.input_count);
    if (!layer->kind->prepare)
        return 0;
    result = layer_plan(layer, inputs, &plan, why);
    if (!result)
        result = layer->kind->prepare(&setup, out, why);
    return result ? refuse_in(why, result, "layer %s", layer->name) : 0;
}

static bool round_up(uint64_t *bytes)
{
    return size_align(*bytes, CACHE_LINE, bytes);
}

/* Of every layer: its end behind the others' saved bytes; and the largest scratch. */
static int survey_layers(const struct survey *survey, struct workspace *made, struct reason *why)
{
    const struct model *model = survey->setup->model;
    uint64_t saved = 0;

    for (uint32_t i = model->layer_count; i-- > 0;) {
        struct layer_needs needs = { .scratch = 0 };
        const bool *runs = survey->setup->values;
        int result = runs && !runs[model_value(model, i)] ? 0 : ask(survey, &model->layers[i], &needs, why);

        if (result)
            return result;
        made->scratch = MAX(made->scratch, needs.scratch);
        made->scratch_part = MAX(made->scratch_part, needs.scratch_part);
        made->gathered[i] = needs.gathered;
        made->saved_at[i] = saved;
        if (!round_up(&needs.saved) || !size_add(saved, needs.saved, &saved))
            return -ENOMEM;
    }
    made->bytes = saved;
    return 0;
}

/* Saved bytes behind the scratch. */
static int lay_out(struct workspace *made, uint32_t layers, unsigned parts)
{
    uint64_t shared;

    if (!round_up(&made->scratch) || !round_up(&made->scratch_part) ||
        !size_multiply(made->scratch_part, parts, &shared) || !size_add(shared, made->scratch, &shared) ||
        !size_add(shared, made->bytes, &made->bytes))
        return -ENOMEM;
    for (uint32_t i = 0; i < layers; i++)
        made->saved_at[i] += shared;
    return 0;
}

int workspace_measure(const struct workspace_setup *setup, struct workspace *out, struct reason *why)
{
    const struct model *model = setup->model;
    struct survey survey = { setup, calloc(model_value_count(model), sizeof *survey.sent) };
    struct workspace made = { .saved_at = calloc(model->layer_count, sizeof *made.saved_at),
                              .gathered = calloc(model->layer_count, sizeof *made.gathered) };
    int result = survey.sent && made.saved_at && made.gathered ? survey_layers(&survey, &made, why) : -ENOMEM;

    if (!result)
        result = lay_out(&made, model->layer_count, setup->parts);
    free(survey.sent);
    if (result) {
        workspace_deinit(&made);
        return result < 0 ? refuse_errno(why, result, "the workspace of layers") : result;
    }
    *out = made;
    return 0;
}

int workspace_allocate(struct workspace *workspace)
{
    workspace->memory = memory_zalloc(workspace->bytes, 1);
    return workspace->memory ? 0 : -ENOMEM;
}

void workspace_deinit(struct workspace *workspace)
{
    free(workspace->saved_at);
    free(workspace->gathered);
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
