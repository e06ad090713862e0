/* SPDX-License-Identifier: Apache-2.0
 *
 * A model whose input comes sparse gives what it gives for the same samples in full: every value, every gradient, with
 * any number of threads and kernels. And who cannot take it so is refused.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/backward.h"
#include "unit/sparse/passes/set_layer.h"
#include "unit/sparse/passes/training.h"

enum { FEATURES = 700, BATCH = 37, SOME = 20, LAYERS = 6, CLASSES = 5, OTHERS = 31 * FEATURES };

/* Two layers read the input, and their sum goes on. */
static struct model *make_model(void)
{
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(LAYERS, &model), 0);
    snprintf(model->name, sizeof model->name, "sparse");
    snprintf(model->processing, sizeof model->processing, "test.sparse");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { FEATURES } });
    set_linear(&model->layers[0], "a", 0, 31, FEATURES, 0.1, 0);
    set_linear(&model->layers[1], "b", 0, 31, FEATURES, 0.05, 1);
    set_plain(&model->layers[2], "add", 1);
    model->layers[2].inputs[1] = 2;
    model->layers[2].input_count = 2;
    set_plain(&model->layers[3], "relu", 3);
    set_linear(&model->layers[4], "c", 4, CLASSES, 31, 0.5, 2);
    set_plain(&model->layers[5], "softmax", 5);
    assert_ok(model_check(model, &why), why);
    return model;
}

struct samples {
    float dense[FEATURES * SOME]; /* of the first */
    struct sparse_element elements[FEATURES * BATCH];
    struct sparse_vector vectors[BATCH];
};

static struct samples *make_samples(void)
{
    struct samples *made = calloc(1, sizeof *made);
    struct sparse_element *next = made->elements;
    struct rng rng = rng_make(5, 0);

    for (size_t b = 0; b < BATCH; b++) {
        made->vectors[b].elements = next;
        for (uint32_t c = 0; c < FEATURES; c++) {
            if (rng_below(&rng, 40) != 0)
                continue;
            *next = (struct sparse_element){ c, rng_normal(&rng) };
            if (b < SOME)
                made->dense[c * SOME + b] = next->value;
            next++;
            made->vectors[b].count++;
        }
    }
    return made;
}

static void run_sparse(struct forward *forward, struct backward *backward, const struct samples *samples, size_t now,
                       float *gradient)
{
    forward_run_sparse(forward, LAYER_TRAIN, samples->vectors, now);
    for (size_t i = 0; i < CLASSES * now; i++)
        backward_gradient(backward, LAYERS)[i] = (float)(i % 7) - 3;
    backward_run(backward, LAYERS, gradient);
}

static void run_full(struct forward *forward, struct backward *backward, const struct samples *samples, float *gradient)
{
    forward_run(forward, LAYER_TRAIN, samples->dense, SOME);
    for (size_t i = 0; i < CLASSES * SOME; i++)
        backward_gradient(backward, LAYERS)[i] = (float)(i % 7) - 3;
    backward_run(backward, LAYERS, gradient);
}

/* Of the connections that a layer has not, by place. */
static void note_gradients(void *argument, const struct csr *tile, const float *gradient)
{
    float *all = argument;

    for (uint32_t r = 0; r < tile->rows; r++) {
        for (uint64_t k = tile->starts[r]; k < tile->starts[r + 1]; k++)
            all[(size_t)r * tile->columns + csr_column(tile, k)] = gradient[k];
    }
}

/* Some samples both ways; returned are the answers and behind them the gradients, of the connections that the first two
 * layers have not as well. To be freed. */
static float *run(const struct samples *samples, bool sparse, const struct kernels *kernels, unsigned threads,
                  size_t *count)
{
    struct model *model = make_model();
    struct parameters parameters;
    struct forward *forward;
    struct backward *backward;
    struct pool *pool;
    struct reason why;
    float *all;

    assert_int_equal(pool_new(threads, &pool), 0);
    assert_ok(forward_new(&(struct forward_setup){ .model = model,
                                                   .kernels = kernels,
                                                   .mode = LAYER_TRAIN,
                                                   .batch = BATCH,
                                                   .pool = pool,
                                                   .sparse_input = sparse },
                          &forward, &why),
              why);
    assert_int_equal(parameters_map(model, &parameters), 0);
    assert_ok(backward_new(forward, &parameters, &backward, &why), why);
    *count = CLASSES * SOME + parameters.length + 2 * OTHERS;
    all = memory_zalloc(*count, sizeof *all);
    if (sparse) {
        /* What other samples have left is not there the second time. */
        run_sparse(forward, backward, samples, BATCH, all + CLASSES * SOME);
        run_sparse(forward, backward, samples, SOME, all + CLASSES * SOME);
    } else {
        run_full(forward, backward, samples, all + CLASSES * SOME);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_ok(backward_potential(backward, i, note_gradients, all + *count - (2 - i) * OTHERS, &why), why);
    memcpy(all, forward_value(forward, LAYERS), CLASSES * SOME * sizeof *all);
    backward_free(backward);
    parameters_deinit(&parameters);
    forward_free(forward);
    model_free(model);
    pool_free(pool);
    return all;
}

static void test_sparse_and_full_samples_give_the_same(void **state)
{
    struct samples *samples = make_samples();
    const struct kernels *kernels;
    size_t count;
    float *expected = run(samples, false, kernels_find("scalar"), 1, &count);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (unsigned threads = 1; threads <= 3; threads++) {
            float *got = run(samples, true, kernels, threads, &count);

            for (size_t i = 0; i < count; i++)
                assert_true(got[i] == expected[i]);
            free(got);
        }
    }
    free(expected);
    free(samples);
}

static void check_refused(const struct model *model, enum layer_mode mode)
{
    const struct forward_setup setup = {
        .model = model, .kernels = kernels_find("auto"), .mode = mode, .batch = 1, .sparse_input = true
    };
    struct forward *forward;
    struct reason why;

    assert_int_equal(forward_new(&setup, &forward, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "no sparse input"));
}

static void test_who_takes_it(void **state)
{
    struct model *model = make_model();

    (void)state;
    assert_true(forward_takes_sparse(model));
    check_refused(model, LAYER_SERVE);
    /* What reads the input beside may not. */
    set_plain(&model->layers[3], "relu", 0);
    assert_false(forward_takes_sparse(model));
    check_refused(model, LAYER_TRAIN);
    model_free(model);
}

/* The index by columns is there, and no room for samples in full. */
static void test_its_bytes_are_foretold(void **state)
{
    struct model *model = make_model();
    struct forward_setup setup = {
        .model = model, .kernels = kernels_find("scalar"), .mode = LAYER_TRAIN, .batch = BATCH
    };
    struct forward_bytes full, sparse;
    struct forward *forward;
    struct reason why;

    (void)state;
    assert_ok(forward_bytes(&setup, 1, &full, &why), why);
    setup.sparse_input = true;
    assert_ok(forward_bytes(&setup, 1, &sparse, &why), why);
    assert_int_equal(full.activations - sparse.activations, FEATURES * BATCH * sizeof(float));
    assert_int_equal(sparse.weights, csc_memory(&model->layers[0].weight) + csc_memory(&model->layers[1].weight));
    assert_ok(forward_new(&setup, &forward, &why), why);
    assert_true(forward_memory(forward) >= sparse.activations + sparse.workspace + sparse.weights);
    assert_true(forward_memory(forward) < sparse.activations + sparse.workspace + sparse.weights + 4096);
    forward_free(forward);
    /* Samples in full go by columns too, where they are many. */
    setup = (struct forward_setup){ .model = model, .mode = LAYER_TRAIN, .batch = WEIGHTS_INDEX_BATCH - 1 };
    assert_ok(forward_bytes(&setup, 1, &full, &why), why);
    setup.batch++;
    assert_ok(forward_bytes(&setup, 1, &sparse, &why), why);
    assert_int_equal(sparse.weights - full.weights, csc_memory(&model->layers[0].weight) +
                                                        csc_memory(&model->layers[1].weight) +
                                                        csc_memory(&model->layers[4].weight));
    model_free(model);
}

enum { WORDS = 40, TOKENS = 9, NEURONS = 6, TEXTS = 5 };

/* linear on counts of words; or an embedding of the words themselves, reduced over positions by `by`. */
static struct model *make_bag(bool looks_up, double by)
{
    struct shape input = { .rank = 1, .dimension = { looks_up ? TOKENS : WORDS } };
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(looks_up ? 2 : 1, &model), 0);
    snprintf(model->name, sizeof model->name, "bag");
    snprintf(model->processing, sizeof model->processing, "test.bag");
    model->signature = signature_of(input);
    set_linear(&model->layers[0], "bag", 0, NEURONS, WORDS, 0.4, 3);
    if (looks_up) {
        free(model->layers[0].vectors[0].data);
        model->layers[0].vectors[0] = (struct vector){ .data = NULL };
        model->layers[0].kind = layer_kind_find("embedding");
        model->layers[0].parameters[0] = NEURONS;
        model->layers[0].parameters[1] = WORDS;
        set_plain(&model->layers[1], "reduce", 1);
        model->layers[1].parameters[0] = by;
    } else {
        memset(model->layers[0].vectors[0].data, 0, NEURONS * sizeof(float));
    }
    assert_ok(model_check(model, &why), why);
    return model;
}

/* The weights' gradient of a loss whose own is i - 13; the answers into `out`. */
static void run_bag(struct training *training, const struct model *model, float out[NEURONS * TEXTS])
{
    const uint32_t last = model_value(model, model->layer_count - 1);

    memcpy(out, forward_value(training->forward, last), NEURONS * TEXTS * sizeof *out);
    for (int i = 0; i < NEURONS * TEXTS; i++)
        backward_gradient(training->backward, last)[i] = (float)(i - 13);
    backward_run(training->backward, last, training->gradient);
}

static size_t count_words(const float *tokens, size_t text, float share, struct sparse_element *out)
{
    size_t count = 0;

    for (uint32_t word = 0; word < WORDS; word++) {
        unsigned times = 0;

        for (size_t i = 0; i < TOKENS; i++)
            times += tokens[i * TEXTS + text] == (float)word;
        if (times)
            out[count++] = (struct sparse_element){ word, (float)times * share };
    }
    return count;
}

/* So there is no kind of its own for it. */
static void check_bag(double by, float share)
{
    struct model *bag = make_bag(true, by), *linear = make_bag(false, by);
    struct forward_setup setup = { .model = bag, .kernels = kernels_find("auto"), .batch = TEXTS };
    struct sparse_element elements[TEXTS][TOKENS];
    struct sparse_vector vectors[TEXTS];
    float tokens[TOKENS * TEXTS], looked_up[NEURONS * TEXTS], counted[NEURONS * TEXTS];
    struct rng rng = rng_make(8, 0);
    struct training a, b;

    for (size_t i = 0; i < TOKENS * TEXTS; i++)
        tokens[i] = (float)rng_below(&rng, WORDS / 2); /* some twice */
    for (size_t t = 0; t < TEXTS; t++)
        vectors[t] = (struct sparse_vector){ elements[t], (uint32_t)count_words(tokens, t, share, elements[t]) };
    training_make(&a, &setup);
    forward_run(a.forward, LAYER_TRAIN, tokens, TEXTS);
    run_bag(&a, bag, looked_up);
    setup.model = linear;
    setup.sparse_input = true;
    training_make(&b, &setup);
    forward_run_sparse(b.forward, LAYER_TRAIN, vectors, TEXTS);
    run_bag(&b, linear, counted);
    for (size_t i = 0; i < NEURONS * TEXTS; i++)
        assert_true(fabsf(looked_up[i] - counted[i]) < 1e-5f);
    for (uint64_t k = 0; k < bag->layers[0].weight.count; k++)
        assert_true(fabsf(parameters_weight(&a.parameters, a.gradient, 0)[k] -
                          parameters_weight(&b.parameters, b.gradient, 0)[k]) < 1e-4f);
    training_free(&a);
    training_free(&b);
    model_free(bag);
    model_free(linear);
}

static void test_a_linear_layer_on_counts_is_an_embedding_bag(void **state)
{
    (void)state;
    check_bag(1, 1);                 /* sum */
    check_bag(0, 1 / (float)TOKENS); /* mean */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_and_full_samples_give_the_same),
        cmocka_unit_test(test_who_takes_it),
        cmocka_unit_test(test_its_bytes_are_foretold),
        cmocka_unit_test(test_a_linear_layer_on_counts_is_an_embedding_bag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
