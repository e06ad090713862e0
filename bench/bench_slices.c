/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_slices: passes of whole models in slices, as the daemon runs them, as JSON lines on stdout: how long a slice
 * really is, and what cutting costs. bench/README.md names the fields.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "daemon/samples.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/forward.h"

enum { SLICE_US = 375 /* SHARD_SLICE_AIM_NS */, BATCH = 32, PASSES = 15, SLICES_MAX = 1 << 20 };

struct bench {
    struct model *model;
    struct forward *forward;
    size_t batch;
    void **inputs, **outputs;
    struct samples slices, cut, whole;
};

static uint64_t bytes_of(const struct model_tensor *tensor)
{
    return (shape_elements(&tensor->shape) * dtype_bytes(tensor->dtype) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Room for `batch` samples of these tensors, all 0. */
static void **make_room(const struct model_tensor *tensors, uint32_t count, size_t batch)
{
    void **at = calloc(batch * count, sizeof *at);

    for (uint32_t t = 0; at && t < count; t++) {
        unsigned char *memory = memory_zalloc(bytes_of(&tensors[t]), batch);

        for (size_t b = 0; b < batch; b++)
            at[b * count + t] = memory ? memory + b * bytes_of(&tensors[t]) : NULL;
        if (!memory)
            return NULL;
    }
    return at;
}

static int open_model(struct bench *bench, const char *path, size_t batch)
{
    struct reason why;

    if (model_read(path, &bench->model, &why)) {
        fprintf(stderr, "bench: %s\n", why.text);
        return -1;
    }
    if (bench->model->decoding.length)
        return 1; /* it is no pass that answers */
    if (forward_new(&(struct forward_setup){ .model = bench->model, .kernels = kernels_find("auto"), .batch = batch },
                    &bench->forward, &why)) {
        fprintf(stderr, "bench: %s\n", why.text);
        return -1;
    }
    bench->batch = batch;
    bench->inputs = make_room(bench->model->signature.inputs, bench->model->signature.input_count, batch);
    bench->outputs = make_room(bench->model->signature.outputs, bench->model->signature.output_count, batch);
    return !bench->inputs || !bench->outputs || samples_init(&bench->slices, SLICES_MAX) ||
                   samples_init(&bench->cut, PASSES) || samples_init(&bench->whole, PASSES) ||
                   forward_time(bench->forward, (const void *const *)bench->inputs, bench->outputs, batch)
               ? -1
               : 0;
}

static void run_whole(struct bench *bench, size_t count)
{
    uint64_t begin = clock_ns();

    forward_serve(bench->forward, (const void *const *)bench->inputs, bench->outputs, count);
    samples_add(&bench->whole, clock_ns() - begin);
}

static void run_cut(struct bench *bench, size_t count)
{
    const uint64_t begin = clock_ns();
    uint64_t from = begin, now;
    bool more = true;

    forward_serve_begin(bench->forward, (const void *const *)bench->inputs, bench->outputs, count);
    while (more) {
        more = forward_serve_slice(bench->forward, SLICE_US * NS_PER_US);
        now = clock_ns();
        samples_add(&bench->slices, now - from);
        from = now;
    }
    samples_add(&bench->cut, from - begin);
}

static void measure(struct bench *bench, const char *name, size_t count)
{
    bench->slices.count = bench->cut.count = bench->whole.count = 0;
    for (unsigned i = 0; i < PASSES; i++) {
        run_whole(bench, count);
        run_cut(bench, count);
    }
    printf("{\"bench\": \"slices\", \"model\": \"%s\", \"batch\": %zu, \"slices\": %zu, ", name, count,
           bench->slices.count / PASSES);
    samples_print(&bench->slices, "slice_", 1, stdout);
    printf(", ");
    samples_print(&bench->cut, "cut_", 0, stdout);
    printf(", ");
    samples_print(&bench->whole, "whole_", 0, stdout);
    printf("}\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const char *const usual[] = { "models/fashion.safetensors", "models/nuclei.safetensors",
                                         "models/clear.safetensors",   "models/upscale.safetensors",
                                         "models/light.safetensors",   "models/squeeze.safetensors" };
    const char *const *paths = argc > 1 ? (const char *const *)argv + 1 : usual;
    const int count = argc > 1 ? argc - 1 : (int)ARRAY_SIZE(usual);

    for (int i = 0; i < count; i++) {
        const char *slash = strrchr(paths[i], '/');
        struct bench bench = { .model = NULL };
        int result = open_model(&bench, paths[i], BATCH);

        if (result < 0)
            return 1;
        if (!result) {
            measure(&bench, slash ? slash + 1 : paths[i], 1);
            measure(&bench, slash ? slash + 1 : paths[i], BATCH);
        }
    }
    return 0;
}
