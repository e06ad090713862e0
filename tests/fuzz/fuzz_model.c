/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a model file: it is refused with a sentence, or what was accepted holds together and can be run.
 *
 * An input that begins with '{' is a header up to its first zero byte, and tensors after it; the length before the
 * header and the spaces after it are added here, so that a mutation does not spend itself on them. Any other input is a
 * file as it stands. The checksum is made right either way: it would stop every mutation at the door.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/beam.h"
#include "sparse/passes/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUN_ELEMENTS_MAX (1u << 16) /* of a model that is run here */

static void require(int condition)
{
    if (!condition)
        abort();
}

static char *file_make(const uint8_t *data, size_t size, size_t *out_size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t header = end ? (size_t)(end - data) : size;
    size_t tensors = end ? size - header - 1 : 0;
    uint64_t padded = (SAFETENSORS_LENGTH + header + 63) / 64 * 64 - SAFETENSORS_LENGTH;
    char *file = memory_alloc(SAFETENSORS_LENGTH + padded + tensors + 1, 1);

    require(file != NULL);
    memcpy(file, &padded, SAFETENSORS_LENGTH);
    memset(file + SAFETENSORS_LENGTH, ' ', padded);
    memcpy(file + SAFETENSORS_LENGTH, data, header);
    memcpy(file + SAFETENSORS_LENGTH + padded, data + size - tensors, tensors);
    *out_size = SAFETENSORS_LENGTH + padded + tensors;
    file[*out_size] = 0;
    return file;
}

static char *file_copy(const uint8_t *data, size_t size)
{
    char *file = memory_alloc(size + 1, 1);

    require(file != NULL);
    memcpy(file, data, size);
    file[size] = 0;
    return file;
}

/* Zeros for each tensor of one side, in memory of just their size. */
static void tensors_make(const struct model_tensor *tensors, uint32_t count, void *out[SIGNATURE_TENSORS_MAX])
{
    for (uint32_t i = 0; i < count; i++) {
        out[i] = memory_zalloc(shape_elements(&tensors[i].shape), dtype_bytes(tensors[i].dtype));
        require(out[i] != NULL);
    }
}

/* Formats of weights are estimated: to measure them is to wait, and no two runs of an input would be the same. */
static struct choice_cache *estimates(void)
{
    static struct choice_cache *cache;

    require(cache || !choice_cache_open(NULL, &cache));
    choice_cache_set_patience(cache, 0);
    return cache;
}

/* The first words of a sequence, of zeroes, by a beam of the model's width or of 2. */
static void decode(const struct model *model)
{
    const uint32_t width = model->decoding.beam ? model->decoding.beam : 2;
    const struct signature seen = decoding_signature(model);
    const struct decoder_setup setup = {
        .model = model, .kernels = kernels_find("scalar"), .batch = width, .choices = estimates()
    };
    struct beam beam = { .words = NULL }, *one = &beam;
    void *inputs[SIGNATURE_TENSORS_MAX];
    struct decoder *decoder;
    unsigned char *memory;
    struct reason why = { 0 };

    require(width <= DECODING_BEAM_MAX);
    if (decoder_new(&setup, &decoder, &why)) {
        require(why.text[0]);
        return;
    }
    tensors_make(seen.inputs, seen.input_count, inputs);
    memory = memory_alloc(width, decoder_sequence_bytes(decoder));
    beam.words = memory_alloc(model->decoding.length, sizeof *beam.words);
    require(memory != NULL && beam.words != NULL);
    for (uint32_t i = 0; i < width; i++)
        beam.hypotheses[i].memory = memory + i * decoder_sequence_bytes(decoder);
    beam_begin(&beam, width);
    decoder_begin(decoder, (const void *const *)inputs, &memory, 1);
    for (int i = 0; i < 3 && !beam.ended; i++)
        beams_step(decoder, &one, 1);
    require(beam.shared <= model->decoding.length && (beam.ended || beam.live));
    for (uint32_t i = 0; i < seen.input_count; i++)
        free(inputs[i]);
    free(memory);
    free(beam.words);
    decoder_free(decoder);
}

/* One sample of zeroes through the forward pass. */
static void run(const struct model *model)
{
    const struct signature *signature = &model->signature;
    void *inputs[SIGNATURE_TENSORS_MAX], *outputs[SIGNATURE_TENSORS_MAX];
    struct forward *forward = NULL;
    uint64_t elements = 0;
    struct reason why = { 0 };

    for (uint32_t value = 0; value < model_value_count(model) && elements <= RUN_ELEMENTS_MAX; value++)
        elements += shape_elements(model_value_shape(model, value));
    if (elements > RUN_ELEMENTS_MAX)
        return;
    if (forward_new(
            &(struct forward_setup){
                .model = model, .kernels = kernels_find("scalar"), .batch = 1, .choices = estimates() },
            &forward, &why)) {
        require(why.text[0]);
        return;
    }
    tensors_make(signature->inputs, signature->input_count, inputs);
    tensors_make(signature->outputs, signature->output_count, outputs);
    forward_serve(forward, (const void *const *)inputs, outputs, 1);
    for (uint32_t i = 0; i < signature->input_count; i++)
        free(inputs[i]);
    for (uint32_t i = 0; i < signature->output_count; i++)
        free(outputs[i]);
    forward_free(forward);
    if (model->decoding.length)
        decode(model);
}

static void hold_together(struct model *model)
{
    struct reason why;

    require(model->layer_count > 0 && memchr(model->name, 0, sizeof model->name) != NULL);
    require(!model_check(model, &why));
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        require(!layer->weight.starts == !layer->kind->weighted);
        require(!layer->weight.starts || !csr_check(&layer->weight, &why));
    }
    for (uint32_t i = 0; i < model->label_count; i++)
        require(model->labels[i][0]);
    require(model_memory(model) == model->file_memory);
    run(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *model = NULL;
    struct reason why = { 0 };
    size_t file_size = size;
    char *file = size && data[0] == '{' ? file_make(data, size, &file_size) : file_copy(data, size);

    (void)checksum_seal(file, file_size);
    if (model_parse(file, file_size, &model, &why)) {
        require(!model && why.text[0]);
        for (const char *c = why.text; *c; c++)
            require(*c >= 0x20 && *c < 0x7f);
        return 0;
    }
    hold_together(model);
    model_free(model);
    return 0;
}
