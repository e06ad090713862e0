/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding step by step gives the words, and at every position the numbers, that the pass over all positions gives, to
 * the bit: random models of each kind, sequences that begin at different times and end as they like, alone and with a
 * pool.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/passes/beam.h"
#include "support/test.h"
#include "support/translator.h"

static struct choice_cache *cache; /* of weight formats: they are timed once */

enum { BATCH = 5, ALL = 9 /* sequences */, WORDS_MAX = 24, SLICES = 256 };

/* Of seeds whose sequences end at different places. */
static const struct translator translators[] = {
    { .kind = "attention", .source = 6, .positions = 19, .vocabulary = 13, .width = 6, .seed = 24 },
    { .kind = "attention",
      .source = 9,
      .positions = 20,
      .length = 18,
      .vocabulary = 9,
      .width = 4,
      .masked = true,
      .begin = 5,
      .seed = 10 },
    { .kind = "lstm", .source = 4, .positions = 12, .vocabulary = 11, .width = 6, .end = 4, .seed = 18 },
    { .kind = "gru", .source = 1, .positions = 1, .vocabulary = 7, .width = 4, .begin = 6, .seed = 4 },
    { .kind = "gru", .source = 5, .positions = 16, .vocabulary = 7, .width = 4, .begin = 6, .seed = 5 },
};

/* What kernels compute is the same for all (tests/kernels). */
static const char *const tables[] = { "scalar", "auto" };

struct trial {
    const struct model *model;
    struct decoder *decoder;
    uint32_t source;
    int32_t sources[ALL][WORDS_MAX], words[ALL][WORDS_MAX], right[ALL][WORDS_MAX];
    uint32_t right_counts[ALL];
    struct beam sequences[ALL];
    bool sliced;           /* steps are made in slices, */
    unsigned slices, left; /* of which there were so many besides the last ones; and steps that had several */
};

static void make_sources(struct trial *trial, const struct translator *t)
{
    struct rng rng = rng_make(t->seed, 7);

    trial->source = t->source;
    for (size_t s = 0; s < ALL; s++) {
        const uint32_t length = rng_below(&rng, t->source + 1);

        for (uint32_t i = 0; i < t->source; i++)
            trial->sources[s][i] = i < length ? (int32_t)rng_below(&rng, t->vocabulary) : 0;
        trial->right_counts[s] = translator_decode(trial->model, trial->sources[s], trial->right[s]);
    }
}

static void begin(struct trial *trial, size_t first, size_t count)
{
    const void *inputs[BATCH];
    unsigned char *memory[BATCH];

    for (size_t i = 0; i < count; i++) {
        inputs[i] = trial->sources[first + i];
        memory[i] = trial->sequences[first + i].hypotheses[0].memory;
    }
    decoder_begin(trial->decoder, inputs, memory, count);
}

/* Slices by the part of what the step is thought to take, as short as a row of a layer or shorter: as short as can be
 * said, a nanosecond, is thousands of pieces a layer without a row in them, which is all that a slow build does then.
 */
static void step_in_slices(struct trial *trial, struct beam **running, size_t count)
{
    const unsigned before = trial->slices;

    beams_step_begin(trial->decoder, running, count);
    while (decoder_step_slice(trial->decoder, decoder_estimate(trial->decoder, count) / SLICES + 1))
        trial->slices++;
    beams_step_end(trial->decoder, running, count);
    trial->left += trial->slices > before;
}

/* One step of all that run; how many those were. */
static size_t step(struct trial *trial, size_t begun)
{
    struct beam *running[ALL];
    size_t count = 0;

    for (size_t s = 0; s < begun && count < BATCH; s++) {
        if (!trial->sequences[s].ended)
            running[count++] = &trial->sequences[s];
    }
    if (count && !trial->sliced)
        beams_step(trial->decoder, running, count);
    if (count && trial->sliced)
        step_in_slices(trial, running, count);
    return count;
}

/* A sequence or two begin between any two steps. */
static void decode_all(struct trial *trial)
{
    size_t begun = 0, running = 0;

    for (size_t s = 0; s < ALL; s++) {
        memset(trial->sequences[s].hypotheses[0].memory, 0xff, decoder_sequence_bytes(trial->decoder));
        beam_begin(&trial->sequences[s], 1);
    }
    while (begun < ALL || running) {
        const size_t more = MIN(1 + begun % 2, ALL - begun);

        if (more)
            begin(trial, begun, more);
        begun += more;
        running = step(trial, begun);
    }
}

static void compare(const struct trial *trial, const char *kernels)
{
    for (size_t s = 0; s < ALL; s++) {
        if (trial->sequences[s].shared != trial->right_counts[s] ||
            memcmp(trial->words[s], trial->right[s], trial->right_counts[s] * sizeof(int32_t)) != 0)
            fail_msg("%s, %s: sequence %zu has other words: %u of them, and must have %u",
                     trial->model->layers[trial->model->layer_count - 2].kind->name, kernels, s,
                     trial->sequences[s].shared, trial->right_counts[s]);
    }
}

/* The same in slices, once it is known what a step takes; one that is left in the middle is of no account. */
static void check_slices(struct trial *trial)
{
    struct decoder_place *places = decoder_places(trial->decoder);

    for (size_t s = 0; s < BATCH; s++)
        places[s] = (struct decoder_place){ .memory = trial->sequences[s].hypotheses[0].memory };
    assert_int_equal(decoder_time(trial->decoder, BATCH), 0);
    assert_true(decoder_estimate(trial->decoder, BATCH) >= decoder_estimate(trial->decoder, 1));
    decoder_step_begin(trial->decoder, places, BATCH);
    decoder_step_slice(trial->decoder, 1);
    trial->sliced = true;
    decode_all(trial);
    compare(trial, "in slices");
    assert_true(trial->left >= 3 && trial->slices >= 64 * trial->left);
    trial->sliced = false;
}

static void check(const struct translator *t, struct pool *pool)
{
    struct model *model = translator_model(t);
    struct trial trial = { .model = model };
    const struct kernels *kernels;
    struct reason why;

    make_sources(&trial, t);
    for (size_t k = 0; k < ARRAY_SIZE(tables); k++) {
        kernels = kernels_find(tables[k]);
        assert_ok(decoder_new(
                      &(struct decoder_setup){
                          .model = model, .kernels = kernels, .batch = BATCH, .pool = pool, .choices = cache },
                      &trial.decoder, &why),
                  why);
        for (size_t s = 0; s < ALL; s++) {
            trial.sequences[s].hypotheses[0].memory = memory_alloc(decoder_sequence_bytes(trial.decoder), 1);
            trial.sequences[s].words = trial.words[s];
        }
        decode_all(&trial);
        compare(&trial, kernels->name);
        check_slices(&trial);
        if (k == 0) { /* what it has no more need of was of no account */
            assert_int_equal(decoder_strip(trial.decoder, model), 0);
            decode_all(&trial);
            compare(&trial, "stripped");
            model_free(model);
            trial.model = model = translator_model(t);
        }
        for (size_t s = 0; s < ALL; s++)
            free(trial.sequences[s].hypotheses[0].memory);
        decoder_free(trial.decoder);
    }
    model_free(model);
}

static void test_words(void **state)
{
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_new(3, &pool), 0);
    for (size_t i = 0; i < ARRAY_SIZE(translators); i++)
        check(&translators[i], i % 2 ? pool : NULL);
    pool_free(pool);
}

/* A sequence that reads given words, some of which are none: the numbers at each position. */
static void check_numbers(const struct translator *t)
{
    const struct kernels *kernels = kernels_find("auto");
    struct model *model = translator_model(t);
    const uint32_t positions = t->positions;
    int32_t source[WORDS_MAX];
    struct rng rng = rng_make(t->seed, 8);
    struct forward *forward;
    struct decoder *decoder;
    unsigned char *memory;
    struct reason why;

    assert_ok(
        forward_new(&(struct forward_setup){ model, kernels, .mode = LAYER_EVALUATE, .batch = 1 }, &forward, &why),
        why);
    assert_ok(decoder_new(&(struct decoder_setup){ model, kernels, .batch = BATCH, .choices = cache }, &decoder, &why),
              why);
    for (uint32_t i = 0; i < t->source; i++)
        forward_input(forward, 0)[i] = (float)(source[i] = (int32_t)rng_below(&rng, t->vocabulary));
    for (uint32_t i = 0; i < positions; i++)
        forward_input(forward, 1)[i] = (float)rng_below(&rng, t->vocabulary + 2);
    forward_run(forward, LAYER_EVALUATE, forward_input(forward, 0), 1);
    memory = memory_alloc(decoder_sequence_bytes(decoder), 1);
    decoder_begin(decoder, (const void *const[]){ source }, &memory, 1);
    for (uint32_t at = 0; at < positions; at++) {
        const struct decoder_place place = { memory, at, (uint32_t)forward_input(forward, 1)[at] };
        const float *scores = decoder_step(decoder, &place, 1);
        const float *whole = forward_value(forward, model->signature.outputs[0].value);

        for (uint32_t w = 0; w < t->vocabulary; w++)
            assert_memory_equal(&scores[w], &whole[w * positions + at], sizeof *scores);
    }
    free(memory);
    decoder_free(decoder);
    forward_free(forward);
    model_free(model);
}

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(translators); i++)
        check_numbers(&translators[i]);
}

static int open_cache(void **state)
{
    *state = (void *)(uintptr_t)scratch_make();
    return choice_cache_open(*state, &cache);
}

static int close_cache(void **state)
{
    choice_cache_free(cache);
    scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, open_cache, close_cache);
}
