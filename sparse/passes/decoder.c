/* SPDX-License-Identifier: Apache-2.0
 *
 * The model is there twice more, without weights of its own: once as it is, for what does not go along the sequence,
 * and once with one position, for what does. A sequence's memory is what layers keep of it, and the values that layers
 * of the second read of the first.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/layers/step.h"
#include "sparse/passes/decoder.h"

/* A pass over some of the layers. */
struct half {
    struct model model; /* its layers alone are its own, and they borrow all that they have */
    bool *values;       /* that there are in it */
    struct forward_part part;
    struct forward *forward;
};

struct decoder {
    struct decoder_setup setup;
    struct half once, along;
    bool *kept;                            /* by value: what the second pass reads of the first */
    uint64_t *whole_at;                    /* by value: where it stands in a sequence's memory */
    struct layer_step *steps;              /* by layer */
    uint64_t words_at, whole_bytes, bytes; /* of a sequence's memory: values of the first pass, the rest, words */
    /* of the step at hand */
    uint32_t *positions;
    unsigned char **memory;
    struct decoder_place *places;
    float *panel;
};

/* ---- making one ---- */

static const struct model *model_of(const struct decoder *decoder)
{
    return decoder->setup.model;
}

/* As they are now: decoder_strip() has them elsewhere. */
static void borrow_layers(struct half *half, const struct model *model)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        half->model.layers[i].weight = model->layers[i].weight;
        memcpy(half->model.layers[i].vectors, model->layers[i].vectors, sizeof model->layers[i].vectors);
    }
}

static int half_init(struct half *half, const struct model *model)
{
    half->model = *model;
    half->model.layers = memory_alloc(model->layer_count, sizeof *model->layers);
    half->values = calloc(model_value_count(model), sizeof *half->values);
    if (!half->model.layers || !half->values)
        return -ENOMEM;
    memcpy(half->model.layers, model->layers, model->layer_count * sizeof *model->layers);
    borrow_layers(half, model);
    return 0;
}

static void half_deinit(struct half *half)
{
    forward_free(half->forward);
    free(half->model.layers);
    free(half->values);
}

static bool reaches(const struct decoder *decoder, uint32_t value, const bool *along)
{
    return !along[value] && (decoder->once.values[value] || decoder->kept[value]);
}

/* What is computed once: what the second pass reads, and what that needs. */
static void mark(struct decoder *decoder)
{
    const struct model *model = model_of(decoder);
    const bool *along = decoder->along.values;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        for (uint32_t j = 0; along[model_value(model, i)] && j < model->layers[i].input_count; j++)
            decoder->kept[model->layers[i].inputs[j]] = !along[model->layers[i].inputs[j]];
    }
    for (uint32_t value = model_value_count(model); value-- > 0;) {
        const bool needed = reaches(decoder, value, along);

        decoder->once.values[value] = needed;
        for (uint32_t j = 0; needed && value >= model->signature.input_count &&
                             j < model->layers[value - model->signature.input_count].input_count;
             j++)
            decoder->once.values[model->layers[value - model->signature.input_count].inputs[j]] = true;
    }
    for (uint32_t i = 0; i < model->signature.input_count; i++) /* a client gives them all */
        decoder->once.values[i] = i != model->decoding.input;
}

/* One position in the place of all. */
static void shorten(struct half *along, const struct model *model)
{
    along->model.signature.inputs[model->decoding.input].shape.dimension[0] = 1;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct shape *shape = &along->model.layers[i].shape;

        if (along->values[model_value(model, i)])
            shape->dimension[shape->rank - 1] = 1;
    }
}

/* `bytes` more of a sequence's memory. */
static int reserve(struct decoder *decoder, uint64_t bytes, uint64_t *at)
{
    *at = decoder->bytes;
    return size_align(bytes, CACHE_LINE, &bytes) && size_add(decoder->bytes, bytes, &decoder->bytes) ? 0 : -ENOMEM;
}

static int lay_out_layer(struct decoder *decoder, uint32_t index, struct reason *why)
{
    const struct model *model = model_of(decoder);
    const struct layer *layer = &model->layers[index];
    struct layer_step *step = &decoder->steps[index];
    struct shape inputs[LAYER_INPUTS_MAX];
    uint64_t kept;
    int result;

    for (uint32_t j = 0; j < layer->input_count; j++) {
        inputs[j] = *model_value_shape(model, layer->inputs[j]);
        step->whole[j] = decoder->kept[layer->inputs[j]];
        step->whole_at[j] = decoder->whole_at[layer->inputs[j]];
    }
    step->length = decoding_positions(model);
    step->positions = decoder->positions;
    step->sequences = decoder->memory;
    result = layer_step_plan(&(struct layer_step_setup){ layer, inputs, step->whole }, &kept, why);
    if (!result && reserve(decoder, kept, &step->kept_at))
        result = refuse_errno(why, -ENOMEM, "a sequence's memory");
    return result;
}

static int lay_out(struct decoder *decoder, struct reason *why)
{
    const struct model *model = model_of(decoder);

    for (uint32_t value = 0; value < model_value_count(model); value++) {
        if (decoder->kept[value] && reserve(decoder, shape_elements(model_value_shape(model, value)) * sizeof(float),
                                            &decoder->whole_at[value]))
            return refuse_errno(why, -ENOMEM, "a sequence's memory");
    }
    decoder->whole_bytes = decoder->bytes;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        int result = decoder->along.values[model_value(model, i)] ? lay_out_layer(decoder, i, why) : 0;

        if (result)
            return result;
    }
    if (reserve(decoder, model->decoding.length * sizeof(int32_t), &decoder->words_at))
        return refuse_errno(why, -ENOMEM, "a sequence's memory");
    return 0;
}

static int make_pass(struct decoder *decoder, struct half *half, const bool *kept, uint32_t length, struct reason *why)
{
    const struct decoder *other = decoder->setup.weights_of;
    const struct forward_setup setup = { .model = &half->model,
                                         .kernels = decoder->setup.kernels,
                                         .batch = decoder->setup.batch,
                                         .pool = decoder->setup.pool,
                                         .threads = decoder->setup.threads,
                                         .choices = decoder->setup.choices,
                                         .part = &half->part,
                                         .weights_of = other ? decoder_pass(other, half == &decoder->along) : NULL };

    half->part = (struct forward_part){ half->values, kept, length };
    return forward_new(&setup, &half->forward, why);
}

static int allocate(struct decoder *decoder)
{
    const struct model *model = model_of(decoder);
    const uint32_t values = model_value_count(model);
    const size_t batch = decoder->setup.batch;

    decoder->kept = calloc(values, sizeof *decoder->kept);
    decoder->whole_at = calloc(values, sizeof *decoder->whole_at);
    decoder->steps = calloc(model->layer_count, sizeof *decoder->steps);
    decoder->positions = calloc(batch, sizeof *decoder->positions);
    decoder->memory = calloc(batch, sizeof *decoder->memory);
    decoder->places = calloc(batch, sizeof *decoder->places);
    decoder->panel = memory_alloc(decoding_vocabulary(model), DECODER_PANEL * sizeof *decoder->panel);
    if (!decoder->panel || !decoder->kept || !decoder->whole_at || !decoder->steps || !decoder->positions ||
        !decoder->memory || !decoder->places || half_init(&decoder->once, model) || half_init(&decoder->along, model))
        return -ENOMEM;
    return 0;
}

static int make(struct decoder *decoder, struct reason *why)
{
    const struct model *model = model_of(decoder);
    int result = allocate(decoder);

    if (result)
        return refuse_errno(why, result, "a decoder of %s", model->name);
    decoding_mark(model, decoder->along.values);
    mark(decoder);
    decoder->once.model.signature.output_count = 0;
    result = lay_out(decoder, why);
    if (result)
        return result;
    shorten(&decoder->along, model);
    result = make_pass(decoder, &decoder->once, decoder->kept, 0, why);
    return result ? result : make_pass(decoder, &decoder->along, NULL, decoding_positions(model), why);
}

int decoder_new(const struct decoder_setup *setup, struct decoder **out, struct reason *why)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    int result;

    if (!decoder)
        return refuse_errno(why, -ENOMEM, "a decoder of %s", setup->model->name);
    decoder->setup = *setup;
    result = make(decoder, why);
    if (result)
        decoder_free(decoder);
    else
        *out = decoder;
    return result;
}

struct decoder *decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return NULL;
    half_deinit(&decoder->once);
    half_deinit(&decoder->along);
    free(decoder->kept);
    free(decoder->whole_at);
    free(decoder->steps);
    free(decoder->positions);
    free(decoder->memory);
    free(decoder->places);
    free(decoder->panel);
    free(decoder);
    return NULL;
}

/* ---- what there is of it ---- */

static bool needs_csr(const void *argument, uint32_t layer)
{
    const struct decoder *decoder = argument;

    for (unsigned i = 0; i < DECODER_PASSES; i++) {
        const struct weights *weights = forward_weights(decoder_pass(decoder, i), layer);

        if (weights && weights_borrow_csr(weights))
            return true;
    }
    return false;
}

int decoder_strip(struct decoder *decoder, struct model *model)
{
    int result = model_strip(model, needs_csr, decoder);

    borrow_layers(&decoder->once, model);
    borrow_layers(&decoder->along, model);
    return result;
}

uint64_t decoder_sequence_bytes(const struct decoder *decoder)
{
    return decoder->bytes;
}

size_t decoder_memory(const struct decoder *decoder)
{
    return forward_memory(decoder->once.forward) + forward_memory(decoder->along.forward) +
           (size_t)decoding_vocabulary(model_of(decoder)) * DECODER_PANEL * sizeof *decoder->panel;
}

const struct forward *decoder_pass(const struct decoder *decoder, unsigned number)
{
    return number ? decoder->along.forward : decoder->once.forward;
}

/* ---- running ---- */

static void copy_whole(const struct decoder *decoder, uint32_t value, unsigned char *const *memory, size_t count)
{
    const float *from = forward_value(decoder->once.forward, value);
    const uint64_t elements = shape_elements(model_value_shape(model_of(decoder), value));

    for (size_t b = 0; b < count; b++) {
        float *to = (float *)(void *)(memory[b] + decoder->whole_at[value]);

        for (uint64_t e = 0; e < elements; e++)
            to[e] = from[e * count + b];
    }
}

void decoder_begin(struct decoder *decoder, const void *const *inputs, unsigned char *const *memory, size_t count)
{
    forward_serve(decoder->once.forward, inputs, NULL, count);
    for (uint32_t value = 0; value < model_value_count(model_of(decoder)); value++) {
        if (decoder->kept[value])
            copy_whole(decoder, value, memory, count);
    }
}

void decoder_copy(const struct decoder *decoder, unsigned char *to, const unsigned char *from, bool begun)
{
    const uint64_t at = begun ? decoder->whole_bytes : 0;

    memcpy(to + at, from + at, decoder->bytes - at);
}

int32_t *decoder_words(const struct decoder *decoder, unsigned char *memory)
{
    return (int32_t *)(void *)(memory + decoder->words_at);
}

const struct model *decoder_model(const struct decoder *decoder)
{
    return decoder->setup.model;
}

struct decoder_place *decoder_places(struct decoder *decoder)
{
    return decoder->places;
}

const float *decoder_softmax(struct decoder *decoder, const float *scores, size_t count, size_t first)
{
    const uint32_t words = decoding_vocabulary(model_of(decoder));
    const size_t columns = MIN(count - first, (size_t)DECODER_PANEL);

    for (uint32_t w = 0; w < words; w++) {
        float *row = decoder->panel + (size_t)w * DECODER_PANEL;

        memset(row, 0, DECODER_PANEL * sizeof *row);
        for (size_t c = 0; c < columns; c++) {
            const float score = scores[w * count + first + c];

            row[c] = isnan(score) ? -INFINITY : score;
        }
    }
    decoder->setup.kernels->panel_softmax(decoder->panel, words, 1);
    return decoder->panel;
}

/* Where the step's layers read what goes in. */
static void set_up(struct decoder *decoder, const struct decoder_place *places, size_t count)
{
    float *words = forward_input(decoder->along.forward, model_of(decoder)->decoding.input);

    for (size_t b = 0; b < count; b++) {
        words[b] = (float)places[b].word;
        decoder->positions[b] = places[b].position;
        decoder->memory[b] = places[b].memory;
    }
}

void decoder_lend(struct decoder *decoder, struct pool *pool)
{
    forward_lend(decoder->along.forward, pool);
}

unsigned decoder_threads(const struct decoder *decoder)
{
    return forward_threads(decoder->along.forward);
}

const float *decoder_scores(const struct decoder *decoder)
{
    return forward_value(decoder->along.forward, model_of(decoder)->signature.outputs[0].value);
}

const float *decoder_step(struct decoder *decoder, const struct decoder_place *places, size_t count)
{
    set_up(decoder, places, count);
    forward_step(decoder->along.forward, decoder->steps, count);
    return decoder_scores(decoder);
}

void decoder_step_begin(struct decoder *decoder, const struct decoder_place *places, size_t count)
{
    set_up(decoder, places, count);
    forward_step_begin(decoder->along.forward, decoder->steps, count);
}

bool decoder_step_slice(struct decoder *decoder, uint64_t ns)
{
    return forward_step_slice(decoder->along.forward, ns);
}

int decoder_time(struct decoder *decoder, size_t count)
{
    set_up(decoder, decoder->places, count);
    return forward_step_time(decoder->along.forward, decoder->steps, count);
}

uint64_t decoder_estimate(const struct decoder *decoder, size_t count)
{
    return forward_estimate(decoder->along.forward, count);
}
