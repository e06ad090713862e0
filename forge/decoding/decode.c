/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/decoding/decode.h"
#include "forge/train/interrupt.h"

/* What a batch of them needs. */
struct room {
    const struct decode *of;
    struct decoder *decoder;
    const struct model_tensor *source;
    size_t source_elements, target_elements, length;
    float *activation;      /* sources, then targets, as batches fill them */
    unsigned char *sources; /* as clients have them, one after the other */
    const void **inputs;
    unsigned char *memory, **places; /* places: where each sequence begins */
    struct beam *beams, **running;
    int32_t *words, *target;
};

static void room_deinit(struct room *room)
{
    decoder_free(room->decoder);
    free(room->activation);
    free(room->sources);
    free(room->inputs);
    free(room->memory);
    free(room->places);
    free(room->beams);
    free(room->running);
    free(room->words);
    free(room->target);
}

static size_t source_bytes(const struct room *room)
{
    return room->source_elements * dtype_bytes(room->source->dtype);
}

static int make_decoder(struct room *room, struct reason *why)
{
    const struct decode *decode = room->of;
    const uint32_t beam = decoding_beam(&decode->model->decoding, decode->beam);
    const struct decoder_setup setup = {
        .model = decode->model, .kernels = decode->kernels, .batch = decode->batch * beam, .pool = decode->pool
    };
    int result = decoder_new(&setup, &room->decoder, why);

    if (result)
        return result;
    room->memory = memory_alloc(setup.batch, decoder_sequence_bytes(room->decoder));
    room->beams = calloc(decode->batch, sizeof *room->beams);
    if (!room->memory || !room->beams)
        return refuse_errno(why, -ENOMEM, "decoding");
    for (size_t i = 0; i < setup.batch; i++)
        room->beams[i / beam].hypotheses[i % beam].memory = room->memory + i * decoder_sequence_bytes(room->decoder);
    return 0;
}

static int room_init(struct room *room, const struct decode *decode, struct reason *why)
{
    const struct model *model = decode->model;
    const size_t batch = decode->batch;
    int result;

    room->of = decode;
    room->source = &model->signature.inputs[!model->decoding.input];
    room->source_elements = shape_elements(&room->source->shape);
    room->target_elements = decoding_positions(model);
    room->length = model->decoding.length;
    result = make_decoder(room, why);
    if (result)
        return result;
    room->activation = memory_alloc(batch, MAX(room->source_elements, room->target_elements) * sizeof(float));
    room->sources = memory_alloc(batch, source_bytes(room));
    room->inputs = calloc(batch, sizeof *room->inputs);
    room->places = calloc(batch, sizeof *room->places);
    room->running = calloc(batch, sizeof *room->running);
    room->words = memory_alloc(batch, room->length * sizeof *room->words);
    room->target = memory_alloc(batch, room->target_elements * sizeof *room->target);
    if (!room->activation || !room->sources || !room->inputs || !room->places || !room->running || !room->words ||
        !room->target)
        return refuse_errno(why, -ENOMEM, "decoding");
    for (size_t i = 0; i < batch; i++) {
        room->inputs[i] = room->sources + i * source_bytes(room);
        room->beams[i].words = room->words + i * room->length;
    }
    return 0;
}

/* Element by element, as a client gives them: words are whole numbers. */
static void take_sources(const struct room *room, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t e = 0; e < room->source_elements; e++) {
            const float value = room->activation[e * count + i];
            const size_t at = i * room->source_elements + e;

            if (room->source->dtype == DTYPE_FLOAT32)
                ((float *)(void *)room->sources)[at] = value;
            else if (room->source->dtype == DTYPE_INT32)
                ((int32_t *)(void *)room->sources)[at] = (int32_t)value;
            else
                room->sources[at] = (unsigned char)value;
        }
    }
}

static int fill(const struct room *room, const struct batch *batch, struct reason *why)
{
    int result = batches_fill(room->of->batches, batch, room->activation, why);

    if (result)
        return result;
    take_sources(room, batch->count);
    result = batches_fill_target(room->of->batches, batch, room->activation, why);
    for (size_t i = 0; !result && i < batch->count; i++) {
        for (size_t e = 0; e < room->target_elements; e++)
            room->target[i * room->target_elements + e] = (int32_t)room->activation[e * batch->count + i];
    }
    return result;
}

/* A word further; how many have not ended. */
static size_t step(const struct room *room, size_t running)
{
    size_t left = 0;

    beams_step(room->decoder, room->running, running);
    for (size_t i = 0; i < running; i++) {
        if (!room->running[i]->ended)
            room->running[left++] = room->running[i];
    }
    return left;
}

static int decode_batch(const struct room *room, const struct batch *batch, struct reason *why)
{
    const struct decode *decode = room->of;
    size_t running = batch->count;
    int result = fill(room, batch, why);

    if (result)
        return result;
    for (size_t i = 0; i < running; i++) {
        beam_begin(&room->beams[i], decoding_beam(&decode->model->decoding, decode->beam));
        room->places[i] = room->beams[i].hypotheses[0].memory;
        room->running[i] = &room->beams[i];
    }
    decoder_begin(room->decoder, room->inputs, room->places, running);
    while (running && !interrupt_wanted())
        running = step(room, running);
    return running ? refuse(why, WISP_E_INTERRUPTED, "interrupted") : 0;
}

static void show(const struct room *room, const struct batch *batch, decode_see *see, void *argument)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct decoded decoded = { .sample = batch->which[i],
                                   .words = room->beams[i].words,
                                   .target = room->target + i * room->target_elements,
                                   .count = room->beams[i].words_count };

        while (decoded.target_count < room->target_elements && decoded.target[decoded.target_count])
            decoded.target_count++;
        see(argument, &decoded);
    }
}

int decode_samples(const struct decode *decode, const uint32_t *which, size_t count, decode_see *see, void *argument,
                   struct reason *why)
{
    struct room room = { .of = NULL };
    int result = room_init(&room, decode, why);

    for (size_t done = 0; !result && done < count;) {
        const struct batch batch = { .which = which + done, .count = MIN(decode->batch, count - done) };

        result = decode_batch(&room, &batch, why);
        if (!result)
            show(&room, &batch, see, argument);
        done += batch.count;
    }
    room_deinit(&room);
    return result;
}
