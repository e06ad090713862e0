/* SPDX-License-Identifier: Apache-2.0
 *
 * Fits, estimates and costs: on curves that are known, with noise, and against what is really built.
 */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/cost/cost.h"
#include "forge/cost/estimate.h"
#include "forge/cost/fit.h"
#include "forge/cost/suggestion.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/forward.h"

/* ---- fits ---- */

static void test_a_fit_finds_the_coefficients(void **state)
{
    static const double truth[4] = { 3, 0.5, 0, 1e-3 };
    struct fit_point points[40];
    struct rng rng = rng_make(1, 0);
    struct fit fit;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
        points[i].value = 0;
        for (size_t k = 0; k < 4; k++) {
            points[i].features[k] = exp(4 * (double)rng_normal(&rng)) * pow(1000, (double)k);
            points[i].value += truth[k] * points[i].features[k];
        }
    }
    assert_true(fit_make(points, ARRAY_SIZE(points), SIZE_MAX, 4, &fit));
    for (size_t k = 0; k < 4; k++)
        assert_true(fabs(fit.coefficients[k] - truth[k]) <= 1e-6 * (truth[k] + 1e-9));
    assert_true(fabs(fit_value(&fit, points[3].features) / points[3].value - 1) < 1e-6);
}

/* No work takes negative time, even where that would fit better. */
static void test_coefficients_are_not_negative(void **state)
{
    struct fit_point points[10];
    struct fit fit;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(points); i++)
        points[i] = (struct fit_point){ { (double)(i + 1), (double)((i + 1) * (i + 1)) },
                                        100.0 * (double)(i + 1) - 5.0 * (double)((i + 1) * (i + 1)) };
    assert_true(fit_make(points, ARRAY_SIZE(points), SIZE_MAX, 2, &fit));
    assert_true(fit.coefficients[0] > 0);
    assert_true(fit.coefficients[1] == 0);
}

static void test_a_point_held_back_has_no_say(void **state)
{
    struct fit_point points[5];
    struct fit fit;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(points); i++)
        points[i] = (struct fit_point){ { 1, (double)i }, 2 + 3.0 * (double)i };
    points[2].value = 1e6;
    assert_true(fit_make(points, 5, 2, 2, &fit));
    assert_true(fabs(fit.coefficients[0] - 2) < 1e-6 && fabs(fit.coefficients[1] - 3) < 1e-6);
    assert_false(fit_make(points, 2, 1, 2, &fit)); /* too few */
}

/* ---- estimates ---- */

static struct store_record run(struct rng *rng, double noise)
{
    struct store_record r = { .event = STORE_TRAINED, .machine = "this", .threads = 2, .batch = 128, .accuracy = -1 };

    r.layers = 2 + rng_below(rng, 4);
    r.neurons = 500 + rng_below(rng, 8000);
    r.connections = 5000 + rng_below(rng, 500000);
    r.samples = 1000 + rng_below(rng, 60000);
    r.arrays = 6 * r.connections + 12 * r.neurons;
    r.bytes = r.arrays + 300 * r.layers + 900;
    r.flops = 6 * (double)r.connections * (double)r.samples;
    r.seconds = r.flops / 20e9 + 1e-9 * (double)r.neurons * (double)r.samples + 2e-5 * (double)r.layers;
    r.seconds *= exp(noise * (double)rng_normal(rng));
    snprintf(r.hash, sizeof r.hash, "%08x", rng_u32(rng));
    return r;
}

static void test_where_an_estimate_comes_from(void **state)
{
    static struct store_record records[60];
    struct store_record wanted;
    struct history history = { records, 0 };
    struct rng rng = rng_make(2, 0);
    struct estimate estimate;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++)
        records[i] = run(&rng, 0.03);
    wanted = run(&rng, 0);
    assert_int_equal(estimate_make(ESTIMATE_EPOCH_SECONDS, &wanted, &history, &estimate), 0);
    assert_int_equal(estimate.from, ESTIMATE_COMPUTED);
    assert_true(estimate.value > 0 && estimate.runs == 0 && estimate.error_median < 0);

    history.count = ARRAY_SIZE(records);
    assert_int_equal(estimate_make(ESTIMATE_EPOCH_SECONDS, &wanted, &history, &estimate), 0);
    assert_int_equal(estimate.from, ESTIMATE_INTERPOLATED);
    assert_true(fabs(estimate.value / wanted.seconds - 1) < 0.1);
    assert_true(estimate.error_median > 0 && estimate.error_median < 0.06 && estimate.error_max < 0.3);

    wanted = records[17];
    assert_int_equal(estimate_make(ESTIMATE_EPOCH_SECONDS, &wanted, &history, &estimate), 0);
    assert_int_equal(estimate.from, ESTIMATE_MATCHED);
    assert_true(estimate.value == wanted.seconds && estimate.runs == 1);

    /* Seconds of another machine are not ours; nor are those of runs without any. */
    snprintf(wanted.machine, sizeof wanted.machine, "another");
    assert_int_equal(estimate_make(ESTIMATE_EPOCH_SECONDS, &wanted, &history, &estimate), 0);
    assert_int_equal(estimate.from, ESTIMATE_COMPUTED);
    wanted = records[17];
    for (size_t i = 0; i < ARRAY_SIZE(records); i++)
        records[i].seconds = 0;
    assert_int_equal(estimate_make(ESTIMATE_EPOCH_SECONDS, &wanted, &history, &estimate), 0);
    assert_int_equal(estimate.from, ESTIMATE_COMPUTED);
}

/* More, or less, of anything than in any run: it says so, and claims no error. */
static void test_an_extrapolation_says_so(void **state)
{
    static struct store_record records[60];
    struct store_record wanted[3];
    struct history history = { records, ARRAY_SIZE(records) };
    struct rng rng = rng_make(2, 0);
    struct estimate estimate;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++)
        records[i] = run(&rng, 0.03);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        wanted[i] = run(&rng, 0);
    wanted[0].layers = 20;
    wanted[1].flops *= 300;
    wanted[2].connections = 10;
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        assert_int_equal(estimate_make(ESTIMATE_EPOCH_SECONDS, &wanted[i], &history, &estimate), 0);
        assert_int_equal(estimate.from, ESTIMATE_EXTRAPOLATED);
        assert_string_equal(estimate_from_name(estimate.from), "extrapolated");
        assert_true(estimate.value > 0 && estimate.runs == 60 && estimate.error_median < 0);
    }
}

static void test_accuracy_along_the_curve(void **state)
{
    struct store_record records[4], wanted = { .event = STORE_TRAINED, .hash = "a" };
    const struct history history = { records, ARRAY_SIZE(records) };
    static const double densities[] = { 0.01, 0.1, 0.5, 0.1 }, accuracies[] = { 0.7, 0.9, 0.92, 0.88 };
    struct estimate estimate;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        records[i] = wanted;
        records[i].density = densities[i];
        records[i].connections = (uint64_t)(densities[i] * 1e6);
        records[i].accuracy = accuracies[i];
    }
    wanted.density = sqrt(0.01 * 0.1);
    wanted.connections = (uint64_t)(wanted.density * 1e6);
    assert_true(estimate_accuracy(&wanted, &history, &estimate));
    assert_true(fabs(estimate.value - 0.8) < 1e-9);
    wanted.density = 0.1;
    wanted.connections = 100000;
    assert_true(estimate_accuracy(&wanted, &history, &estimate));
    assert_int_equal(estimate.from, ESTIMATE_MATCHED);
    assert_true(estimate.value == 0.9);
    wanted.density = 0.1 * 1.0009995; /* as dense, but not the same network */
    wanted.connections = 101000;
    assert_true(estimate_accuracy(&wanted, &history, &estimate));
    assert_int_equal(estimate.from, ESTIMATE_INTERPOLATED);
    assert_true(estimate.value == 0.9);
    wanted.density = 0.001;
    wanted.connections = 1000;
    assert_true(estimate_accuracy(&wanted, &history, &estimate));
    assert_int_equal(estimate.from, ESTIMATE_EXTRAPOLATED);
    assert_true(estimate.value == 0.7 && estimate.error_median < 0);
    snprintf(wanted.hash, sizeof wanted.hash, "b");
    assert_false(estimate_accuracy(&wanted, &history, &estimate));
}

/* ---- the history ---- */

/* However long it is, the newest, in the order in which they were. */
static void test_the_newest_of_a_history(void **state)
{
    static const size_t counts[] = { 1, HISTORY_MAX, HISTORY_MAX + 1, 2 * HISTORY_MAX + 1, 5 * HISTORY_MAX - 7 };
    const char *folder = scratch_make(), *path = scratch_path(folder, "history.db");
    struct store_record record = { .event = STORE_BUILT, .hash = "a" };
    struct history history;
    struct store *store;
    struct reason why;
    size_t stored = 0;

    (void)state;
    assert_ok(store_open(path, true, &store, &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        assert_ok(store_begin(store, &why), why);
        for (; stored < counts[i]; stored++) {
            record.time = (int64_t)stored + 1;
            assert_ok(store_record(store, &record, &why), why);
        }
        assert_ok(store_commit(store, &why), why);
        assert_ok(history_read(path, STORE_BUILT, &history, &why), why);
        assert_int_equal(history.count, MIN(stored, (size_t)HISTORY_MAX));
        for (size_t k = 0; k < history.count; k++)
            assert_int_equal(history.records[k].time, stored - history.count + k + 1);
        history_deinit(&history);
    }
    store_close(store);
}

/* ---- costs ---- */

static void plan_of(const char *layers, double density, struct plan *out)
{
    struct structure structure;
    struct reason why;

    assert_ok(structure_parse_layers(layers, &structure, &why), why);
    snprintf(structure.processing, sizeof structure.processing, "raw");
    assert_ok(plan_solve(&structure, DENSITY_ER, density, out, &why), why);
}

static void test_the_file_is_as_long_as_computed(void **state)
{
    static const struct {
        const char *layers;
        double density;
    } cases[] = { { "784-300-100-10", 0.1 }, { "5-3", 1 }, { "70000-50-20", 0.01 }, { "784-1000-1000-10", 0.02 } };
    const char *folder = scratch_make(), *path = scratch_path(folder, "m.safetensors");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct assembly assembly = { .name = "model", .seed = 1 };
        const struct cost_setting setting = COST_SETTING;
        struct model *model;
        struct plan plan;
        struct reason why;
        struct cost cost;
        struct forward_setup setup;
        struct forward_bytes pass;
        struct stat file;

        plan_of(cases[i].layers, cases[i].density, &plan);
        assert_ok(cost_of_plan(&plan, &assembly, &setting, &cost, &why), why);
        assert_ok(assemble_model(&plan, &assembly, &model, NULL, &why), why);
        assert_ok(model_write(model, path, &why), why);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(cost.file_bytes, file.st_size);
        assert_true(cost.flops == 2 * (double)plan.connections);
        assert_true(cost.epoch_flops == 3 * cost.flops * (double)setting.samples);
        assert_true(cost.train_bytes > 18 * plan.connections);
        setup = (struct forward_setup){ .model = model, .mode = LAYER_SERVE, .batch = setting.serve_batch };
        assert_ok(forward_bytes(&setup, 1, &pass, &why), why);
        assert_true(cost.serve_bytes > 6 * plan.connections + pass.activations);
        model_free(model);
        plan_deinit(&plan);
    }
    scratch_remove(folder);
}

static void test_units(void **state)
{
    char text[32];

    (void)state;
    cost_text(999, "B", text, sizeof text);
    assert_string_equal(text, "999 B");
    cost_text(999.99, "B", text, sizeof text);
    assert_string_equal(text, "1 kB");
    cost_text(1.5e9, "B", text, sizeof text);
    assert_string_equal(text, "1.5 GB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_of_a_history),
        cmocka_unit_test(test_a_fit_finds_the_coefficients),
        cmocka_unit_test(test_coefficients_are_not_negative),
        cmocka_unit_test(test_a_point_held_back_has_no_say),
        cmocka_unit_test(test_where_an_estimate_comes_from),
        cmocka_unit_test(test_an_extrapolation_says_so),
        cmocka_unit_test(test_accuracy_along_the_curve),
        cmocka_unit_test(test_the_file_is_as_long_as_computed),
        cmocka_unit_test(test_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
