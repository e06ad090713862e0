/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that are exchanged while a network is trained: what moves with them, where they come, and that the run
 * stays one that can be repeated.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/train/topology/regrow_model.h"
#include "forge/train/topology/regrowth.h"
#include "sparse/graph/connections.h"
#include "support/test.h"
#include "trainer_fixture.h"

#define LAYERS "64-48-32-4"

/* A network between its passes, as a trainer has it, with arrays whose numbers are known. */
struct bench {
    struct fixture f;
    struct parameters parameters;
    struct forward *forward;
    struct backward *backward;
    float *input, *gradient, *numbers;
    uint64_t *before, *after; /* places */
};

enum { BATCH = 16 };

static void bench_make(struct bench *b)
{
    struct rng rng = rng_make(6, 6);
    struct reason why;

    make_quadrants(&b->f, 8);
    make_model(&b->f, LAYERS, 0.2, 2);
    assert_int_equal(parameters_map(b->f.model, &b->parameters), 0);
    assert_int_equal(model_gather_parameters(b->f.model, &b->parameters), 0);
    b->gradient = parameters_array(&b->parameters);
    b->numbers = parameters_array(&b->parameters);
    b->before = connections_array(&b->parameters);
    b->after = connections_array(&b->parameters);
    for (uint64_t i = 0; i < b->parameters.length; i++)
        b->numbers[i] = (float)(i + 1);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = b->f.model, .kernels = kernels_find("auto"), .mode = LAYER_TRAIN, .batch = BATCH },
                  &b->forward, &why),
              why);
    assert_ok(backward_new(b->forward, &b->parameters, &b->backward, &why), why);
    b->input = malloc(sizeof(float) * 64 * BATCH); /* which the passes borrow */
    for (size_t i = 0; i < (size_t)64 * BATCH; i++)
        b->input[i] = rng_normal(&rng);
    forward_run(b->forward, LAYER_TRAIN, b->input, BATCH);
    for (size_t i = 0; i < 4 * BATCH; i++)
        backward_gradient(b->backward, b->f.model->layer_count)[i] = rng_normal(&rng);
    backward_run(b->backward, b->f.model->layer_count, b->gradient);
    connections_save(b->f.model, &b->parameters, b->before);
}

static void bench_free(struct bench *b)
{
    backward_free(b->backward);
    forward_free(b->forward);
    parameters_deinit(&b->parameters);
    free(b->input);
    free(b->gradient);
    free(b->numbers);
    free(b->before);
    free(b->after);
    drop(&b->f);
}

static void bench_regrow(struct bench *b, bool by_gradient, double fraction)
{
    const struct regrow_model regrow = { .model = b->f.model,
                                         .parameters = &b->parameters,
                                         .forward = b->forward,
                                         .backward = by_gradient ? b->backward : NULL,
                                         .arrays = { b->f.model->parameters, b->numbers },
                                         .array_count = 2,
                                         .fraction = fraction,
                                         .seed = 3,
                                         .stream = 1000 };
    struct reason why;

    assert_ok(regrow_model(&regrow, &why), why);
    connections_save(b->f.model, &b->parameters, b->after);
}

/* The number of a place among `count`, or -1. */
static int64_t find(const uint64_t *places, uint64_t count, uint64_t place)
{
    for (uint64_t k = 0; k < count; k++) {
        if (places[k] == place)
            return (int64_t)k;
    }
    return -1;
}

/* Each has what it had, and what is new 0; so many are new; a bias stays where it is. */
static void check_run(const struct bench *b, const struct parameter_run *run, double fraction)
{
    const struct csr *w = &b->f.model->layers[run->layer].weight;
    const uint64_t room = (uint64_t)w->rows * w->columns - w->count;
    uint64_t fresh = 0;
    struct reason why;

    if (!run->connections) {
        for (uint64_t k = run->begin; k < run->begin + run->count; k++)
            assert_true(b->numbers[k] == (float)(k + 1));
        return;
    }
    assert_ok(csr_check(w, &why), why);
    assert_int_equal(w->count, run->count);
    for (uint64_t k = 0; k < run->count; k++) {
        const int64_t was = find(b->before + run->begin, run->count, b->after[run->begin + k]);

        fresh += was < 0;
        assert_true(b->numbers[run->begin + k] == (was < 0 ? 0 : (float)(run->begin + (uint64_t)was + 1)));
        assert_true(was >= 0 || w->values[k] == 0);
    }
    assert_int_equal(fresh, MIN((uint64_t)(fraction * (double)run->count), room));
}

static void test_what_there_is_of_a_connection_moves_with_it(void **state)
{
    static const double fractions[] = { 0.3, 1, 1e-9 };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(fractions); i++) {
        struct bench b;

        bench_make(&b);
        bench_regrow(&b, i % 2, fractions[i / 2]);
        for (uint32_t r = 0; r < b.parameters.run_count; r++)
            check_run(&b, &b.parameters.runs[r], fractions[i / 2]);
        bench_free(&b);
    }
}

/* The gradients of all that a layer had not, by place. */
static void note_tile(void *argument, const struct csr *tile, const float *gradient)
{
    float *all = argument;

    for (uint32_t r = 0; r < tile->rows; r++) {
        for (uint64_t k = tile->starts[r]; k < tile->starts[r + 1]; k++)
            all[(size_t)r * tile->columns + csr_column(tile, k)] = fabsf(gradient[k]);
    }
}

static void test_rigl_grows_where_the_gradient_is_largest(void **state)
{
    float *all[8];
    struct reason why;
    struct bench b;

    (void)state;
    bench_make(&b);
    for (uint32_t i = 0; i < b.f.model->layer_count; i++) {
        const struct csr *w = &b.f.model->layers[i].weight;

        all[i] = calloc((size_t)w->rows * w->columns + 1, sizeof *all[i]);
        if (w->starts)
            assert_ok(backward_potential(b.backward, i, note_tile, all[i], &why), why);
    }
    bench_regrow(&b, true, 0.25);
    for (uint32_t i = 0; i < b.parameters.run_count; i++) {
        const struct parameter_run *run = &b.parameters.runs[i];
        const struct csr *w = &b.f.model->layers[run->layer].weight;
        const uint64_t *before = b.before + run->begin, *after = b.after + run->begin;
        float least = INFINITY, most = 0;

        for (uint64_t p = 0; run->connections && p < (uint64_t)w->rows * w->columns; p++) {
            if (find(before, run->count, p) >= 0)
                continue;
            if (find(after, run->count, p) >= 0)
                least = fminf(least, all[run->layer][p]);
            else
                most = fmaxf(most, all[run->layer][p]);
        }
        assert_true(least >= most);
    }
    for (uint32_t i = 0; i < b.f.model->layer_count; i++)
        free(all[i]);
    bench_free(&b);
}

static void test_when_it_is_due(void **state)
{
    struct regrowth r;
    struct reason why;

    (void)state;
    assert_ok(regrowth_parse("set", &r, &why), why);
    for (uint64_t step = 0; step <= 40; step++)
        assert_int_equal(regrowth_is_due(&r, step, 40, 10), step == 10 || step == 20 || step == 30);
    assert_ok(regrowth_parse("rigl,every=4,until=0.5,fraction=0.1", &r, &why), why);
    assert_true(r.fraction == 0.1);
    for (uint64_t step = 0; step <= 40; step++)
        assert_int_equal(regrowth_is_due(&r, step, 40, 10), step && step % 4 == 0 && step < 20);
    assert_true(regrowth_done(&r, 10, 40) == 0.5);
    assert_false(regrowth_is_due(&(struct regrowth){ .method = NULL }, 10, 40, 10));
}

static void test_what_is_no_method_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",         "grow",         "rigl,",        "set,every=0",    "set,every=1.5",
        "rigl,0.3", "rigl,until=0", "rigl,until=2", "set,fraction=0", "set fraction=1"
    };
    struct regrowth r;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(regrowth_parse(wrong[i], &r, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "give set or rigl"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_there_is_of_a_connection_moves_with_it),
        cmocka_unit_test(test_rigl_grows_where_the_gradient_is_largest),
        cmocka_unit_test(test_when_it_is_due),
        cmocka_unit_test(test_what_is_no_method_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
