/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/topology/regrow_model.h"
#include "sparse/construct/ranking.h"
#include "sparse/construct/regrow.h"

static void offer_tile(void *argument, const struct csr *tile, const float *gradient)
{
    struct ranking *ranking = argument;

    for (uint32_t r = 0; r < tile->rows; r++) {
        for (uint64_t k = tile->starts[r]; k < tile->starts[r + 1]; k++)
            ranking_offer(ranking, fabsf(gradient[k]), (uint64_t)r * tile->columns + csr_column(tile, k));
    }
}

/* *count: in, how many are wanted; out, how many there are: none of a layer that the loss does not depend on. */
static int choose_by_gradient(const struct regrow_model *regrow, uint32_t layer, uint64_t *count, uint64_t *places,
                              struct reason *why)
{
    struct ranking ranking;
    int result = ranking_init(&ranking, *count);

    if (result)
        return refuse_errno(why, result, "regrowing connections");
    result = backward_potential(regrow->backward, layer, offer_tile, &ranking, why);
    ranking_finish(&ranking);
    *count = ranking.count;
    memcpy(places, ranking.places, ranking.count * sizeof *places);
    ranking_deinit(&ranking);
    return result;
}

static int choose_places(const struct regrow_model *regrow, uint32_t layer, uint64_t *count, uint64_t *places,
                         struct reason *why)
{
    int result;

    if (regrow->backward)
        return choose_by_gradient(regrow, layer, count, places, why);
    result = regrow_random(&regrow->model->layers[layer].weight, *count, regrow->seed, regrow->stream + layer, places);
    return result ? refuse_errno(why, result, "regrowing connections") : 0;
}

/* `run` is the layer's connections. */
static int exchange(const struct regrow_model *regrow, const struct parameter_run *run,
                    const struct regrow_change *change)
{
    struct csr *weight = &regrow->model->layers[run->layer].weight;
    cleanup_free uint64_t *from = memory_alloc(weight->count, sizeof *from);
    cleanup_free float *room = memory_alloc(weight->count, sizeof *room);
    int result = from && room ? regrow_change(weight, change, from) : -ENOMEM;

    for (unsigned i = 0; !result && i < regrow->array_count; i++)
        regrow_move(from, weight->count, regrow->arrays[i] + run->begin, room);
    return result;
}

static int regrow_layer(const struct regrow_model *regrow, const struct parameter_run *run, struct reason *why)
{
    const struct csr *weight = &regrow->model->layers[run->layer].weight;
    uint64_t count = MIN((uint64_t)(regrow->fraction * (double)weight->count), regrow_room(weight));
    cleanup_free uint64_t *weakest = memory_alloc(count, sizeof *weakest);
    cleanup_free uint64_t *places = memory_alloc(count, sizeof *places);
    int result;

    if (!count)
        return 0;
    if (!weakest || !places)
        return refuse_errno(why, -ENOMEM, "regrowing connections");
    result = choose_places(regrow, run->layer, &count, places, why);
    if (result)
        return result;
    result = regrow_weakest(weight, count, weakest);
    if (!result)
        result = exchange(regrow, run, &(struct regrow_change){ weakest, places, count });
    return result ? refuse_errno(why, result, "regrowing connections") : 0;
}

int regrow_model(const struct regrow_model *regrow, struct reason *why)
{
    int result = 0;

    for (uint32_t i = 0; !result && i < regrow->parameters->run_count; i++) {
        if (regrow->parameters->runs[i].connections)
            result = regrow_layer(regrow, &regrow->parameters->runs[i], why);
    }
    return result ? result : forward_reconnect(regrow->forward, why);
}

bool regrow_model_has_room(const struct model *model)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].kind->weighted && regrow_room(&model->layers[i].weight))
            return true;
    }
    return false;
}
