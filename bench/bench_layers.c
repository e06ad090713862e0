/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a model's time goes: each layer by itself, on one thread, for one sample and for many.
 *
 * bench_layers [-b BATCH]... MODEL...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/passes/layer_time.h"

enum { BATCHES_MAX = 8 };

static struct model *read_model(const char *path)
{
    struct model *model;
    struct reason why;

    if (model_read(path, &model, &why)) {
        fprintf(stderr, "bench_layers: %s\n", why.text);
        exit(1);
    }
    return model;
}

static double time_of(const struct layer_timer *timer, const struct model *model, uint32_t index, size_t batch)
{
    struct model *alone;
    struct reason why;
    double us;

    if (layer_alone(model, index, &alone, &why) || layer_time(timer, alone, batch, &us, &why)) {
        fprintf(stderr, "bench_layers: %s: %s\n", model->name, why.text);
        exit(1);
    }
    model_free(alone);
    return us;
}

static void measure(const struct layer_timer *timer, const struct model *model, size_t batch)
{
    double *us = calloc(model->layer_count, sizeof *us), sum = 0;

    if (!us)
        abort();
    for (uint32_t i = 0; i < model->layer_count; i++)
        sum += us[i] = time_of(timer, model, i, batch);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        printf("{\"bench\":\"layers\",\"model\":\"%s\",\"batch\":%zu,\"layer\":\"%s\",\"kind\":\"%s\","
               "\"connections\":%llu,\"elements\":%llu,\"sample_us\":%.3f,\"percent\":%.1f}\n",
               model->name, batch, layer->name, layer->kind->name, (unsigned long long)layer->weight.count,
               (unsigned long long)shape_elements(&layer->shape), us[i] / (double)batch, 100 * us[i] / sum);
    }
    fflush(stdout);
    free(us);
}

int main(int argc, char **argv)
{
    struct layer_timer timer = { .kernels = kernels_find("auto"), .patience_ns = 20 * NS_PER_MS };
    size_t batches[BATCHES_MAX] = { 1, 32 }, count = 2, given = 0;
    int at = 1;

    for (; at + 1 < argc && !strcmp(argv[at], "-b") && given < BATCHES_MAX; at += 2)
        batches[given++] = strtoul(argv[at + 1], NULL, 10);
    if (given)
        count = given;
    if (choice_cache_open(NULL, &timer.choices))
        abort();
    for (; at < argc; at++) {
        struct model *model = read_model(argv[at]);

        for (size_t b = 0; b < count; b++)
            measure(&timer, model, batches[b]);
        model_free(model);
    }
    choice_cache_free(timer.choices);
    return 0;
}
