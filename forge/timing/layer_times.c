/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/timing/layer_times.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "forge/train/blas/blas.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/layer_time.h"

#define PATIENCE_NS (2 * NS_PER_MS)

CLEANUP_DEFINE(model, struct model, model_free)
CLEANUP_DEFINE(choices, struct choice_cache, choice_cache_free)

/* Words are looked up, not multiplied: all of a row's connections are of one word. */
static bool has_twin(const struct layer *layer)
{
    const uint64_t potential = (uint64_t)layer->weight.rows * layer->weight.columns;

    return potential && !layer->kind->indexed && potential <= LAYER_TIMES_DENSE_MAX;
}

static int add_class(json_t *times, const struct model *alone, const struct model *full,
                     const struct layer_timer timers[2], unsigned batch_class, struct reason *why)
{
    const size_t samples = batch_class_columns(batch_class);
    json_t *time = json_object();
    double us;
    int result = layer_time(&timers[0], alone, samples, &us, why);

    if (!result)
        json_object_set_new(time, "us", json_real(us));
    if (!result && full)
        result = layer_time(&timers[1], full, samples, &us, why);
    if (!result && full)
        json_object_set_new(time, "dense_us", json_real(us));
    json_object_set_new(times, batch_class_name(batch_class), time);
    return result;
}

static int add_layer(json_t *object, const struct model *model, uint32_t index, const struct layer_timer timers[2],
                     struct reason *why)
{
    cleanup(model_at_exit) struct model *alone = NULL, *full = NULL;
    json_t *times = json_object();
    int result = layer_alone(model, index, &alone, why);

    json_object_set_new(object, "times", times);
    if (!result && has_twin(&model->layers[index]))
        result = layer_full(alone, &full, why);
    for (unsigned c = 0; !result && c < BATCH_CLASSES; c++)
        result = add_class(times, alone, full, timers, c, why);
    return result;
}

int layer_times(const struct model *model, const struct kernels *kernels, struct choice_cache *choices, json_t **out,
                struct reason *why)
{
    /* OpenBLAS takes the place of a format of wisp's, so what is chosen with it is kept nowhere. */
    cleanup(choices_at_exit) struct choice_cache *dense = NULL;
    int result = choice_cache_open(NULL, &dense);
    const struct layer_timer timers[2] = {
        { .kernels = kernels, .choices = choices, .patience_ns = PATIENCE_NS },
        { .kernels = blas_kernels(kernels), .choices = dense, .patience_ns = PATIENCE_NS },
    };

    if (result)
        return refuse_errno(why, result, "the times of layers");
    *out = json_array();
    for (uint32_t i = 0; !result && i < model->layer_count; i++) {
        json_t *layer = json_object();

        json_array_append_new(*out, layer);
        result = add_layer(layer, model, i, timers, why);
    }
    return result;
}
