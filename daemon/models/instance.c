/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/models/instance.h"
#include "sparse/file/model_file.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Runs the smallest and the largest batch once, on zeros: packs and panels are in memory, and the first client pays
 * nothing for it. */
static int warm(struct instance *instance)
{
    cleanup_free float *input = memory_zalloc(instance->input_elements, sizeof *input);
    cleanup_free float *output = memory_zalloc(instance->output_elements, instance->batch_max * sizeof *output);
    cleanup_free const void **inputs = calloc(instance->batch_max, sizeof *inputs);
    cleanup_free void **outputs = calloc(instance->batch_max, sizeof *outputs);

    if (!input || !output || !inputs || !outputs)
        return -ENOMEM;
    for (uint32_t i = 0; i < instance->batch_max; i++) {
        inputs[i] = input;
        outputs[i] = output + (size_t)i * instance->output_elements;
    }
    forward_serve(instance->forward, inputs, outputs, 1);
    forward_serve(instance->forward, inputs, outputs, instance->batch_max);
    return 0;
}

int instance_init(struct instance *instance, const struct config_model *entry, const struct kernels *kernels,
                  struct reason *why)
{
    uint64_t begin = clock_ns();
    int result = model_read(entry->path, &instance->model, why);

    if (result)
        return result;
    snprintf(instance->name, sizeof instance->name, "%s", entry->name ? entry->name : instance->model->name);
    memcpy(instance->processing, instance->model->processing, sizeof instance->processing);
    snprintf(instance->file, sizeof instance->file, "%s", base_name(entry->path));
    instance->input_elements = (uint32_t)shape_elements(&instance->model->signature.inputs[0].shape);
    instance->output_elements = (uint32_t)shape_elements(model_output(instance->model));
    instance->input_bytes = instance->input_elements * sizeof(float);
    instance->output_bytes = instance->output_elements * sizeof(float);
    instance->batch_max = entry->batch_max;
    instance->wait_ns = entry->wait_ns;
    instance->preferred = entry->preferred;
    if (!model_is_simple(instance->model))
        return refuse(why, WISP_E_FORMAT, "%s: has inputs or outputs other than one of float32", entry->path);
    result = forward_new(
        &(struct forward_setup){ .model = instance->model, .kernels = kernels, .batch = instance->batch_max },
        &instance->forward, why);
    if (result)
        return refuse_in(why, result, "%s", entry->path);
    result = warm(instance);
    if (result)
        return refuse_errno(why, result, "%s: warming up", entry->path);
    log_info("model %s (%s) from %s: %llu connections, ready in %llu ms", instance->name, instance->processing,
             instance->file, (unsigned long long)model_connections(instance->model),
             (unsigned long long)((clock_ns() - begin) / NS_PER_MS));
    return 0;
}

void instance_deinit(struct instance *instance)
{
    instance->forward = forward_free(instance->forward);
    instance->model = model_free(instance->model);
    free(instance->summary);
    free(instance->full);
}
