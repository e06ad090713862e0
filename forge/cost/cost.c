/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/cost/cost.h"
#include "forge/experiment/media_default.h"
#include "forge/train/groups/groups.h"
#include "forge/train/recipe.h"
#include "forge/train/trainer.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/kernels.h"
#include "sparse/passes/forward.h"

void cost_setting_suit(struct cost_setting *setting, const char *processing)
{
    enum media_kind kind;
    struct recipe recipe;

    if (media_kind_of(processing, &kind, NULL))
        return;
    recipe = recipe_usual(kind);
    setting->batch = recipe.batch;
    setting->slots = recipe.optimizer->slots;
    setting->sparse_input = kind == MEDIA_TEXT;
}

uint64_t cost_neurons(const struct structure *structure)
{
    uint64_t sum = 0;

    for (uint32_t v = 0; v < structure_value_count(structure); v++)
        sum += shape_elements(structure_value_shape(structure, v));
    return sum;
}

/* Of a training by the trainer's own steps alone. */
static int train_bytes(const struct forward_setup *pass, const struct cost_setting *setting, uint64_t *out,
                       struct reason *why)
{
    struct parameters parameters;
    struct groups_bytes groups;
    int result = parameters_map(pass->model, &parameters);

    if (result)
        return refuse_errno(why, result, "what the plan costs");
    result = groups_bytes(&(struct groups_setup){ .pass = *pass, .parameters = &parameters },
                          (unsigned)setting->threads, &groups, why);
    *out = result
               ? 0
               : groups.passes + groups.gradients + trainer_memory_of(pass->model, &parameters, setting->slots, true);
    parameters_deinit(&parameters);
    return result;
}

int cost_of_plan(const struct plan *plan, const struct assembly *assembly, const struct cost_setting *setting,
                 struct cost *out, struct reason *why)
{
    const struct assembly nothing = { .name = "model", .seed = 1 };
    cleanup_model struct model *outline = NULL;
    struct forward_setup serve, train;
    struct forward_bytes to_serve;
    uint64_t metadata;
    int result = assemble_outline(plan, assembly ? assembly : &nothing, &outline, why);

    if (!result)
        result = assemble_outline_again(plan, assembly ? assembly : &nothing, outline, why);
    if (!result)
        result = model_file_size(outline, &out->file_bytes, &metadata, why);
    if (result == -EFBIG) /* what it costs beside is known all the same */
        out->file_bytes = INT64_MAX;
    else if (result)
        return result;
    serve = (struct forward_setup){ .model = outline, .mode = LAYER_SERVE, .batch = setting->serve_batch };
    train = (struct forward_setup){ .model = outline, .mode = LAYER_TRAIN, .batch = setting->batch };
    train.sparse_input = setting->sparse_input && forward_takes_sparse(outline);
    if ((result = forward_bytes(&serve, 1, &to_serve, why)) ||
        (result = train_bytes(&train, setting, &out->train_bytes, why)))
        return result;
    out->serve_bytes = plan->bytes + to_serve.activations + to_serve.workspace + to_serve.weights;
    out->neurons = cost_neurons(&plan->structure);
    out->flops = plan_flops(plan);
    out->epoch_flops = 3 * out->flops * (double)setting->samples;
    return 0;
}

json_t *cost_json(const struct cost *cost, const struct cost_setting *setting)
{
    return json_pack("{s:I s:I s:I s:I s:f s:f s:I s:I s:I}", "file_bytes", (json_int_t)cost->file_bytes, "serve_bytes",
                     (json_int_t)cost->serve_bytes, "train_bytes", (json_int_t)cost->train_bytes, "neurons",
                     (json_int_t)cost->neurons, "flops", cost->flops, "epoch_flops", cost->epoch_flops, "samples",
                     (json_int_t)setting->samples, "batch", (json_int_t)setting->batch, "threads",
                     (json_int_t)setting->threads);
}

void cost_text(double value, const char *unit, char *out, size_t size)
{
    static const char *const prefixes[] = { "", "k", "M", "G", "T", "P" };
    size_t prefix = 0;

    for (; value >= 999.95 && prefix + 1 < ARRAY_SIZE(prefixes); prefix++)
        value /= 1000;
    snprintf(out, size, "%.4g %s%s", value, prefixes[prefix], unit);
}
