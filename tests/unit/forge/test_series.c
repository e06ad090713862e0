/* SPDX-License-Identifier: Apache-2.0
 *
 * The curves of `wisp structure show --curves`: that they are what a plan of that density is told.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/cost/estimate.h"
#include "forge/cost/series.h"
#include "support/test.h"

enum { RUNS = 12 };

static struct store_record records[RUNS];
static struct history history = { records, RUNS };

static void plan_of(const char *layers, double density, struct plan *out)
{
    struct structure structure;
    struct reason why;

    assert_ok(structure_parse_layers(layers, &structure, &why), why);
    snprintf(structure.processing, sizeof structure.processing, "raw");
    assert_ok(plan_solve(&structure, DENSITY_ER, density, out, &why), why);
}

static void describe(const struct plan *plan, enum store_event event, struct store_record *out)
{
    const struct cost_setting setting = { .samples = 5000, .batch = 64, .threads = 1, .serve_batch = 32 };
    struct cost cost;
    struct reason why;

    assert_ok(cost_of_plan(plan, NULL, &setting, &cost, &why), why);
    history_describe_plan(plan, &cost, &setting, event, out);
}

/* Runs of one network at densities from 0.02 to 0.9, of a time that its work explains. */
static void make_history(enum store_event event)
{
    for (size_t i = 0; i < RUNS; i++) {
        struct plan plan;

        plan_of("200-100-10", 0.02 * pow(45, (double)i / (RUNS - 1)), &plan);
        describe(&plan, event, &records[i]);
        records[i].seconds = 1e-3 + 2e-6 * (double)records[i].connections;
        records[i].accuracy = event == STORE_TRAINED ? 0.5 + 0.03 * (double)i : -1;
        plan_deinit(&plan);
    }
}

/* Each point is the estimate of a plan with its density. */
static void a_curve_is_what_plans_are_told(void **state)
{
    static const enum store_event events[] = { STORE_BUILT, STORE_TRAINED };
    static struct series series;
    struct plan plan;

    (void)state;
    for (size_t e = 0; e < ARRAY_SIZE(events); e++) {
        make_history(events[e]);
        plan_of("200-100-10", 0.5, &plan);
        assert_int_equal(series_of_structure(&plan.structure, &history, &series), 0);
        plan_deinit(&plan);
        assert_int_equal(series.count, SERIES_POINTS);
        for (size_t i = 0; i < series.count; i += 16) {
            const struct curve_run *point = &series.points[i];
            struct store_record wanted;
            struct estimate estimate;

            plan_of("200-100-10", point->density, &plan);
            describe(&plan, events[e], &wanted);
            plan_deinit(&plan);
            assert_true((double)wanted.connections == point->connections);
            assert_true(point->bytes == (e ? 0 : (double)wanted.bytes));
            assert_int_equal(
                estimate_make(e ? ESTIMATE_EPOCH_SECONDS : ESTIMATE_BUILD_SECONDS, &wanted, &history, &estimate), 0);
            if (estimate.from != ESTIMATE_MATCHED)
                assert_true(estimate.value == point->seconds);
            assert_true(estimate.from == ESTIMATE_MATCHED ||
                        point->seconds_guessed == (estimate.from != ESTIMATE_INTERPOLATED));
            if (e && estimate_accuracy(&wanted, &history, &estimate))
                assert_true(estimate.value == point->accuracy);
            assert_true(i == 0 || point->connections > series.points[i - 16].connections);
        }
        assert_true(series.points[0].seconds_guessed && !series.points[64].seconds_guessed);
    }
}

static void runs_alone_make_a_curve_between_them(void **state)
{
    static struct series series;

    (void)state;
    make_history(STORE_TRAINED);
    assert_int_equal(series_of_runs(records[0].hash, &history, &series), 0);
    assert_int_equal(series.count, SERIES_POINTS);
    assert_true(series.points[0].connections == (double)records[0].connections);
    assert_true(series.points[SERIES_POINTS - 1].connections == (double)records[RUNS - 1].connections);
    for (size_t i = 0; i < series.count; i++)
        assert_true(!series.points[i].seconds_guessed && !series.points[i].accuracy_guessed);
    assert_true(fabs(series.points[0].seconds / records[0].seconds - 1) < 0.05);
}

static void where_there_is_nothing_there_is_no_curve(void **state)
{
    static struct series series;
    struct plan plan;

    (void)state;
    make_history(STORE_BUILT);
    plan_of("200-90-10", 0.5, &plan);
    assert_int_equal(series_of_structure(&plan.structure, &history, &series), 0);
    assert_int_equal(series.count, 0);
    plan_deinit(&plan);
    assert_int_equal(series_of_runs("none", &history, &series), 0);
    assert_int_equal(series.count, 0);
    history.count = 1; /* one run has no other end */
    assert_int_equal(series_of_runs(records[0].hash, &history, &series), 0);
    assert_int_equal(series.count, 0);
    history.count = RUNS;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_is_what_plans_are_told),
        cmocka_unit_test(runs_alone_make_a_curve_between_them),
        cmocka_unit_test(where_there_is_nothing_there_is_no_curve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
