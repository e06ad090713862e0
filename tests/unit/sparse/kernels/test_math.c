/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp's own functions against libm in double, over all sizes of floats: how many units in the last place they are off.
 */
#include <math.h>
#include <string.h>

#include "sparse/kernels/functions.h"
#include "support/test.h"

static double ulps(float got, double exact)
{
    float nearest = (float)exact;
    double unit = fabs((double)nextafterf(nearest, INFINITY) - (double)nearest);

    return fabs((double)got - exact) / (unit > 0x1p-149 ? unit : 0x1p-149);
}

struct worst {
    double sigmoid, tanh, below, density, tail, by_tanh;
};

/* Against the formula as it is written: small values of it come from a difference there, so only in parts of 1. */
static double by_tanh_error(float x)
{
    const double wide = (double)x, u = sqrt(2 / M_PI) * (wide + 0.044715 * wide * wide * wide), t = tanh(u);
    const double slope = fabs(t) < 1 ? 0.5 * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * wide * wide) : 0;
    float density, below = function_normal_by_tanh(x, &density);

    return fmax(fabs((double)below - 0.5 * (1 + t)), fabs((double)density - slope));
}

static void measure(float x, struct worst *worst)
{
    const double wide = (double)x;
    float density, below = function_normal(x, &density);
    double exact = 0.5 * erfc(-wide / sqrt(2));

    worst->sigmoid = fmax(worst->sigmoid, ulps(function_sigmoid(x), 1 / (1 + exp(-wide))));
    worst->by_tanh = fmax(worst->by_tanh, by_tanh_error(x));
    worst->tanh = fmax(worst->tanh, ulps(function_tanh(x), tanh(wide)));
    if (wide < -13 || wide > 13) { /* so little that floats run out of digits */
        worst->tail = fmax(worst->tail, fabs((double)below - exact));
        return;
    }
    worst->below = fmax(worst->below, ulps(below, exact));
    worst->density = fmax(worst->density, ulps(density, exp(-wide * wide / 2) / sqrt(2 * M_PI)));
}

static void test_functions_are_off_by_a_few_ulps(void **state)
{
    struct worst worst = { 0 };

    (void)state;
    for (uint64_t bits = 0; bits < 0x100000000; bits += 9973) {
        uint32_t word = (uint32_t)bits;
        float x;

        memcpy(&x, &word, sizeof x);
        if (isfinite(x))
            measure(x, &worst);
    }
    print_message("sigmoid %.2f, tanh %.2f, normal %.2f, its density %.2f ulp at worst, far out %g, by tanh %g\n",
                  worst.sigmoid, worst.tanh, worst.below, worst.density, worst.tail, worst.by_tanh);
    assert_true(worst.sigmoid <= 2.5 && worst.tanh <= 2);
    assert_true(worst.below <= 6 && worst.density <= 3 && worst.tail < 0x1p-120);
    assert_true(worst.by_tanh <= 0x1p-22);
}

static void test_ends_are_exact(void **state)
{
    float density;

    (void)state;
    assert_true(function_sigmoid(0) == 0.5f && function_sigmoid(INFINITY) == 1 && function_sigmoid(-INFINITY) == 0);
    assert_true(function_tanh(INFINITY) == 1 && function_tanh(-INFINITY) == -1 && function_tanh(0) == 0);
    assert_true(signbit(function_tanh(-0.0f)) && function_tanh(1e-30f) == 1e-30f);
    assert_true(function_normal(0, &density) == 0.5f && function_normal(INFINITY, &density) == 1 && density == 0);
    assert_true(function_normal(-INFINITY, &density) == 0 && density == 0);
    assert_true(function_normal_by_tanh(0, &density) == 0.5f && function_normal_by_tanh(3e38f, &density) == 1);
    assert_true(density == 0 && function_normal_by_tanh(-3e38f, &density) == 0 && density == 0);
    assert_true(isnan(function_normal_by_tanh(NAN, &density)) && isnan(density));
    assert_true(isnan(function_sigmoid(NAN)) && isnan(function_tanh(NAN)) && isnan(function_normal(NAN, &density)));
    assert_true(isnan(density));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_are_off_by_a_few_ulps),
        cmocka_unit_test(test_ends_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
