/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes over a model whose connections change, and the gradients of
 * connections that it has not. Their reference, for each kind, is the same
 * layer with all connections, of which those that it has not are 0: it computes
 * the same, and its gradients, which the kind's own test holds against finite
 * differences, are those of all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/regrow.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/layer.h"
#include "support/test.h"
#include "unit/sparse/passes/training.h"

struct kind_case {
    const char *kind;
    double parameters[LAYER_PARAMETERS_MAX];
    struct shape input;
    double density;
    size_t batch;
    uint32_t words; /* the input's numbers are whole, and less; 0: they are normal */
};

static const struct kind_case cases[] = {
    { "linear", { 14 }, { 1, { 30 } }, 0.1, 5, 0 },
    { "linear", { 14 }, { 1, { 30 } }, 0.6, 70, 0 },   /* with an index by columns */
    { "linear", { 380 }, { 1, { 390 } }, 0.46, 2, 0 }, /* more than a tile has */
    { "projection", { 9 }, { 2, { 12, 7 } }, 0.3, 6, 0 },
    { "conv2d", { 6, 3, 3, 1, 1 }, { 3, { 5, 8, 7 } }, 0.2, 4, 0 },
    { "conv2d", { 6, 1, 1, 1 }, { 3, { 5, 8, 7 } }, 0.4, 16, 0 },
    { "conv1d", { 6, 3 }, { 2, { 5, 11 } }, 0.3, 5, 0 },
    { "deconv2d", { 4, 2, 2, 2 }, { 3, { 6, 4, 5 } }, 0.3, 5, 0 },
    { "embedding", { [1] = 40, [0] = 8 }, { 1, { 6 } }, 0.3, 9, 40 },
    { "lstm", { 7 }, { 2, { 5, 6 } }, 0.3, 5, 0 },
    { "gru", { 7 }, { 2, { 5, 6 } }, 0.3, 5, 0 },
};

/* A layer alone; as densely connected as the case says, or all. */
static struct model *make_model(const struct kind_case *c, double density)
{
    struct layer_plan plan;
    struct model *model;
    struct layer *layer;
    struct reason why;
    uint64_t columns;

    assert_int_equal(model_new(1, &model), 0);
    strcpy(model->name, "one");
    strcpy(model->processing, "raw");
    model->signature = signature_of(c->input);
    layer = &model->layers[0];
    layer->kind = layer_kind_find(c->kind);
    strcpy(layer->name, "it");
    layer->input_count = 1;
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = c->parameters[i] != 0 ? c->parameters[i] : layer->kind->parameters[i].default_value;
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX; i++) {
        if (layer->kind->default_of[i] && c->parameters[i] == 0)
            layer->parameters[i] = layer->parameters[layer->kind->default_of[i] - 1];
    }
    assert_ok(layer->kind->plan(layer->parameters, &c->input, 1, &plan, &why), why);
    columns = plan.inputs * plan.kernel_height * plan.kernel_width;
    assert_ok(sample_connections((uint32_t)plan.outputs, (uint32_t)columns,
                                 (uint64_t)(density * (double)(plan.outputs * columns)), 5, 1, &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 1, 5, 1);
    if (plan.vectors[0]) {
        layer->vectors[0] = (struct vector){ memory_zalloc(plan.vectors[0], sizeof(float)), plan.vectors[0], true };
        for (uint64_t i = 0; i < plan.vectors[0]; i++)
            layer->vectors[0].data[i] = 0.01f * (float)i;
    }
    assert_ok(model_check(model, &why), why);
    return model;
}

/* All connections; those that `sparse` has are as there. */
static struct model *fill_up(const struct kind_case *c, const struct model *sparse)
{
    struct model *full = make_model(c, 1);
    const struct csr *w = &sparse->layers[0].weight, *all = &full->layers[0].weight;

    memset(all->values, 0, all->count * sizeof *all->values);
    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
            all->values[(uint64_t)r * w->columns + csr_column(w, k)] = w->values[k];
    }
    return full;
}

static float *draw(size_t count, uint64_t stream, uint32_t words)
{
    struct rng rng = rng_make(3, stream);
    float *drawn = memory_alloc(count, sizeof *drawn);

    assert_non_null(drawn);
    for (size_t i = 0; i < count; i++)
        drawn[i] = words ? (float)rng_below(&rng, words) : rng_normal(&rng);
    return drawn;
}

/* Forward and back, of a loss whose gradient is drawn. */
static void train(struct training *training, const struct model *model, const struct kind_case *c, const float *input)
{
    const size_t count = shape_elements(model_output(model)) * c->batch;
    float *sent = draw(count, 2, 0);

    forward_run(training->forward, LAYER_TRAIN, input, c->batch);
    memcpy(backward_gradient(training->backward, 1), sent, count * sizeof *sent);
    backward_run(training->backward, 1, training->gradient);
    free(sent);
}

/* What was seen: by place its gradient, and how often. */
struct seen {
    float *gradient;
    unsigned *times, tiles;
    uint64_t count_max;
};

static void see(void *argument, const struct csr *tile, const float *gradient)
{
    struct seen *seen = argument;
    struct reason why;

    assert_ok(csr_check(tile, &why), why);
    assert_true(tile->count <= seen->count_max);
    seen->tiles++;
    for (uint32_t r = 0; r < tile->rows; r++) {
        for (uint64_t k = tile->starts[r]; k < tile->starts[r + 1]; k++) {
            const size_t place = (size_t)r * tile->columns + csr_column(tile, k);

            seen->gradient[place] = gradient[k];
            seen->times[place]++;
        }
    }
}

static void compare(const struct kind_case *c, const struct seen *seen, const struct csr *w, const float *full)
{
    uint64_t next = 0;

    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint32_t column = 0; column < w->columns; column++) {
            const size_t place = (size_t)r * w->columns + column;
            const bool has = next < w->starts[r + 1] && csr_column(w, next) == column;

            next += has;
            assert_int_equal(seen->times[place], !has);
            if (!has && seen->gradient[place] != full[place])
                fail_msg("%s, row %u, column %u: %.9g, not %.9g", c->kind, r, column, (double)seen->gradient[place],
                         (double)full[place]);
        }
    }
}

static void check_kind(const struct kind_case *c, unsigned threads)
{
    struct model *model = make_model(c, c->density), *full = fill_up(c, model);
    const struct csr *w = &model->layers[0].weight;
    const uint64_t potential = (uint64_t)w->rows * w->columns;
    struct seen seen = { calloc(potential, sizeof(float)), calloc(potential, sizeof(unsigned)), 0,
                         MIN(w->count, (uint64_t)BACKWARD_TILE) };
    float *input = draw(shape_elements(&c->input) * c->batch, 1, c->words), *own;
    struct training sparse, dense;
    struct reason why;
    struct pool *pool;

    assert_int_equal(pool_new(threads, &pool), 0);
    training_make(&sparse, &(struct forward_setup){
                               .model = model, .kernels = kernels_find("auto"), .batch = c->batch, .pool = pool });
    training_make(&dense, &(struct forward_setup){
                              .model = full, .kernels = kernels_find("auto"), .batch = c->batch, .pool = pool });
    train(&sparse, model, c, input);
    train(&dense, full, c, input);
    own = memory_alloc(sparse.parameters.length, sizeof *own);
    memcpy(own, sparse.gradient, sparse.parameters.length * sizeof *own);
    assert_ok(backward_potential(sparse.backward, 0, see, &seen, &why), why);
    assert_int_equal(seen.tiles, (potential - w->count + seen.count_max - 1) / seen.count_max);
    compare(c, &seen, w, dense.gradient);
    assert_memory_equal(own, sparse.gradient, sparse.parameters.length * sizeof *own); /* left as it was */
    training_free(&sparse);
    training_free(&dense);
    pool_free(pool);
    free(seen.gradient);
    free(seen.times);
    free(input);
    free(own);
    model_free(model);
    model_free(full);
}

static void test_gradients_are_those_of_the_full_layer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_kind(&cases[i], 1);
        check_kind(&cases[i], 3);
    }
}

/* A third of its connections are others. */
static void exchange(struct csr *w)
{
    const uint64_t count = MIN(w->count / 3, regrow_room(w));
    uint64_t *weakest = calloc(count, sizeof *weakest), *places = calloc(count, sizeof *places);
    uint64_t *from = calloc(w->count, sizeof *from);

    assert_int_equal(regrow_weakest(w, count, weakest), 0);
    assert_int_equal(regrow_random(w, count, 7, 7, places), 0);
    assert_int_equal(regrow_change(w, &(struct regrow_change){ weakest, places, count }, from), 0);
    free(weakest);
    free(places);
    free(from);
}

/* What was prepared of the old connections is gone: the plan computes what a
 * new one does, in as much memory. */
static void check_reconnected(const struct kind_case *c)
{
    struct model *model = make_model(c, c->density);
    const struct forward_setup setup = { .model = model, .kernels = kernels_find("auto"), .batch = c->batch };
    float *input = draw(shape_elements(&c->input) * c->batch, 1, c->words);
    const size_t count = shape_elements(model_output(model)) * c->batch;
    struct training old, new;
    struct reason why;

    training_make(&old, &setup);
    train(&old, model, c, input);
    exchange(&model->layers[0].weight);
    assert_ok(forward_reconnect(old.forward, &why), why);
    training_make(&new, &setup);
    train(&old, model, c, input);
    train(&new, model, c, input);
    assert_memory_equal(forward_value(old.forward, 1), forward_value(new.forward, 1), count * sizeof(float));
    assert_memory_equal(old.gradient, new.gradient, new.parameters.length * sizeof *new.gradient);
    assert_int_equal(forward_memory(old.forward), forward_memory(new.forward));
    training_free(&old);
    training_free(&new);
    free(input);
    model_free(model);
}

/* ---- passes on one pass's weights ---- */

enum { PARTS = 3 };

struct side_by_side {
    const struct kind_case *c;
    const struct model *model;
    float *input;
    struct training training[PARTS];
};

static void train_part(void *argument, unsigned part, unsigned parts)
{
    struct side_by_side *s = argument;

    (void)parts;
    train(&s->training[part], s->model, s->c, s->input);
}

/* All at the same time, each on a thread alone, though the first has the pool; before and after connections have
 * changed. */
static void check_side_by_side(const struct kind_case *c)
{
    struct model *model = make_model(c, c->density);
    struct side_by_side s = { c, model, draw(shape_elements(&c->input) * c->batch, 1, c->words),
                              .training = { { .forward = NULL } } };
    struct forward_setup setup = { .model = model, .kernels = kernels_find("auto"), .batch = c->batch };
    struct training expected;
    struct reason why;

    assert_int_equal(pool_new(PARTS, &setup.pool), 0);
    for (unsigned part = 0; part < PARTS; part++) {
        training_make(&s.training[part], &setup);
        setup.weights_of = s.training[0].forward;
    }
    setup.weights_of = NULL;
    for (unsigned turn = 0; turn < 2; turn++) {
        training_make(&expected, &setup);
        train(&expected, model, c, s.input);
        for (unsigned part = 0; part < PARTS; part++)
            forward_lend(s.training[part].forward, NULL);
        pool_run(setup.pool, train_part, &s);
        forward_lend(s.training[0].forward, setup.pool);
        for (unsigned part = 0; part < PARTS; part++)
            assert_memory_equal(s.training[part].gradient, expected.gradient,
                                expected.parameters.length * sizeof *expected.gradient);
        train_part(&s, 0, 1);
        assert_memory_equal(s.training[0].gradient, expected.gradient,
                            expected.parameters.length * sizeof *expected.gradient);
        assert_int_equal(forward_memory(s.training[0].forward), forward_memory(expected.forward));
        assert_int_equal(forward_memory(s.training[1].forward) + weights_memory(forward_weights(expected.forward, 0)),
                         forward_memory(expected.forward));
        training_free(&expected);
        exchange(&model->layers[0].weight);
        assert_ok(forward_reconnect(s.training[0].forward, &why), why);
    }
    for (unsigned part = PARTS; part-- > 0;)
        training_free(&s.training[part]);
    pool_free(setup.pool);
    free(s.input);
    model_free(model);
}

static void test_passes_run_side_by_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_side_by_side(&cases[i]);
}

static void test_a_reconnected_pass_is_a_new_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_reconnected(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reconnected_pass_is_a_new_one),
        cmocka_unit_test(test_passes_run_side_by_side),
        cmocka_unit_test(test_gradients_are_those_of_the_full_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
