/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass on several threads gives the bits that it gives on one, whole and in slices: of the models that are shipped,
 * of layers that go through time, and of perceptrons of any shape.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/pooled.h"
#include "unit/sparse/passes/served.h"

enum { THREADS = SERVED_THREADS, BATCH = 19, CUTS = 7, PERCEPTRONS = 12 };

static struct pool *pools[THREADS + 1]; /* by number of threads */

static void make_pools(void)
{
    for (unsigned threads = 1; threads <= THREADS; threads++)
        assert_int_equal(pool_new(threads, &pools[threads]), 0);
}

static void free_pools(void)
{
    for (unsigned threads = 1; threads <= THREADS; threads++)
        pool_free(pools[threads]);
}

/* The pass is begun, and cut where `ns` says. */
static void run(struct served *s, size_t count, uint64_t ns, unsigned *pooled)
{
    memset(s->out, 0xa5, s->out_bytes);
    forward_serve_begin(s->forward, s->inputs, s->outputs, count);
    *pooled += forward_threads(s->forward) > 1;
    while (forward_serve_slice(s->forward, ns))
        continue;
}

/* Returns how many passes several threads ran. */
static unsigned check(struct served *s, size_t count, unsigned threads)
{
    unsigned pooled = 0;

    forward_lend(s->forward, NULL);
    run(s, count, UINT64_MAX, &pooled);
    assert_int_equal(pooled, 0);
    memcpy(s->want, s->out, s->out_bytes);
    forward_lend(s->forward, pools[threads]);
    run(s, count, UINT64_MAX, &pooled);
    assert_memory_equal(s->out, s->want, s->out_bytes);
    run(s, count, forward_estimate(s->forward, count) / CUTS + 1, &pooled);
    assert_memory_equal(s->out, s->want, s->out_bytes);
    forward_lend(s->forward, NULL);
    return pooled;
}

static bool is_wanted(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');

    return ending && !strcmp(ending, ".safetensors");
}

static void test_every_shipped_model(void **state)
{
    DIR *folder = opendir(source_path("models"));
    unsigned seen = 0, pooled = 0;
    struct dirent *entry;
    char name[300];

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        struct served s = { .model = NULL };

        if (!is_wanted(entry))
            continue;
        snprintf(name, sizeof name, "models/%s", entry->d_name);
        served_open(&s, 2, source_path(name));
        pooled += check(&s, 1, 2);
        pooled += check(&s, 2, THREADS);
        served_close(&s);
        seen++;
    }
    closedir(folder);
    assert_true(seen > 10 && pooled >= seen / 2);
}

static void test_time_is_cut(void **state)
{
    static const char *const kinds[] = { "lstm", "gru" };
    unsigned pooled = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct served s = { .model = model_through_time(kinds[i / 2], i % 2) };

        served_begin(&s, BATCH);
        pooled += check(&s, BATCH, 2 + i % 2);
        served_close(&s);
    }
    assert_true(pooled);
}

static void make_layer(struct model *model, uint32_t number, uint32_t inputs, struct rng *rng)
{
    struct layer *layer = &model->layers[number];
    const uint32_t rows = 1 + rng_below(rng, 200);
    struct reason why;

    layer->kind = layer_kind_find(number % 2 ? "relu" : "linear");
    snprintf(layer->name, sizeof layer->name, "layer%u", number);
    layer->input_count = 1;
    layer->inputs[0] = number;
    if (number % 2)
        return;
    layer->parameters[0] = rows;
    assert_ok(
        sample_connections(rows, inputs, 1 + rng_below(rng, rows * inputs), rng_u32(rng), number, &layer->weight, &why),
        why);
    sample_weights(&layer->weight, 1, 5, number);
}

/* Up to four layers, each after the first behind a relu, of any widths and densities. */
static struct model *perceptron(uint64_t seed)
{
    struct rng rng = rng_make(seed, 1);
    const uint32_t inputs = 1 + rng_below(&rng, 300), layers = 1 + 2 * rng_below(&rng, 4);
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(layers, &model), 0);
    snprintf(model->name, sizeof model->name, "any");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of((struct shape){ 1, { inputs } });
    for (uint32_t i = 0; i < layers; i++)
        make_layer(model, i, i ? model->layers[(i - 1) / 2 * 2].weight.rows : inputs, &rng);
    assert_ok(model_check(model, &why), why);
    return model;
}

/* They are too small for others to be asked, but that nobody has taken their times. */
static void test_perceptrons(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PERCEPTRONS; seed++) {
        struct served s = { .model = perceptron(seed) };
        struct forward *timed;
        struct reason why;

        served_begin(&s, BATCH);
        timed = s.forward;
        assert_ok(forward_new(&(struct forward_setup){ .model = s.model,
                                                       .kernels = kernels_find("auto"),
                                                       .batch = BATCH,
                                                       .threads = THREADS,
                                                       .weights_of = timed },
                              &s.forward, &why),
                  why);
        for (size_t count = 1; count <= BATCH; count += 1 + count / 2) {
            const unsigned threads = 1 + (unsigned)(seed + count) % THREADS;

            assert_int_equal(check(&s, count, threads), threads > 1 ? 2 : 0);
        }
        forward_free(s.forward);
        s.forward = timed;
        served_close(&s);
    }
}

/* One of the same weights whose samples go one after the other, its times taken twice, as a start does. */
static struct forward *samples_apart(const struct served *s, unsigned threads)
{
    struct forward *forward;
    struct reason why;

    assert_ok(forward_new(&(struct forward_setup){ .model = s->model,
                                                   .kernels = kernels_find("auto"),
                                                   .batch = BATCH,
                                                   .threads = threads,
                                                   .apart = true,
                                                   .weights_of = s->forward },
                          &forward, &why),
              why);
    for (unsigned again = 0; again < 2; again++)
        assert_int_equal(forward_time(forward, s->inputs, s->outputs, BATCH), 0);
    return forward;
}

/* Each thread takes a sample, in memory of its own, and those that are left over are shared. */
static void test_samples_abreast(void **state)
{
    static const char *const names[] = { "models/clothes.safetensors", "models/keywords.safetensors",
                                         "models/squeeze.safetensors" };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        struct served s = { .model = NULL };
        struct forward *together, *alone;
        unsigned pooled = 0;

        served_open(&s, BATCH, source_path(names[i]));
        together = s.forward;
        alone = samples_apart(&s, 1);
        s.forward = samples_apart(&s, THREADS);
        assert_true(forward_memory(s.forward) > 2 * forward_memory(alone));
        for (size_t count = 1; count <= 8; count++) {
            for (unsigned threads = 1; threads <= THREADS; threads++)
                pooled += check(&s, count, threads);
        }
        assert_true(pooled);
        forward_free(alone);
        forward_free(s.forward);
        s.forward = together;
        served_close(&s);
    }
}

/* As if that way had taken next to nothing, and the other very long. */
static void force(struct forward *forward, unsigned way)
{
    for (unsigned pooled = 0; pooled < 2; pooled++) {
        for (unsigned c = 0; c < TRIAL_COUNTS; c++) {
            forward->trials[pooled][c].ns[way] = 1;
            forward->trials[pooled][c].ns[!way] = 1000000000;
        }
    }
}

/* How samples went. */
struct ways {
    unsigned apart, parted;
};

/* Parted as soon as the pool is awake, which more threads than there are processors are at times; a long pass wakes it.
 * Each pass gives the same. */
static void run_parted(struct served *s, size_t count, uint64_t ns, struct ways *ways)
{
    unsigned pooled = 0;

    for (unsigned tries = 0; !pooled && tries < 20; tries++) {
        force(s->forward, 1);
        s->forward->alone = 0; /* whatever the last ones took */
        run(s, count, ns, &pooled);
        assert_memory_equal(s->out, s->want, s->out_bytes);
    }
    ways->parted += pooled && s->forward->serving.abreast > 1;
}

/* Samples that go together, one after the other, and parted among threads. */
static void check_ways(struct served *s, size_t count, struct ways *ways)
{
    unsigned pooled = 0;

    forward_lend(s->forward, NULL);
    force(s->forward, 0);
    run(s, count, UINT64_MAX, &pooled);
    memcpy(s->want, s->out, s->out_bytes);
    force(s->forward, 1);
    run(s, count, UINT64_MAX, &pooled);
    assert_memory_equal(s->out, s->want, s->out_bytes);
    ways->apart += s->forward->serving.trial && s->forward->serving.apart;
    run(s, count, forward_estimate(s->forward, count) / CUTS + 1, &pooled);
    assert_memory_equal(s->out, s->want, s->out_bytes);
    assert_int_equal(pooled, 0);
    for (unsigned threads = 2; threads <= THREADS; threads++) {
        forward_lend(s->forward, pools[threads]);
        run_parted(s, count, UINT64_MAX, ways);
        run_parted(s, count, forward_estimate(s->forward, count) / CUTS + 1, ways);
    }
}

static void test_samples_parted(void **state)
{
    static const char *const names[] = { "models/fashion.safetensors", "models/digits.safetensors",
                                         "models/keywords.safetensors", "models/clothes.safetensors" };
    struct ways ways = { 0, 0 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        struct served s = { .model = NULL };

        served_open(&s, BATCH, source_path(names[i]));
        for (size_t count = 2; count <= BATCH; count += 1 + count / 6)
            check_ways(&s, count, &ways);
        served_close(&s);
    }
    assert_true(ways.apart && ways.parted);
}

/* Who waits for it has a processor where the pool leaves one: only there a short pass is shared. */
static void test_short_passes(void **state)
{
    static const uint64_t times[] = { 14999, 15000, 49999, 50000, 149999, 150000 };
    struct served s = { .model = NULL };

    (void)state;
    served_open(&s, BATCH, source_path("models/fashion.safetensors"));
    for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
        forward_lend(s.forward, NULL);
        assert_false(pooled_is_worth(s.forward, times[i]));
        forward_lend(s.forward, pools[2]);
        for (unsigned crowded = 0; crowded < 2; crowded++) {
            unsigned worth = 0;

            pool_crowd(pools[2], crowded);
            for (unsigned tries = 0; tries < 100; tries++)
                worth += pooled_is_worth(s.forward, times[i]);
            if (times[i] < (crowded ? 50000 : 15000))
                assert_int_equal(worth, 0);
            if (times[i] >= 150000)
                assert_int_equal(worth, 100);
        }
        pool_crowd(pools[2], false);
        assert_int_equal(pooled_from(s.forward), 15000);
    }
    served_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shipped_model), cmocka_unit_test(test_time_is_cut),
        cmocka_unit_test(test_perceptrons),         cmocka_unit_test(test_samples_abreast),
        cmocka_unit_test(test_samples_parted),      cmocka_unit_test(test_short_passes),
    };
    int failed;

    make_pools();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pools();
    return failed;
}
