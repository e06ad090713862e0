/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/size.h"
#include "daemon/models/instance.h"
#include "sparse/file/model_file.h"
#include "sparse/graph/halves.h"

#define DECODER_ENDING ".decoder"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* One side of the model, as its tensors stand in a request. */
static struct wire_block block_of(const struct model_tensor *tensors, uint32_t count)
{
    struct wire_block block = { .count = count };

    _Static_assert(SIGNATURE_TENSORS_MAX <= WIRE_TENSORS_MAX, "every model's tensors fit a block");
    for (uint32_t i = 0; i < count; i++)
        block.bytes[i] = shape_elements(&tensors[i].shape) * dtype_bytes(tensors[i].dtype);
    return block;
}

/* A pointer to each tensor of each of `rows` samples, which stand one after another in `memory`. */
static void point_to(const struct wire_block *block, uint32_t rows, unsigned char *memory, void **pointers)
{
    uint64_t sample = wire_block_next(wire_block_length(block, 1));

    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < block->count; i++)
            pointers[row * block->count + i] = memory + row * sample + wire_block_offset(block, 1, i);
    }
}

/* The first step of sequences, as many at once as there may be. */
static int warm_decoder(const struct instance *instance, const void *const *inputs)
{
    const uint64_t bytes = decoder_sequence_bytes(instance->decoder);
    const uint32_t rows = instance->batch_max;
    struct decoder_place *places = decoder_places(instance->decoder);
    cleanup_free unsigned char *memory = memory_alloc(rows, MAX(bytes, 1u));
    cleanup_free unsigned char **list = calloc(rows, sizeof *list);

    if (!memory || !list)
        return -ENOMEM;
    for (uint32_t i = 0; i < rows; i++) {
        list[i] = memory + i * bytes;
        places[i] = (struct decoder_place){ .memory = list[i], .word = instance->model->decoding.begin };
    }
    decoder_begin(instance->decoder, inputs, list, rows);
    (void)decoder_step(instance->decoder, places, rows);
    return 0;
}

/* Runs the smallest and the largest batch once, on zeros: packs and panels are in memory, and the first client pays
 * nothing for it. */
static int warm(struct instance *instance)
{
    const struct wire_block *in = &instance->input, *out = &instance->output;
    uint32_t rows = instance->batch_max;
    cleanup_free unsigned char *input = memory_zalloc(wire_block_next(wire_block_length(in, 1)), rows);
    cleanup_free unsigned char *output = memory_zalloc(wire_block_next(wire_block_length(out, 1)), rows);
    cleanup_free void **inputs = calloc((size_t)rows * in->count, sizeof *inputs);
    cleanup_free void **outputs = calloc((size_t)rows * out->count, sizeof *outputs);

    if (!input || !output || !inputs || !outputs)
        return -ENOMEM;
    point_to(in, rows, input, inputs);
    if (instance->decoder)
        return warm_decoder(instance, (const void *const *)inputs);
    point_to(out, rows, output, outputs);
    forward_serve(instance->forward, (const void *const *)inputs, outputs, 1);
    forward_serve(instance->forward, (const void *const *)inputs, outputs, rows);
    return 0;
}

/* What runs it: a forward pass, or a decoder. */
static int plan(struct instance *instance, const struct kernels *kernels, struct choice_cache *choices,
                struct reason *why)
{
    const struct model *model = instance->model;

    if (model->decoding.length) {
        const struct decoder_setup setup = {
            .model = model, .kernels = kernels, .batch = instance->batch_max, .choices = choices
        };

        instance->signature = decoding_signature(model);
        return decoder_new(&setup, &instance->decoder, why);
    }
    instance->signature = model->signature;
    return forward_new(
        &(struct forward_setup){ .model = model, .kernels = kernels, .batch = instance->batch_max, .choices = choices },
        &instance->forward, why);
}

/* The half's name, and that of the decoder in the description of its encoder. */
static int name_halves(struct instance *instance, enum half half, struct reason *why)
{
    char name[MODEL_NAME_MAX + sizeof DECODER_ENDING];

    snprintf(name, sizeof name, "%s" DECODER_ENDING, instance->name);
    if (strlen(name) >= MODEL_NAME_MAX)
        return refuse(why, WISP_E_FORMAT, "the name %s is too long for %s as well: give it a shorter one",
                      instance->name, name);
    memcpy(half == HALF_DECODER ? instance->name : instance->decoder_name, name, strlen(name) + 1);
    return 0;
}

static int take_half(struct instance *instance, enum half half, struct reason *why)
{
    int result = name_halves(instance, half, why);

    if (!result)
        result = model_keep_half(instance->model, half, why);
    if (half == HALF_DECODER) {
        free(instance->model->media); /* it says how files become what the encoder takes */
        instance->model->media = NULL;
    }
    return result;
}

/* Reads the model, and what of it is wanted. */
static int read_model(struct instance *instance, const struct config_model *entry, enum half half, struct reason *why)
{
    int result = model_read(entry->path, &instance->model, why);

    if (result)
        return result;
    snprintf(instance->name, sizeof instance->name, "%s", entry->name ? entry->name : instance->model->name);
    memcpy(instance->processing, instance->model->processing, sizeof instance->processing);
    snprintf(instance->file, sizeof instance->file, "%s", base_name(entry->path));
    instance->batch_max = MAX(entry->batch_max, instance->model->decoding.beam);
    instance->wait_ns = entry->wait_ns;
    instance->preferred = entry->preferred && half == HALF_ENCODER;
    if (!model_has_halves(instance->model))
        return half == HALF_ENCODER ? 0 : refuse(why, WISP_E_FORMAT, "%s: another file since", entry->path);
    result = take_half(instance, half, why);
    return result ? refuse_in(why, result, "%s", entry->path) : 0;
}

static int init(struct instance *instance, const struct config_model *entry, enum half half,
                const struct instance_setup *setup, struct reason *why)
{
    uint64_t begin = clock_ns();
    int result = read_model(instance, entry, half, why);

    if (result)
        return result;
    result = plan(instance, setup->kernels, setup->choices, why);
    if (result)
        return refuse_in(why, result, "%s", entry->path);
    instance->input = block_of(instance->signature.inputs, instance->signature.input_count);
    instance->output = block_of(instance->signature.outputs, instance->signature.output_count);
    result = instance->decoder ? decoder_strip(instance->decoder, instance->model)
                               : forward_strip(instance->forward, instance->model);
    if (!result)
        result = warm(instance);
    if (result)
        return refuse_errno(why, result, "%s: warming up", entry->path);
    log_info("model %s (%s) from %s: %llu connections, ready in %llu ms", instance->name, instance->processing,
             instance->file, (unsigned long long)model_connections(instance->model),
             (unsigned long long)((clock_ns() - begin) / NS_PER_MS));
    return 0;
}

uint32_t instance_beam_max(const struct instance *instance)
{
    _Static_assert(DECODING_BEAM_MAX == WIRE_BEAM_MAX, "a model's beam can be asked for");
    return instance->decoder ? MIN(instance->batch_max, DECODING_BEAM_MAX) : 0;
}

int instance_init(struct instance *instance, const struct config_model *entry, const struct instance_setup *setup,
                  struct reason *why)
{
    return init(instance, entry, HALF_ENCODER, setup, why);
}

int instance_init_decoder(struct instance *instance, const struct config_model *entry,
                          const struct instance_setup *setup, struct reason *why)
{
    return init(instance, entry, HALF_DECODER, setup, why);
}

void instance_deinit(struct instance *instance)
{
    instance->forward = forward_free(instance->forward);
    instance->decoder = decoder_free(instance->decoder);
    instance->model = model_free(instance->model);
    free(instance->summary);
    free(instance->full);
}
