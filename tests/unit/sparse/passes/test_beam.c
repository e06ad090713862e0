/* SPDX-License-Identifier: Apache-2.0
 *
 * Beam search: words and scores are, to the bit, those of a search that asks the plain forward pass anew at every step,
 * for searches of all widths that run together; one wide enough finds the best of all sequences; one of width 1 is
 * greedy; and what is certain stays so.
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

enum { SEARCHES = 7, WORDS_MAX = 24 };

static const uint32_t widths[SEARCHES] = { 1, 2, 3, 4, 8, 16, 2 };

struct trial {
    const struct translator *t;
    struct model *model;
    struct decoder *decoder;
    int32_t sources[SEARCHES][WORDS_MAX];
    struct beam beams[SEARCHES];
    int32_t certain[SEARCHES][WORDS_MAX]; /* words that were */
    uint32_t shared[SEARCHES];
};

static void trial_init(struct trial *trial, const struct translator *t)
{
    struct rng rng = rng_make(t->seed, 7);
    struct reason why;
    size_t batch = 0;

    *trial = (struct trial){ .t = t, .model = translator_model(t) };
    for (size_t s = 0; s < SEARCHES; s++)
        batch += widths[s];
    assert_ok(
        decoder_new(
            &(struct decoder_setup){ .model = trial->model, kernels_find("auto"), .batch = batch, .choices = cache },
            &trial->decoder, &why),
        why);
    for (size_t s = 0; s < SEARCHES; s++) {
        for (uint32_t i = 0; i < t->source; i++)
            trial->sources[s][i] = (int32_t)rng_below(&rng, t->vocabulary);
        trial->beams[s].words = memory_alloc(trial->model->decoding.length, sizeof(int32_t));
        for (uint32_t i = 0; i < widths[s]; i++) {
            trial->beams[s].hypotheses[i].memory = memory_alloc(decoder_sequence_bytes(trial->decoder), 1);
            memset(trial->beams[s].hypotheses[i].memory, 0xff, decoder_sequence_bytes(trial->decoder));
        }
    }
}

static void trial_deinit(struct trial *trial)
{
    for (size_t s = 0; s < SEARCHES; s++) {
        free(trial->beams[s].words);
        for (uint32_t i = 0; i < widths[s]; i++)
            free(trial->beams[s].hypotheses[i].memory);
    }
    decoder_free(trial->decoder);
    model_free(trial->model);
}

static void note_certain(struct trial *trial, size_t s)
{
    const struct beam *beam = &trial->beams[s];
    const int32_t *words = beam_words(trial->decoder, beam);

    assert_true(beam->shared >= trial->shared[s]);
    assert_true(trial->shared[s] == 0 || !memcmp(trial->certain[s], words, trial->shared[s] * sizeof *words));
    if (beam->shared)
        memcpy(trial->certain[s], words, beam->shared * sizeof *words);
    trial->shared[s] = beam->shared;
}

/* One begins before each step. */
static void search_all(struct trial *trial)
{
    struct beam *running[SEARCHES];
    size_t begun = 0, count = 1;

    while (begun < SEARCHES || count) {
        if (begun < SEARCHES) {
            struct beam *beam = &trial->beams[begun];
            const void *input = trial->sources[begun];

            beam_begin(beam, widths[begun]);
            decoder_begin(trial->decoder, &input, &beam->hypotheses[0].memory, 1);
            begun++;
        }
        count = 0;
        for (size_t s = 0; s < begun; s++) {
            if (!trial->beams[s].ended)
                running[count++] = &trial->beams[s];
        }
        if (count)
            beams_step(trial->decoder, running, count);
        for (size_t s = 0; s < begun; s++)
            note_certain(trial, s);
    }
}

static void compare(const struct trial *trial, size_t s, const int32_t *right, uint32_t count, double score)
{
    const struct beam *beam = &trial->beams[s];

    if (beam->shared != count || memcmp(beam_words(trial->decoder, beam), right, count * sizeof *right) != 0)
        fail_msg("%s, seed %llu: a beam of %u has other words: %u of them, and must have %u", trial->t->kind,
                 (unsigned long long)trial->t->seed, widths[s], beam->shared, count);
    if (widths[s] > 1) /* of one, nobody needs it */
        assert_memory_equal(&beam->score, &score, sizeof score);
}

static void check(const struct translator *t)
{
    struct trial trial;
    int32_t right[WORDS_MAX];
    double score;

    trial_init(&trial, t);
    search_all(&trial);
    for (size_t s = 0; s < SEARCHES; s++) {
        uint32_t count = translator_search(trial.model, trial.sources[s], widths[s], right, &score);

        compare(&trial, s, right, count, score);
        if (widths[s] > 1)
            continue;
        count = translator_decode(trial.model, trial.sources[s], right);
        compare(&trial, s, right, count, 0);
    }
    trial_deinit(&trial);
}

static void test_searches(void **state)
{
    static const struct translator translators[] = {
        { .kind = "attention", .source = 6, .positions = 12, .vocabulary = 13, .width = 6, .seed = 24 },
        { .kind = "attention", .source = 9, .positions = 9, .length = 8, .vocabulary = 9, .width = 4, .masked = true },
        { .kind = "lstm", .source = 4, .positions = 12, .vocabulary = 11, .width = 6, .end = 4, .seed = 18 },
        { .kind = "gru", .source = 5, .positions = 1, .vocabulary = 7, .width = 4, .begin = 6, .seed = 5 },
        { .kind = "gru", .source = 5, .positions = 10, .vocabulary = 2, .width = 4, .seed = 6 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(translators); i++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct translator t = translators[i];

            t.seed += 100 * seed;
            check(&t);
        }
    }
}

/* A beam of 16 leaves nothing out where there are 15 sequences. */
static void test_nothing_is_left_out(void **state)
{
    unsigned others = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const struct translator t = { .kind = seed % 2 ? "gru" : "attention",
                                      .source = 4,
                                      .positions = 3,
                                      .vocabulary = 3,
                                      .width = 4,
                                      .end = seed % 3,
                                      .seed = seed };
        struct trial trial;
        int32_t right[WORDS_MAX];

        trial_init(&trial, &t);
        search_all(&trial);
        for (size_t s = 0; s < SEARCHES; s++) {
            double score;
            uint32_t count = translator_exhaust(trial.model, trial.sources[s], right, &score);

            if (widths[s] == 16)
                compare(&trial, s, right, count, score);
            else
                others += trial.beams[s].shared != count ||
                          memcmp(beam_words(trial.decoder, &trial.beams[s]), right, count * sizeof *right) != 0;
        }
        trial_deinit(&trial);
    }
    assert_true(others > 0); /* it is no easy matter */
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
        cmocka_unit_test(test_searches),
        cmocka_unit_test(test_nothing_is_left_out),
    };

    return cmocka_run_group_tests(tests, open_cache, close_cache);
}
