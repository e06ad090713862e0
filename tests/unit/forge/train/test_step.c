/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of all parameters: how long the gradient is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "trainer_fixture.h"

static void make(struct fixture *f)
{
    make_quadrants(f, 96);
    make_model(f, "64-200-48-4", 0.5, 5); /* more connections than a block of the norm has */
}

/* One step of plain gradient descent at rate 1: what the weights moved by is the gradient. Returns its length. */
static double step(double clip, float **moved, size_t *count)
{
    const struct recipe recipe = {
        .epochs = 1, .batch = 96, .seed = 1, .rate = 1, .clip = clip, .schedule = schedule_find("constant")
    };
    struct trainer_result result;
    struct parameters parameters;
    struct fixture f;
    double sum = 0;
    float *before;

    make(&f);
    assert_int_equal(parameters_map(f.model, &parameters), 0);
    assert_int_equal(model_gather_parameters(f.model, &parameters), 0);
    *count = parameters.length;
    before = parameters_array(&parameters);
    *moved = parameters_array(&parameters);
    memcpy(before, f.model->parameters, *count * sizeof *before);
    train(&f, &recipe, kernels_find("auto"), 2, &result);
    for (size_t i = 0; i < *count; i++) {
        (*moved)[i] = before[i] - f.model->parameters[i];
        sum += (double)(*moved)[i] * (double)(*moved)[i];
    }
    free(before);
    parameters_deinit(&parameters);
    drop(&f);
    return sqrt(sum);
}

static void test_a_long_gradient_is_scaled_down(void **state)
{
    float *whole, *clipped, *spared;
    size_t count;
    double norm = step(0, &whole, &count), half;

    (void)state;
    assert_true(norm > 0.1 && count > 4096);
    half = step(norm / 2, &clipped, &count);
    assert_true(fabs(half / norm - 0.5) < 1e-4);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)clipped[i] - 0.5 * (double)whole[i]) < 1e-6);
    step(norm * 1.01, &spared, &count);
    assert_memory_equal(spared, whole, count * sizeof *whole);
    free(whole);
    free(clipped);
    free(spared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_gradient_is_scaled_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
