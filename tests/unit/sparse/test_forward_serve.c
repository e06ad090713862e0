/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving a model with several inputs and outputs: the answers are those of the same model with float32 everywhere, one
 * sample at a time, whatever the dtypes, the kernels and the batch.
 */
#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "small_model.h"
#include "sparse/kernels/kernels.h"
#include "sparse/passes/forward.h"
#include "support/test.h"

enum { COUNT = 37, PICTURE = 6, FACTS = 5, CLASS = 3, MARKS = 5 };

struct sample {
    uint8_t picture[PICTURE];
    float as_floats[PICTURE], facts[FACTS];
    float class[CLASS], marks[MARKS];
    int32_t whole_marks[MARKS];
};

static struct forward *forward_for(const struct model *model, const struct kernels *kernels)
{
    struct forward *forward;
    struct reason why;

    assert_ok(
        forward_new(&(struct forward_setup){ .model = model, .kernels = kernels, .batch = COUNT }, &forward, &why),
        why);
    return forward;
}

/* By the model with floats alone. */
static void samples_make(struct sample *samples)
{
    struct model *model = branched_model();
    struct rng rng = rng_make(11, 0);
    struct forward *forward;
    struct reason why;

    model->signature.inputs[0].dtype = model->signature.outputs[1].dtype = DTYPE_FLOAT32;
    model->signature.inputs[0].scale = model->signature.outputs[1].scale = 1;
    assert_ok(model_check(model, &why), why);
    forward = forward_for(model, kernels_find("scalar"));
    for (size_t b = 0; b < COUNT; b++) {
        struct sample *s = &samples[b];
        const void *inputs[] = { s->as_floats, s->facts };
        void *outputs[] = { s->class, s->marks };

        for (size_t i = 0; i < PICTURE; i++)
            s->picture[i] = (uint8_t)rng_u32(&rng);
        for (size_t i = 0; i < FACTS; i++)
            s->facts[i] = 2 * rng_float(&rng) - 1;
        dtype_to_float(DTYPE_UINT8, 0.5F, s->picture, s->as_floats, PICTURE);
        forward_serve(forward, inputs, outputs, 1);
        dtype_from_float(DTYPE_INT32, 100, s->marks, s->whole_marks, MARKS);
    }
    forward_free(forward);
    model_free(model);
}

static void check_batch(struct forward *forward, const struct sample *samples, size_t count)
{
    const void *inputs[2 * COUNT];
    void *outputs[2 * COUNT];
    float classes[COUNT][CLASS];
    int32_t marks[COUNT][MARKS];

    for (size_t b = 0; b < count; b++) {
        size_t at = (b * 5 + count) % COUNT; /* in another order each time */

        inputs[2 * b] = samples[at].picture;
        inputs[2 * b + 1] = samples[at].facts;
        outputs[2 * b] = classes[b];
        outputs[2 * b + 1] = marks[b];
    }
    forward_serve(forward, inputs, outputs, count);
    for (size_t b = 0; b < count; b++) {
        size_t at = (b * 5 + count) % COUNT;

        assert_memory_equal(classes[b], samples[at].class, sizeof classes[b]);
        assert_memory_equal(marks[b], samples[at].whole_marks, sizeof marks[b]);
    }
}

static void test_every_batch_and_kernel(void **state)
{
    struct model *model = branched_model();
    struct sample samples[COUNT];
    const struct kernels *kernels;
    struct reason why;

    (void)state;
    samples_make(samples);
    assert_ok(model_check(model, &why), why);
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        struct forward *forward = forward_for(model, kernels);

        for (size_t count = 1; count <= COUNT; count++)
            check_batch(forward, samples, count);
        forward_free(forward);
    }
    model_free(model);
}

/* An output that other layers read on is neither overwritten nor lost: here that of a linear layer, which its
 * rectifier could work on in place. */
static void test_an_output_in_the_middle(void **state)
{
    struct model *model = small_model(), *plain = small_model();
    float input[6] = { 1, -2, 3, -4, 5, -6 }, middle[5], end[3], want[3];
    const void *inputs[] = { input };
    void *outputs[] = { end, middle }, *simple[] = { want };
    struct forward *forward, *reference;
    bool negative = false;
    struct reason why;

    (void)state;
    model->signature.output_count = 2;
    model->signature.outputs[0] = (struct model_tensor){ .name = "end", .scale = 1, .value = 4 };
    model->signature.outputs[1] = (struct model_tensor){ .name = "middle", .scale = 1, .value = 1 };
    assert_ok(model_check(model, &why), why);
    assert_ok(model_check(plain, &why), why);
    forward = forward_for(model, kernels_find("scalar"));
    reference = forward_for(plain, kernels_find("scalar"));
    forward_serve(reference, inputs, simple, 1);
    for (size_t count = 1; count <= 2; count++) {
        const void *both[] = { input, input };
        float others[2][5];
        void *all[] = { end, middle, others[0], others[1] };

        forward_serve(forward, count == 1 ? inputs : both, count == 1 ? outputs : all, count);
        assert_memory_equal(end, want, sizeof want);
        for (size_t i = 0; i < 5; i++)
            negative |= middle[i] < 0; /* not rectified */
        assert_true(negative);
    }
    forward_free(reference);
    forward_free(forward);
    model_free(plain);
    model_free(model);
}

static void test_training_takes_one_output(void **state)
{
    struct model *model = branched_model();
    const struct forward_setup setup = {
        .model = model, .kernels = kernels_find("scalar"), .mode = LAYER_TRAIN, .batch = 4
    };
    struct forward *forward;
    struct reason why;

    (void)state;
    assert_ok(model_check(model, &why), why);
    assert_int_equal(forward_new(&setup, &forward, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "one float32 output, and inputs without a scale"));
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_batch_and_kernel),
        cmocka_unit_test(test_an_output_in_the_middle),
        cmocka_unit_test(test_training_takes_one_output),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
