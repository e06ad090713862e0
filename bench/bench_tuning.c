/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a model that is loaded to be served takes to choose its weight formats by the clock: loaded with nothing
 * known, again with what was measured then, and once more with formats that are estimated, as with `tune: false`.
 *
 * bench_tuning MODEL...
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/passes/decoder.h"
#include "sparse/passes/forward.h"

enum { BATCH = 32 }; /* as the daemon has it unless it is told otherwise */

static int serve(const struct model *model, struct choice_cache *choices, struct reason *why)
{
    const struct kernels *kernels = kernels_find("auto");
    struct forward *forward = NULL;
    struct decoder *decoder = NULL;
    int result;

    if (model->decoding.length)
        result = decoder_new(
            &(struct decoder_setup){ .model = model, .kernels = kernels, .batch = BATCH, .choices = choices }, &decoder,
            why);
    else
        result = forward_new(
            &(struct forward_setup){ .model = model, .kernels = kernels, .batch = BATCH, .choices = choices }, &forward,
            why);
    decoder_free(decoder);
    forward_free(forward);
    return result;
}

/* Milliseconds of planning and packing; negative: it cannot be served. */
static double time_ms(const struct model *model, struct choice_cache *choices, uint64_t patience_ns)
{
    struct reason why;
    uint64_t begin;

    choice_cache_set_patience(choices, patience_ns);
    begin = clock_ns();
    if (!serve(model, choices, &why))
        return (double)(clock_ns() - begin) / NS_PER_MS;
    fprintf(stderr, "bench_tuning: %s\n", why.text);
    return -1;
}

static struct choice_cache *nothing_known(void)
{
    struct choice_cache *cache;

    if (choice_cache_open(NULL, &cache))
        abort();
    return cache;
}

static int measure(const char *path)
{
    struct choice_cache *choices = nothing_known(), *none = nothing_known();
    double first, again, estimated;
    struct model *model;
    struct reason why;

    if (model_read(path, &model, &why)) {
        fprintf(stderr, "bench_tuning: %s\n", why.text);
        return 1;
    }
    estimated = time_ms(model, none, 0); /* its pages come with it */
    first = time_ms(model, choices, CHOICE_PATIENCE_NS);
    again = time_ms(model, choices, CHOICE_PATIENCE_NS);
    if (first >= 0 && again >= 0 && estimated >= 0) {
        printf("{\"bench\":\"tuning\",\"model\":\"%s\",\"layers\":%u,\"connections\":%llu,\"first_ms\":%.1f,"
               "\"again_ms\":%.1f,\"estimated_ms\":%.1f,\"tuning_ms\":%.1f}\n",
               model->name, model->layer_count, (unsigned long long)model_connections(model), first, again, estimated,
               first - again);
        fflush(stdout);
    }
    choice_cache_free(choices);
    choice_cache_free(none);
    model_free(model);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_tuning MODEL...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        status |= measure(argv[i]);
    return status;
}
