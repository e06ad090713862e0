/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of which few elements are not 0 are served by these alone, with the bits of the whole product: alone and
 * together, in slices, beside full ones, with sums that end at -0 and inputs that are no numbers. And what a pass is
 * reckoned to take is that of full ones.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/passes/forward_plan.h"
#include "unit/sparse/passes/served.h"
#include "unit/sparse/passes/set_layer.h"

enum { FEATURES = 8203, NEURONS = 130, CLASSES = 7, BATCH = SERVED_BATCH_MAX, FEW = 40 };

/* Two layers read the input, and their sum goes on; of the second one each third bias is -0. */
static struct model *make_model(uint32_t features)
{
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(5, &model), 0);
    snprintf(model->name, sizeof model->name, "bags");
    snprintf(model->processing, sizeof model->processing, "test.bags");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { features } });
    set_linear(&model->layers[0], "a", 0, NEURONS, features, 0.1, 0);
    set_linear(&model->layers[1], "b", 0, NEURONS, features, 0.02, 1);
    set_plain(&model->layers[2], "add", 1);
    model->layers[2].inputs[1] = 2;
    model->layers[2].input_count = 2;
    set_plain(&model->layers[3], "relu", 3);
    set_linear(&model->layers[4], "c", 4, CLASSES, NEURONS, 0.5, 2);
    for (uint32_t i = 0; i < NEURONS; i += 3)
        model->layers[0].vectors[0].data[i] = model->layers[1].vectors[0].data[i] = -0.0f;
    assert_ok(model_check(model, &why), why);
    return model;
}

static float *sample(struct served *s, size_t b)
{
    return (float *)(uintptr_t)s->inputs[b];
}

/* Of sample b so many that are not 0, of any kind. */
static void fill(struct served *s, size_t b, unsigned count, struct rng *rng)
{
    static const float kinds[] = { 1, 2, 3, 0x1p-140f, -0.5f, -0x1p-149f };

    for (uint32_t i = 0; i < FEATURES; i++)
        sample(s, b)[i] = i % 11 ? 0 : -0.0f;
    for (unsigned i = 0; i < count; i++)
        sample(s, b)[rng_below(rng, FEATURES)] = kinds[rng_below(rng, ARRAY_SIZE(kinds))];
}

/* The same model and samples, where no value is ever packed or looked up. */
static void expect(struct served *s, size_t count)
{
    static float all[FEATURES * BATCH];
    struct forward *plain;
    struct reason why;

    for (size_t b = 0; b < count; b++) {
        for (uint32_t i = 0; i < FEATURES; i++)
            all[i * count + b] = sample(s, b)[i];
    }
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = s->model, .kernels = kernels_find("scalar"), .mode = LAYER_EVALUATE, .batch = count },
                  &plain, &why),
              why);
    forward_run(plain, LAYER_EVALUATE, all, count);
    for (size_t b = 0; b < count; b++) {
        for (uint32_t i = 0; i < CLASSES; i++)
            memcpy(s->want + (b * CLASSES + i) * sizeof(float), &plain->values[5].data[i * count + b], sizeof(float));
    }
    forward_free(plain);
}

static void check(struct served *s, size_t count, bool bags)
{
    const uint64_t slices[] = { UINT64_MAX, forward_estimate(s->forward, count) / 7 + 1, 1 };

    expect(s, count);
    for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
        memset(s->out, 0xa5, s->out_bytes);
        forward_serve_begin(s->forward, s->inputs, s->outputs, count);
        assert_int_equal(s->forward->serving.bags, bags);
        while (forward_serve_slice(s->forward, slices[i]))
            continue;
        for (size_t b = 0; b < count; b++)
            assert_memory_equal(s->outputs[b], s->want + b * CLASSES * sizeof(float), CLASSES * sizeof(float));
    }
}

static void test_bits_of_bags(void **state)
{
    struct served s = { .model = make_model(FEATURES) };
    struct rng rng = rng_make(6, 0);

    (void)state;
    served_begin(&s, BATCH);
    for (size_t count = 1; count <= BATCH; count += count < 9 ? 1 : 11) {
        for (size_t b = 0; b < count; b++)
            fill(&s, b, FEW, &rng);
        check(&s, count, true);
        sample(&s, 0)[70] = INFINITY;
        sample(&s, count - 1)[700] = 0x1p127f;
        check(&s, count, true);
        for (size_t b = 0; b < count; b++)
            fill(&s, b, b ? 0 : FEW, &rng);
        check(&s, count, true);
        for (size_t b = 0; b < count; b++)
            fill(&s, b, 2 * FEATURES, &rng);
        check(&s, count, false);
    }
    served_close(&s);
}

/* Zeros are what the daemon asks first, to know what a pass takes. */
static void test_times_are_of_full_samples(void **state)
{
    struct served s = { .model = make_model(FEATURES) };
    uint64_t full;

    (void)state;
    served_begin(&s, BATCH);
    full = s.forward->times.many_all;
    memset(s.in, 0, BATCH * FEATURES * sizeof(float));
    assert_int_equal(forward_time(s.forward, s.inputs, s.outputs, BATCH), 0);
    assert_false(s.forward->serving.bags);
    assert_true(full > 0);
    served_close(&s);
}

static void test_who_has_none(void **state)
{
    struct served s = { .model = make_model(900) };

    (void)state;
    served_begin(&s, 1);
    memset(s.in, 0, 900 * sizeof(float));
    forward_serve_begin(s.forward, s.inputs, s.outputs, 1);
    assert_false(s.forward->serving.bags);
    while (forward_serve_slice(s.forward, UINT64_MAX))
        continue;
    served_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_of_bags),
        cmocka_unit_test(test_times_are_of_full_samples),
        cmocka_unit_test(test_who_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
