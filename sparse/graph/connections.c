/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/graph/connections.h"
#include "base/memory.h"

uint64_t *connections_array(const struct parameters *parameters)
{
    return memory_zalloc(parameters->length, sizeof(uint64_t));
}

static void save_run(const struct csr *weight, uint64_t *places)
{
    for (uint32_t r = 0; r < weight->rows; r++) {
        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1]; k++)
            places[k] = (uint64_t)r * weight->columns + csr_column(weight, k);
    }
}

void connections_save(const struct model *model, const struct parameters *parameters, uint64_t *places)
{
    for (uint32_t i = 0; i < parameters->run_count; i++) {
        const struct parameter_run *run = &parameters->runs[i];

        if (run->connections)
            save_run(&model->layers[run->layer].weight, places + run->begin);
    }
}

static int check_run(const struct layer *layer, const uint64_t *places, struct reason *why)
{
    const uint64_t potential = (uint64_t)layer->weight.rows * layer->weight.columns;

    for (uint64_t k = 0; k < layer->weight.count; k++) {
        if (places[k] >= potential || (k && places[k] <= places[k - 1]))
            return refuse(why, WISP_E_FORMAT, "layer %s, connection %llu: place %llu of %llu does not ascend or fit",
                          layer->name, (unsigned long long)k, (unsigned long long)places[k],
                          (unsigned long long)potential);
    }
    return 0;
}

int connections_check(const struct model *model, const struct parameters *parameters, const uint64_t *places,
                      struct reason *why)
{
    for (uint32_t i = 0; i < parameters->run_count; i++) {
        const struct parameter_run *run = &parameters->runs[i];
        int result = run->connections ? check_run(&model->layers[run->layer], places + run->begin, why) : 0;

        if (result)
            return result;
    }
    return 0;
}

static void load_run(struct csr *weight, const uint64_t *places)
{
    uint64_t k = 0;

    for (uint32_t r = 0; r < weight->rows; r++) {
        const uint64_t row = (uint64_t)r * weight->columns;

        weight->starts[r] = k;
        for (; k < weight->count && places[k] < row + weight->columns; k++)
            csr_set_column(weight, k, (uint32_t)(places[k] - row));
    }
    weight->starts[weight->rows] = k;
}

void connections_load(struct model *model, const struct parameters *parameters, const uint64_t *places)
{
    for (uint32_t i = 0; i < parameters->run_count; i++) {
        const struct parameter_run *run = &parameters->runs[i];

        if (run->connections)
            load_run(&model->layers[run->layer].weight, places + run->begin);
    }
}
