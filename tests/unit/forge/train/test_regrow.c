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
#include "forge/experiment/split.h"
#include "forge/train/evaluate.h"
#include "forge/train/topology/regrow_model.h"
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
    float *all[8] = { NULL };
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

static struct recipe recipe_of(const char *method, const char *optimizer)
{
    struct recipe recipe = { .optimizer = optimizer_find(optimizer),
                             .epochs = 3,
                             .batch = 48,
                             .seed = 9,
                             .rate = 0.03,
                             .momentum = 0.9,
                             .decay = 1e-3,
                             .average = { AVERAGE_EMA, 0.9 },
                             .validation = 0.2 };
    struct reason why;

    assert_ok(regrowth_parse(method, &recipe.regrowth, &why), why);
    return recipe;
}

static uint64_t hash_connections(const struct model *model)
{
    uint64_t hash = 1469598103934665603u;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct csr *w = &model->layers[i].weight;

        for (uint32_t r = 0; r < w->rows; r++) {
            for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
                hash = (hash ^ ((uint64_t)r * w->columns + csr_column(w, k))) * 1099511628211u;
        }
    }
    return hash;
}

static void test_bits_depend_on_neither_threads_nor_kernels(void **state)
{
    static const char *const methods[] = { "set", "rigl,every=3,until=1" };
    const struct kernels *kernels;

    (void)state;
    for (size_t m = 0; m < 2 * ARRAY_SIZE(methods); m++) {
        const struct recipe recipe = recipe_of(methods[m / 2], m % 2 ? "adamw" : "sgd");
        uint64_t weights = 0, connections = 0;

        for (size_t k = 0; (kernels = kernels_at(k)); k++) {
            for (unsigned threads = 1; threads <= 3; threads += 2) {
                struct trainer_result result;
                struct fixture f;

                make_quadrants(&f, 500);
                make_model(&f, LAYERS, 0.2, 2);
                train(&f, &recipe, kernels, threads, &result);
                weights = weights ? weights : hash_weights(f.model);
                connections = connections ? connections : hash_connections(f.model);
                if (hash_weights(f.model) != weights || hash_connections(f.model) != connections)
                    fail_msg("%s: %s with %u threads gives other bits", methods[m / 2], kernels->name, threads);
                drop(&f);
            }
        }
    }
}

/* The accuracy and loss on what was held back, of the model as it is now. */
static void measure(struct fixture *f, const struct recipe *recipe, double *accuracy, double *mean)
{
    struct evaluation evaluation;
    struct batches *batches;
    struct forward *forward;
    struct loss_batch loss;
    struct reason why;
    struct split split;

    assert_int_equal(split_make(f->data.count, recipe->validation, recipe->seed, &split), 0);
    assert_ok(batches_new(&f->data, f->media, NULL, true, &batches, &why), why);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = f->model, .kernels = kernels_find("auto"), .mode = LAYER_EVALUATE, .batch = 64 },
                  &forward, &why),
              why);
    assert_int_equal(loss_batch_init(&loss, loss_at(0), model_output(f->model), 64), 0);
    assert_ok(evaluate(&(struct evaluator){ .forward = forward, .model = f->model, .batches = batches, .loss = &loss },
                       split.samples + split.train_count, split.validation_count, &evaluation, &why),
              why);
    *accuracy = evaluation_accuracy(&evaluation);
    *mean = loss_mean(&evaluation.tally);
    evaluation_deinit(&evaluation);
    loss_batch_deinit(&loss);
    forward_free(forward);
    batches_free(batches);
    split_deinit(&split);
}

/* Its weights are worth nothing on other connections. The rate is so high that a later epoch is no better one. */
static void test_the_best_epoch_has_its_own_connections(void **state)
{
    struct recipe recipe = recipe_of("rigl,every=2,until=1", "sgd");
    struct trainer_result result;
    double accuracy, mean;
    struct fixture f;

    (void)state;
    recipe.epochs = 8;
    recipe.rate = 0.15;
    make_quadrants(&f, 300);
    make_model(&f, LAYERS, 0.2, 2);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    assert_true(result.best_epoch < 8);
    measure(&f, &recipe, &accuracy, &mean);
    assert_true(accuracy == result.validation_accuracy);
    assert_true(fabs(mean - result.validation_loss) < 1e-9);
    drop(&f);
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
        cmocka_unit_test(test_bits_depend_on_neither_threads_nor_kernels),
        cmocka_unit_test(test_the_best_epoch_has_its_own_connections),
        cmocka_unit_test(test_when_it_is_due),
        cmocka_unit_test(test_what_is_no_method_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
