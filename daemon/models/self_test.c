/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "daemon/models/self_test.h"
#include "sparse/passes/golden_run.h"

enum { SAMPLES = 3, SAMPLES_APART = 2, SEED = 1 };

/* Samples that stand one after another, and a pointer to each tensor of each. */
struct samples {
    unsigned char *memory;
    void **pointers;
};

static void samples_deinit(struct samples *samples)
{
    free(samples->memory);
    free(samples->pointers);
}

static int samples_init(struct samples *samples, const struct wire_block *block, uint32_t rows)
{
    const uint64_t sample = wire_block_next(wire_block_length(block, 1));

    insist(rows > 0 && block->count > 0);
    samples->memory = memory_zalloc(sample, rows);
    samples->pointers = calloc((size_t)rows * block->count, sizeof *samples->pointers);
    if (!samples->memory || !samples->pointers)
        return -ENOMEM;
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < block->count; i++)
            samples->pointers[row * block->count + i] = samples->memory + row * sample + wire_block_offset(block, 1, i);
    }
    return 0;
}

/* ---- what goes in ---- */

static void fill_all(const struct engine *engine, const struct samples *inputs, uint32_t rows)
{
    const struct signature *signature = &engine->signature;

    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < signature->input_count; i++) {
            struct rng rng = rng_make(SEED, row * SIGNATURE_TENSORS_MAX + i);

            golden_fill(engine->model, &signature->inputs[i], &rng, inputs->pointers[row * signature->input_count + i]);
        }
    }
}

/* ---- what comes out ---- */

static int check_numbers(const char *what, const float *numbers, size_t count, struct reason *why)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(numbers[i]))
            return refuse(
                why, WISP_E_FORMAT,
                "it answers a trial with what is no finite number: element %zu of %s: it diverged when it was "
                "trained, or its weights are too large",
                i, what);
    }
    return 0;
}

static int refuse_bits(struct reason *why)
{
    return refuse(why, WISP_E_FORMAT,
                  "it answers a trial with other bits in a batch than alone: this processor or this build is at fault");
}

static int check_outputs(const struct engine *engine, const struct samples *outputs, uint32_t rows, struct reason *why)
{
    const struct signature *signature = &engine->signature;
    int result = 0;

    for (uint32_t i = 0; !result && i < rows * signature->output_count; i++) {
        const struct model_tensor *tensor = &signature->outputs[i % signature->output_count];

        if (tensor->dtype == DTYPE_FLOAT32)
            result = check_numbers(tensor->name, outputs->pointers[i], (size_t)shape_elements(&tensor->shape), why);
    }
    return result;
}

static int try_forward(struct engine *engine, const struct samples *inputs, uint32_t rows, struct reason *why)
{
    const void *const *in = (const void *const *)inputs->pointers;
    const uint64_t bytes = wire_block_next(wire_block_length(&engine->output, 1)) * rows;
    struct samples alone = { NULL, NULL }, together = { NULL, NULL };
    int result = samples_init(&alone, &engine->output, rows);

    if (!result)
        result = samples_init(&together, &engine->output, rows);
    for (uint32_t row = 0; !result && row < rows; row++)
        forward_serve(engine->runners->forward, in + row * engine->input.count,
                      alone.pointers + row * engine->output.count, 1);
    if (!result) {
        forward_serve(engine->runners->forward, in, together.pointers, rows);
        result = check_outputs(engine, &alone, rows, why);
    }
    if (!result && memcmp(alone.memory, together.memory, bytes) != 0)
        result = refuse_bits(why);
    samples_deinit(&alone);
    samples_deinit(&together);
    return result;
}

/* The first position of sequences. */
static int try_decoder(struct engine *engine, const struct samples *inputs, uint32_t rows, struct reason *why)
{
    const uint64_t bytes = decoder_sequence_bytes(engine->runners->decoder);
    cleanup_free unsigned char *memory = memory_alloc(rows, MAX(bytes, 1u));
    struct decoder_place *places = decoder_places(engine->runners->decoder);
    unsigned char *list[SAMPLES];

    if (!memory)
        return -ENOMEM;
    for (uint32_t i = 0; i < rows; i++) {
        list[i] = memory + i * bytes;
        places[i] = (struct decoder_place){ .memory = list[i], .word = engine->model->decoding.begin };
    }
    decoder_begin(engine->runners->decoder, (const void *const *)inputs->pointers, list, rows);
    return check_numbers("the words' numbers", decoder_step(engine->runners->decoder, places, rows),
                         (size_t)decoding_vocabulary(engine->model) * rows, why);
}

/* What it is to answer by its file, which nobody reads again. */
static int ask_golden(struct engine *engine, struct reason *why)
{
    const struct golden_runner runner = { engine->runners->forward, engine->runners->decoder };
    const int result = golden_try(engine->model, &runner, why);

    engine->has_golden = golden_is_there(&engine->model->golden);
    golden_deinit(&engine->model->golden);
    return result;
}

/* Where a batch goes sample by sample, what a third would show the second has shown. */
static uint32_t sample_count(const struct engine *engine)
{
    const struct forward *forward = engine->runners->forward;

    return forward && forward_is_apart(forward) ? SAMPLES_APART : SAMPLES;
}

int engine_self_test(struct engine *engine, struct reason *why)
{
    const uint32_t rows = MIN(engine->batch_max, sample_count(engine));
    struct samples inputs = { NULL, NULL };
    int result = samples_init(&inputs, &engine->input, rows);

    if (!result) {
        fill_all(engine, &inputs, rows);
        result = engine->runners->decoder ? try_decoder(engine, &inputs, rows, why)
                                          : try_forward(engine, &inputs, rows, why);
    }
    samples_deinit(&inputs);
    return result ? result : ask_golden(engine, why);
}
