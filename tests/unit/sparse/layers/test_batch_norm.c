/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm: a pass of training against one in double, and its gradients against differences of that; the running
 * statistics; what is served; a batch of one number a channel; the same bits for any table and any number of parts.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

enum { SCALE, SHIFT, MEAN, VARIANCE };
enum { CHANNELS = 5, FLOATS_MAX = CHANNELS * 6 * 37 };

static const double epsilon = 1e-3, momentum = 0.25;

struct trial {
    size_t positions, batch, count;                       /* count: floats of a channel */
    float x[FLOATS_MAX], g[FLOATS_MAX], sent[FLOATS_MAX]; /* sent: by a later layer already */
    float vectors[4][CHANNELS];
};

static void fill(struct trial *t, struct rng *rng, size_t positions, size_t batch)
{
    memset(t, 0, sizeof *t); /* too large for the stack */
    t->positions = positions;
    t->batch = batch;
    t->count = positions * batch;
    for (size_t i = 0; i < CHANNELS * t->count; i++) {
        const size_t channel = i / t->count;

        t->x[i] = 3 + (float)channel * rng_normal(rng);
        t->g[i] = rng_normal(rng);
        t->sent[i] = rng_normal(rng);
    }
    for (size_t c = 0; c < CHANNELS; c++) {
        t->vectors[SCALE][c] = rng_normal(rng);
        t->vectors[SHIFT][c] = rng_normal(rng);
        t->vectors[MEAN][c] = rng_normal(rng);
        t->vectors[VARIANCE][c] = 0.5f + rng_float(rng);
    }
}

/* What came of one pass. */
struct found {
    float y[FLOATS_MAX], dx[FLOATS_MAX], gradients[2][CHANNELS], vectors[4][CHANNELS];
};

static void run(const struct trial *t, const struct kernels *kernels, enum layer_mode mode, unsigned parts, bool add,
                struct found *out)
{
    struct layer layer = { .kind = layer_kind_find("batch_norm"),
                           .parameters = { epsilon, momentum },
                           .input_count = 1 };
    const struct shape shape = { 2, { CHANNELS, (uint32_t)t->positions } };
    const struct tensor in = {
        .data = (float *)(uintptr_t)t->x, .shape = shape, .elements = shape_elements(&shape), .batch = t->batch
    };
    const struct tensor y = { .data = out->y, .shape = shape, .elements = shape_elements(&shape), .batch = t->batch };
    const struct tensor *const ins[] = { &in };
    float *const gradients[LAYER_VECTORS_MAX] = { out->gradients[SCALE], out->gradients[SHIFT] };
    float *const in_gradients[] = { out->dx };
    const bool accumulate[] = { add };
    struct layer_plan plan;
    struct layer_needs needs = { 0 };
    struct reason why;
    struct layer_back back = { .run = { .layer = &layer, .kernels = kernels, .in = ins, .out = &y, .mode = mode },
                               .out_gradient = t->g,
                               .in_gradient = in_gradients,
                               .accumulate = accumulate,
                               .vector_gradient = gradients };

    memcpy(out->vectors, t->vectors, sizeof out->vectors);
    memcpy(out->dx, t->sent, sizeof out->dx);
    for (int v = 0; v < 4; v++)
        layer.vectors[v] = (struct vector){ out->vectors[v], CHANNELS, false };
    assert_ok(layer_plan(&layer, &shape, &plan, &why), why);
    assert_ok(layer.kind->prepare(&(struct layer_setup){ .layer = &layer,
                                                         .plan = &plan,
                                                         .inputs = &shape,
                                                         .mode = mode,
                                                         .batch = t->batch,
                                                         .accumulate = accumulate },
                                  &needs, &why),
              why);
    back.run.scratch = malloc(needs.scratch + 1);
    back.run.saved = malloc(needs.saved + 1);
    back.run.parts = parts;
    for (back.run.part = 0; back.run.part < parts; back.run.part++)
        layer.kind->forward(&back.run);
    for (back.run.part = 0; mode == LAYER_TRAIN && back.run.part < parts; back.run.part++)
        layer.kind->backward(&back);
    free(back.run.scratch);
    free(back.run.saved);
}

/* ---- in double ---- */

static void statistics(const double *x, size_t count, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < count; i++)
        *mean += x[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        *variance += (x[i] - *mean) * (x[i] - *mean) / (double)count;
}

/* The sum of g y of one channel. */
static double loss_of(const struct trial *t, size_t c, const double *x, double scale, double shift)
{
    double mean, variance, sum = 0;

    statistics(x, t->count, &mean, &variance);
    for (size_t i = 0; i < t->count; i++)
        sum += (double)t->g[c * t->count + i] * ((x[i] - mean) / sqrt(variance + epsilon) * scale + shift);
    return sum;
}

static void assert_near(double found, double wanted, double size)
{
    if (!(fabs(found - wanted) <= 2e-5 * (size + fabs(wanted)) + 1e-5))
        fail_msg("%.9g, and should be %.9g", found, wanted);
}

static void check_channel(const struct trial *t, size_t c, const struct found *f)
{
    const double scale = (double)t->vectors[SCALE][c], shift = (double)t->vectors[SHIFT][c], step = 1e-5;
    double x[FLOATS_MAX / CHANNELS] = { 0 }, mean, variance, size = 0;

    for (size_t i = 0; i < t->count; i++)
        x[i] = (double)t->x[c * t->count + i];
    statistics(x, t->count, &mean, &variance);
    for (size_t i = 0; i < t->count; i++)
        size += fabs((double)t->g[c * t->count + i] * scale / sqrt(variance + epsilon));
    for (size_t i = 0; i < t->count; i++) {
        const double kept = x[i];
        double difference;

        assert_near((double)f->y[c * t->count + i], (kept - mean) / sqrt(variance + epsilon) * scale + shift, 1);
        x[i] = kept + step;
        difference = loss_of(t, c, x, scale, shift);
        x[i] = kept - step;
        difference = (difference - loss_of(t, c, x, scale, shift)) / (2 * step);
        x[i] = kept;
        assert_near((double)f->dx[c * t->count + i], difference, size);
    }
    assert_near((double)f->gradients[SCALE][c],
                (loss_of(t, c, x, scale + step, shift) - loss_of(t, c, x, scale - step, shift)) / (2 * step), size);
    assert_near((double)f->gradients[SHIFT][c],
                (loss_of(t, c, x, scale, shift + step) - loss_of(t, c, x, scale, shift - step)) / (2 * step), size);
    assert_near((double)f->vectors[MEAN][c], (double)t->vectors[MEAN][c] * (1 - momentum) + mean * momentum, 1);
    assert_near((double)f->vectors[VARIANCE][c],
                (double)t->vectors[VARIANCE][c] * (1 - momentum) +
                    variance * (double)t->count / (double)(t->count - 1) * momentum,
                1);
}

/* ---- tests ---- */

static void test_training_against_double(void **state)
{
    static const size_t shapes[][2] = { { 1, 2 }, { 1, 16 }, { 6, 1 }, { 4, 7 }, { 6, 37 }, { 1, 33 } };
    static struct trial t;
    static struct found first, found;
    struct rng rng = rng_make(4, 1);

    (void)state;
    for (size_t i = 0; i < 3 * ARRAY_SIZE(shapes); i++) {
        const struct kernels *kernels;

        fill(&t, &rng, shapes[i % ARRAY_SIZE(shapes)][0], shapes[i % ARRAY_SIZE(shapes)][1]);
        memset(&first, 0, sizeof first);
        run(&t, kernels_find("scalar"), LAYER_TRAIN, 1, false, &first);
        for (size_t c = 0; c < CHANNELS; c++)
            check_channel(&t, c, &first);
        for (size_t k = 0; (kernels = kernels_at(k)); k++) {
            for (unsigned parts = 1; parts < 4; parts++) {
                memset(&found, 0, sizeof found);
                run(&t, kernels, LAYER_TRAIN, parts, false, &found);
                assert_memory_equal(&found, &first, sizeof first);
                run(&t, kernels, LAYER_TRAIN, parts, true, &found);
                for (size_t f = 0; f < CHANNELS * t.count; f++)
                    assert_true(found.dx[f] == t.sent[f] + first.dx[f]);
            }
        }
    }
}

/* A sample gets what it gets alone; nothing moves. */
static void test_serving_takes_the_running_statistics(void **state)
{
    static struct trial t, alone;
    static struct found all, one;
    struct rng rng = rng_make(4, 2);
    const struct kernels *kernels;

    (void)state;
    fill(&t, &rng, 6, 37);
    alone = t;
    alone.batch = 1;
    alone.count = t.positions;
    for (size_t e = 0; e < CHANNELS * t.positions; e++)
        alone.x[e] = t.x[e * t.batch + 30];
    for (size_t k = 0; (kernels = kernels_at(k)); k++) {
        run(&t, kernels, LAYER_EVALUATE, 2, false, &all);
        run(&alone, kernels, LAYER_SERVE, 1, false, &one);
        assert_memory_equal(all.vectors, t.vectors, sizeof t.vectors);
        for (size_t e = 0; e < CHANNELS * t.positions; e++) {
            const size_t c = e / t.positions;
            const double expected = ((double)alone.x[e] - (double)t.vectors[MEAN][c]) /
                                        sqrt((double)t.vectors[VARIANCE][c] + epsilon) * (double)t.vectors[SCALE][c] +
                                    (double)t.vectors[SHIFT][c];

            assert_memory_equal(&one.y[e], &all.y[e * t.batch + 30], sizeof(float));
            assert_near((double)one.y[e], expected, 1);
        }
    }
}

/* One number a channel has no variance: the running statistics are constants, and stay. */
static void test_one_number_a_channel(void **state)
{
    static struct trial t;
    static struct found trained, served;
    struct rng rng = rng_make(4, 3);

    (void)state;
    fill(&t, &rng, 1, 1);
    run(&t, kernels_find("auto"), LAYER_TRAIN, 1, false, &trained);
    run(&t, kernels_find("auto"), LAYER_SERVE, 1, false, &served);
    assert_memory_equal(trained.y, served.y, CHANNELS * sizeof(float));
    assert_memory_equal(trained.vectors, t.vectors, sizeof t.vectors);
    for (size_t c = 0; c < CHANNELS; c++) {
        const double inverse = 1 / sqrt((double)t.vectors[VARIANCE][c] + epsilon);

        assert_near((double)trained.dx[c], (double)t.g[c] * inverse * (double)t.vectors[SCALE][c], 1);
        assert_near((double)trained.gradients[SCALE][c],
                    (double)t.g[c] * inverse * ((double)t.x[c] - (double)t.vectors[MEAN][c]), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_against_double),
        cmocka_unit_test(test_serving_takes_the_running_statistics),
        cmocka_unit_test(test_one_number_a_channel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
