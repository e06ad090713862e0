/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of weight formats: is it the same each time, and how long does it take? The matrices of model files, and
 * 1024 x 1024 of six densities, are given to the clock ten times each, without a cache.
 *
 * bench_formats [MODEL...]      default: the three models of models/
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/weights.h"

enum { LOADS = 10, COLUMNS_MAX = 256, TEXT_MAX = BATCH_CLASSES * 16 };

static void text_of(const struct weights *weights, char text[TEXT_MAX])
{
    *text = 0;
    for (unsigned c = 0; c < BATCH_CLASSES; c++) {
        const size_t used = strlen(text);

        snprintf(text + used, TEXT_MAX - used, "%s%s", used ? " " : "", weights_class_format(weights, c));
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* "same": so many of the loads chose what the first one did. */
static void measure(const struct kernels *kernels, const struct csr *w, const char *model, const char *layer)
{
    char first[TEXT_MAX] = "", text[TEXT_MAX];
    uint64_t ns[LOADS];
    size_t memory = 0;
    unsigned same = 0;
    uint64_t median;

    for (unsigned i = 0; i < LOADS; i++) {
        const uint64_t begin = clock_ns();
        struct weights *weights;

        if (weights_new(kernels, w, &(struct weights_use){ 1, COLUMNS_MAX, residence_of(csr_memory(w)), NULL },
                        &weights))
            abort();
        ns[i] = clock_ns() - begin;
        memory = weights_memory(weights);
        text_of(weights, i ? text : first);
        same += !i || !strcmp(first, text);
        weights_free(weights);
    }
    qsort(ns, LOADS, sizeof *ns, compare);
    median = ns[LOADS / 2];
    printf("{\"bench\":\"formats\",\"model\":\"%s\",\"layer\":\"%s\",\"rows\":%u,\"columns\":%u,\"connections\":%llu,"
           "\"kernels\":\"%s\",\"formats\":\"%s\",\"same\":%u,\"loads\":%u,\"median_ms\":%.2f,\"bytes\":%zu}\n",
           model, layer, w->rows, w->columns, (unsigned long long)w->count, kernels->name, first, same, LOADS,
           (double)median / 1e6, memory);
    fflush(stdout);
}

static int measure_model(const struct kernels *kernels, const char *path)
{
    struct model *model;
    struct reason why;
    int result = model_read(path, &model, &why);

    if (result) {
        fprintf(stderr, "bench_formats: %s\n", why.text);
        return 1;
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].weight.starts)
            measure(kernels, &model->layers[i].weight, model->name, model->layers[i].name);
    }
    model_free(model);
    return 0;
}

static void measure_densities(const struct kernels *kernels)
{
    static const double densities[] = { 0.5, 0.2, 0.1, 0.05, 0.02, 0.01 };
    enum { SIDE = 1024 };

    for (size_t i = 0; i < ARRAY_SIZE(densities); i++) {
        struct reason why;
        struct csr w;
        char name[16];

        if (sample_connections(SIDE, SIDE, (uint64_t)(densities[i] * SIDE * SIDE), 1, 0, &w, &why))
            abort();
        sample_weights(&w, 2, 1, 0);
        snprintf(name, sizeof name, "%.0f %%", 100 * densities[i]);
        measure(kernels, &w, "density", name);
        csr_deinit(&w);
    }
}

int main(int argc, char **argv)
{
    static const char *const shipped[] = { "models/digits.safetensors", "models/fashion.safetensors",
                                           "models/langid.safetensors" };
    const struct kernels *kernels = kernels_find("auto");
    int status = 0;

    if (!kernels)
        return 2;
    for (int i = 1; i < argc; i++)
        status |= measure_model(kernels, argv[i]);
    for (size_t i = 0; argc == 1 && i < ARRAY_SIZE(shipped); i++)
        status |= measure_model(kernels, shipped[i]);
    measure_densities(kernels);
    return status;
}
