/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/golden_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"

enum { SEED = 1, WHOLE_BELOW = 128 };

void golden_fill(const struct model *model, const struct model_tensor *tensor, struct rng *rng, void *at)
{
    const size_t count = (size_t)shape_elements(&tensor->shape);
    const uint32_t words = model_words(model, tensor->value);

    for (size_t i = 0; i < count; i++) {
        const uint32_t whole = (uint32_t)rng_below(rng, words ? words : WHOLE_BELOW);

        if (tensor->dtype == DTYPE_INT32)
            ((int32_t *)at)[i] = (int32_t)whole;
        else if (tensor->dtype == DTYPE_UINT8)
            ((uint8_t *)at)[i] = (uint8_t)whole;
        else
            ((float *)at)[i] = words ? (float)whole : rng_float(rng);
    }
}

/* ---- the answer ---- */

static uint32_t best_of(const float *scores, uint32_t count)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < count; i++)
        best = scores[i] > scores[best] ? i : best;
    return best;
}

static int decode(const struct model *model, struct decoder *decoder, const void *const *inputs, float *answer)
{
    cleanup_free unsigned char *memory = memory_zalloc(MAX(decoder_sequence_bytes(decoder), 1u), 1);
    struct decoder_place *place = decoder_places(decoder);
    const uint32_t vocabulary = decoding_vocabulary(model);
    const float *scores = NULL;
    unsigned char *list[1] = { memory };
    uint32_t word = model->decoding.begin;

    if (!memory)
        return -ENOMEM;
    decoder_begin(decoder, inputs, list, 1);
    for (uint32_t i = 0; i < MIN((uint32_t)GOLDEN_WORDS, model->decoding.length); i++) {
        *place = (struct decoder_place){ .memory = memory, .position = i, .word = word };
        scores = decoder_step(decoder, place, 1);
        word = best_of(scores, vocabulary);
    }
    if (!scores)
        return -EINVAL; /* a length of 0, which the reader refuses */
    memcpy(answer, scores, vocabulary * sizeof *answer);
    return 0;
}

static int answer(const struct model *model, const struct golden_runner *runner, const struct golden *asked,
                  void *const *outputs)
{
    const void *const *inputs = (const void *const *)asked->inputs;

    if (runner->decoder)
        return decode(model, runner->decoder, inputs, outputs[0]);
    forward_serve(runner->forward, inputs, outputs, 1);
    return 0;
}

/* ---- to make one ---- */

CLEANUP_DEFINE(forward, struct forward, forward_free)
CLEANUP_DEFINE(decoder, struct decoder, decoder_free)

/* The value that is rounded. */
static uint32_t rounded_value(const struct model *model)
{
    uint32_t i = 0;

    while (!model->layers[i].kind->quantizes)
        i++;
    return model->layers[i].inputs[0];
}

/* Of a model with halves the latents stay, too. */
static int run_forward(const struct model *model, struct golden *golden, struct reason *why)
{
    const uint32_t values = model_value_count(model), latents = golden->latents ? rounded_value(model) : values;
    cleanup_free bool *there = calloc(values, sizeof *there), *kept = calloc(values + 1, sizeof *kept);
    const struct forward_part part = { .values = there, .kept = kept };
    cleanup(forward_at_exit) struct forward *forward = NULL;
    struct golden_runner runner = { NULL, NULL };
    int result;

    if (!there || !kept)
        return refuse_errno(why, -ENOMEM, "a golden input");
    memset(there, true, values * sizeof *there);
    kept[latents] = true;
    result = forward_new(
        &(struct forward_setup){ .model = model, .kernels = kernels_find("scalar"), .batch = 1, .part = &part },
        &forward, why);
    if (result)
        return result;
    runner.forward = forward;
    (void)answer(model, &runner, golden, golden->outputs);
    if (golden->latents)
        memcpy(golden->latents, forward_value(forward, latents),
               shape_elements(model_value_shape(model, latents)) * sizeof(float));
    return 0;
}

static int run_decoder(const struct model *model, struct golden *golden, struct reason *why)
{
    const struct decoder_setup setup = { .model = model, .kernels = kernels_find("scalar"), .batch = 1 };
    cleanup(decoder_at_exit) struct decoder *decoder = NULL;
    struct golden_runner runner = { NULL, NULL };
    int result = decoder_new(&setup, &decoder, why);

    if (result)
        return result;
    runner.decoder = decoder;
    result = answer(model, &runner, golden, golden->outputs);
    return result ? refuse_errno(why, result, "a golden input") : 0;
}

static void fill_all(const struct model *model, struct golden *golden)
{
    const struct signature seen = model->decoding.length ? decoding_signature(model) : model->signature;

    for (uint32_t i = 0; i < seen.input_count; i++) {
        struct rng rng = rng_make(SEED, i);

        golden_fill(model, &seen.inputs[i], &rng, golden->inputs[i]);
    }
}

int golden_make(struct model *model, struct reason *why)
{
    struct golden made = { .latents = NULL };
    int result = golden_alloc(model, &made, why);

    if (result)
        return result;
    golden_deinit(&model->golden);
    fill_all(model, &made);
    result = model->decoding.length ? run_decoder(model, &made, why) : run_forward(model, &made, why);
    model->golden = made;
    if (!result && golden_check(model, why))
        result = refuse_in(why, WISP_E_INVALID, "its answer");
    if (result)
        golden_deinit(&model->golden);
    return result;
}

/* ---- to ask it ---- */

static void number_text(enum dtype dtype, const void *numbers, uint64_t at, char out[32])
{
    if (dtype == DTYPE_FLOAT32)
        snprintf(out, 32, "%.9g", (double)((const float *)numbers)[at]);
    else if (dtype == DTYPE_INT32)
        snprintf(out, 32, "%d", ((const int32_t *)numbers)[at]);
    else
        snprintf(out, 32, "%u", ((const uint8_t *)numbers)[at]);
}

static int compare(const struct golden_tensor *said, const void *want, struct reason *why)
{
    const size_t bytes = dtype_bytes(said->dtype);
    const unsigned char *left = *said->data, *right = want;
    char is[32], was[32];
    uint64_t at = 0;

    while (at < said->count && !memcmp(left + at * bytes, right + at * bytes, bytes))
        at++;
    if (at == said->count)
        return 0;
    number_text(said->dtype, left, at, is);
    number_text(said->dtype, right, at, was);
    return refuse(why, WISP_E_FORMAT,
                  "it answers its golden input with other bits than where that was made: element %llu of \"%s\" is %s, "
                  "and was %s: its weights have been changed since, or this processor or this build is at fault",
                  (unsigned long long)at, said->name, is, was);
}

int golden_try(const struct model *model, const struct golden_runner *runner, struct reason *why)
{
    struct golden golden = model->golden, said = { .latents = NULL };
    struct golden_tensor list[GOLDEN_TENSORS_MAX], want[GOLDEN_TENSORS_MAX];
    uint32_t count;
    int result;

    if (!golden_is_there(&golden))
        return 0;
    result = golden_alloc(model, &said, why);
    if (result)
        return result;
    count = golden_list(model, &said, list);
    (void)golden_list(model, &golden, want);
    result = answer(model, runner, &golden, said.outputs);
    if (result)
        (void)refuse_errno(why, result, "its golden input");
    for (uint32_t i = 0; !result && i < count; i++) {
        if (!strcmp(list[i].owner, GOLDEN_OUTPUT))
            result = compare(&list[i], *want[i].data, why);
    }
    golden_deinit(&said);
    return result;
}
