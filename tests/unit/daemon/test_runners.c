/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine for several shards: its weights are there once, and runners give the same answers, to the bit, while all of
 * them run on threads of their own.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/passes/decoder.h"
#include "unit/daemon/rig.h"

enum { SHARDS = 3, ROWS = 5, ROUNDS = 200, FLOATS = ROWS * RIG_INPUTS };

static struct reason why;

static struct model_set *load(uint32_t shards)
{
    struct config config = rig.config;
    struct model_set *set = NULL;

    config.shards = shards;
    assert_ok(model_set_load(&config, NULL, NULL, &set, &why), why);
    return set;
}

/* ---- what one runner gives ---- */

static void run_forward(const struct runner *runner, unsigned seed, float *answers)
{
    const void *inputs[ROWS];
    void *outputs[ROWS];
    float input[FLOATS];

    floats_make(input, FLOATS, seed, 0);
    for (int i = 0; i < ROWS; i++) {
        inputs[i] = input + i * RIG_INPUTS;
        outputs[i] = answers + i * RIG_OUTPUTS;
    }
    forward_serve(runner->forward, inputs, outputs, ROWS);
}

/* A step of sequences that begin; how many numbers there are. */
static size_t run_decoder(const struct instance *instance, const struct runner *runner, unsigned seed, float *answers)
{
    const uint64_t bytes = decoder_sequence_bytes(runner->decoder);
    struct decoder_place *places = decoder_places(runner->decoder);
    unsigned char *memory = memory_alloc(ROWS, bytes), *list[ROWS];
    const size_t count = (size_t)decoding_vocabulary(instance->model) * ROWS;
    int32_t words[ROWS * RIG_SOURCE];
    const void *inputs[ROWS];

    assert_non_null(memory);
    for (int i = 0; i < ROWS * RIG_SOURCE; i++)
        words[i] = (int32_t)((seed * 7 + (unsigned)i) % 13);
    for (int i = 0; i < ROWS; i++) {
        inputs[i] = words + (size_t)i * RIG_SOURCE;
        list[i] = memory + (size_t)i * bytes;
        places[i] = (struct decoder_place){ .memory = list[i], .word = instance->model->decoding.begin };
    }
    decoder_begin(runner->decoder, inputs, list, ROWS);
    memcpy(answers, decoder_step(runner->decoder, places, ROWS), count * sizeof *answers);
    free(memory);
    return count;
}

static size_t answer(const struct instance *instance, const struct runner *runner, unsigned seed, float *answers)
{
    if (runner->decoder)
        return run_decoder(instance, runner, seed, answers);
    run_forward(runner, seed, answers);
    return (size_t)ROWS * RIG_OUTPUTS;
}

/* ---- all of them at once ---- */

struct shift {
    const struct instance *instance;
    const struct runner *runner;
    unsigned seed;
    float answers[ROUNDS][128];
};

static void *work(void *argument)
{
    struct shift *shift = argument;

    for (unsigned i = 0; i < ROUNDS; i++)
        answer(shift->instance, shift->runner, shift->seed + i, shift->answers[i]);
    return NULL;
}

static void check_together(const struct instance *instance)
{
    struct shift *shifts = calloc(SHARDS, sizeof *shifts);
    pthread_t threads[SHARDS];
    float want[128];

    assert_non_null(shifts);
    for (unsigned i = 0; i < SHARDS; i++) {
        shifts[i].instance = instance;
        shifts[i].runner = &instance->engine->runners[i];
        shifts[i].seed = 1000 * i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &shifts[i]), 0);
    }
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        for (unsigned k = 0; k < ROUNDS; k++) {
            size_t count = answer(instance, instance->engine->runners, shifts[i].seed + k, want);

            assert_true(count <= ARRAY_SIZE(want));
            assert_memory_equal(shifts[i].answers[k], want, count * sizeof *want);
        }
    }
    free(shifts);
}

static void answers_are_the_same_on_every_shard(void **state)
{
    struct model_set *set = load(SHARDS);

    (void)state;
    for (uint32_t i = 0; i < set->model_count; i++) {
        assert_int_equal(set->models[i].engine->runner_count, SHARDS);
        check_together(&set->models[i]);
    }
    model_set_release(set);
}

/* ---- weights ---- */

static void expect_shared(const struct forward *pass, const struct forward *other, uint32_t layers)
{
    for (uint32_t i = 0; i < layers; i++)
        assert_ptr_equal(forward_weights(pass, i), forward_weights(other, i));
}

static void weights_are_there_once(void **state)
{
    struct model_set *set = load(SHARDS);

    (void)state;
    for (uint32_t i = 0; i < set->model_count; i++) {
        const struct engine *engine = set->models[i].engine, *alone = rig.set->models[i].engine;
        const struct runner *first = &engine->runners[0], *last = &engine->runners[SHARDS - 1];

        assert_ptr_not_equal(first->forward ? (void *)first->forward : (void *)first->decoder,
                             last->forward ? (void *)last->forward : (void *)last->decoder);
        for (unsigned k = 0; first->decoder && k < DECODER_PASSES; k++)
            expect_shared(decoder_pass(first->decoder, k), decoder_pass(last->decoder, k), engine->model->layer_count);
        if (first->forward)
            expect_shared(first->forward, last->forward, engine->model->layer_count);
        assert_true(engine_memory(engine) > engine_memory(alone));
    }
    model_set_release(set);
}

/* A set that follows has the engines of the one before, with all their runners. */
static void a_set_after_it_takes_them_over(void **state)
{
    struct model_set *set = load(SHARDS), *next = NULL;
    struct config config = rig.config;

    (void)state;
    config.shards = SHARDS;
    assert_ok(model_set_load(&config, set, NULL, &next, &why), why);
    for (uint32_t i = 0; i < set->model_count; i++)
        assert_ptr_equal(next->models[i].engine, set->models[i].engine);
    model_set_release(set);
    check_together(&next->models[0]);
    model_set_release(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST_DECODING(answers_are_the_same_on_every_shard),
        RIG_TEST_DECODING(weights_are_there_once),
        RIG_TEST_DECODING(a_set_after_it_takes_them_over),
    };

    return cmocka_run_group_tests_name("runners", tests, NULL, NULL);
}
