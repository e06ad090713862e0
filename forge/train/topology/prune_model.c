/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "forge/train/topology/prune_model.h"
#include "sparse/construct/ranking.h"
#include "sparse/layers/layer.h"

static void offer_run(struct ranking *ranking, const struct parameter_run *run, const float *gradient,
                      const float *values)
{
    for (uint64_t k = 0; run->connections && k < run->count; k++)
        ranking_offer(ranking, fabsf(gradient[run->begin + k] * values[k]), run->begin + k);
}

/* How many of the places, which ascend, are in a run. */
static uint64_t count_run(const struct ranking *ranking, const struct parameter_run *run, uint64_t first)
{
    uint64_t count = 0;

    while (first + count < ranking->count && ranking->places[first + count] < run->begin + run->count)
        count++;
    return count;
}

static int check_layers(const struct model *model, const struct parameters *parameters, const struct ranking *ranking,
                        struct reason *why)
{
    uint64_t first = 0;

    for (uint32_t i = 0; i < parameters->run_count; i++) {
        const struct parameter_run *run = &parameters->runs[i];
        const uint64_t count = run->connections ? count_run(ranking, run, first) : 0;

        if (run->connections && !count)
            return refuse(why, WISP_E_INVALID,
                          "--prune leaves layer %s no connection: other layers' matter more; ask for less sparsity",
                          model->layers[run->layer].name);
        first += count;
    }
    return 0;
}

/* The connections whose places are given, `count` of them, of the run that begins at `begin`. */
static int keep_run(struct csr *weight, const uint64_t *places, uint64_t count, uint64_t begin)
{
    struct csr kept;
    uint64_t next = 0;
    int result = csr_reserve(&kept, weight->rows, weight->columns, count);

    if (result)
        return result;
    for (uint32_t r = 0; r < weight->rows; r++) {
        kept.starts[r] = next;
        for (; next < count && places[next] - begin < weight->starts[r + 1]; next++) {
            csr_set_column(&kept, next, csr_column(weight, places[next] - begin));
            kept.values[next] = weight->values[places[next] - begin];
        }
    }
    kept.starts[weight->rows] = next;
    csr_deinit(weight);
    *weight = kept;
    return 0;
}

static int keep_all(struct model *model, const struct parameters *parameters, const struct ranking *ranking)
{
    uint64_t first = 0;
    int result = 0;

    for (uint32_t i = 0; i < parameters->run_count && !result; i++) {
        const struct parameter_run *run = &parameters->runs[i];
        const uint64_t count = run->connections ? count_run(ranking, run, first) : 0;

        if (run->connections)
            result = keep_run(&model->layers[run->layer].weight, ranking->places + first, count, run->begin);
        first += count;
    }
    return result;
}

int prune_model(struct model *model, const struct parameters *parameters, const float *gradient, uint64_t keep,
                struct reason *why)
{
    struct ranking ranking;
    int result;

    if (keep >= model_connections(model))
        return refuse(why, WISP_E_INVALID,
                      "--prune would keep %llu connections, and the network has %llu: build it with more, -s 0 for all",
                      (unsigned long long)keep, (unsigned long long)model_connections(model));
    result = ranking_init(&ranking, keep);
    if (result)
        return refuse_errno(why, result, "--prune");
    for (uint32_t i = 0; i < parameters->run_count; i++) {
        const struct parameter_run *run = &parameters->runs[i];

        offer_run(&ranking, run, gradient, model->layers[run->layer].weight.values);
    }
    ranking_finish(&ranking);
    result = check_layers(model, parameters, &ranking, why);
    if (!result) {
        result = keep_all(model, parameters, &ranking);
        result = result ? refuse_errno(why, result, "--prune") : 0;
    }
    ranking_deinit(&ranking);
    return result;
}
