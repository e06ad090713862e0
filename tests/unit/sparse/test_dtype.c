/* SPDX-License-Identifier: Apache-2.0
 *
 * What crosses a model's door, against the same in double precision or in whole numbers: for every byte, for every
 * distance from what a float can hold, and for what is out of range.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/tensor/dtype.h"
#include "support/test.h"

static void test_names(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++)
        assert_int_equal(dtype_find(dtype_name(dtype)), dtype);
    assert_int_equal(dtype_find("float"), DTYPE_COUNT);
    assert_int_equal(dtype_find(""), DTYPE_COUNT);
    assert_int_equal(dtype_bytes(DTYPE_FLOAT32), 4);
    assert_int_equal(dtype_bytes(DTYPE_INT32), 4);
    assert_int_equal(dtype_bytes(DTYPE_UINT8), 1);
}

static void test_every_byte(void **state)
{
    const float scale = 1.0F / 255;
    uint8_t bytes[256], back[256];
    float floats[256];

    (void)state;
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    dtype_to_float(DTYPE_UINT8, scale, bytes, floats, 256);
    for (size_t i = 0; i < 256; i++)
        assert_true(floats[i] == (float)i * scale);
    dtype_from_float(DTYPE_UINT8, 255, floats, back, 256);
    assert_memory_equal(bytes, back, 256);
}

static void test_integers_are_exact_to_2_24(void **state)
{
    (void)state;
    for (int32_t near = 1; near > 0 && near <= 1 << 24; near *= 2) {
        for (int32_t x = near - 3; x <= near + 3; x++) {
            int32_t both[] = { x, -x }, back[2];
            float floats[2];

            if (x > 1 << 24)
                continue;
            dtype_to_float(DTYPE_INT32, 1, both, floats, 2);
            assert_true((double)floats[0] == x && (double)floats[1] == -x);
            dtype_from_float(DTYPE_INT32, 1, floats, back, 2);
            assert_memory_equal(both, back, sizeof both);
        }
    }
}

/* Nearest, ties to even: what is left is at most a half, and a half goes to the even one. */
static void check_rounding(float from, double low, double high, double got)
{
    double want = (double)from < low ? low : (double)from > high ? high : (double)from;
    double off = fabs(got - want);

    if (off > 0.5 || (off == 0.5 && fmod(got, 2) != 0)) {
        print_error("%.9g became %.17g\n", (double)from, got);
        fail();
    }
}

static void test_rounding_and_range(void **state)
{
    static const float edges[] = { 0,     -0.0F,  0.5F,      1.5F,          2.5F,         -0.5F, 254.5F,
                                   255,   255.5F, 1e9F,      2147483520.F,  2147483648.F, 1e30F, INFINITY,
                                   -1e9F, -1e30F, -INFINITY, -2147483648.F, -2147483904.F };
    struct rng rng = rng_make(5, 0);

    (void)state;

    for (size_t i = 0; i < 100000; i++) {
        float from = i < ARRAY_SIZE(edges) ? edges[i] : ((float)rng_below(&rng, 1u << 20) - 400000) / 1024;
        int32_t whole;
        uint8_t byte;

        dtype_from_float(DTYPE_INT32, 1, &from, &whole, 1);
        dtype_from_float(DTYPE_UINT8, 1, &from, &byte, 1);
        check_rounding(from, INT32_MIN, INT32_MAX, whole);
        check_rounding(from, 0, UINT8_MAX, byte);
    }
}

static void test_not_a_number_is_zero(void **state)
{
    float nan = NAN;
    int32_t whole = 1;
    uint8_t byte = 1;

    (void)state;
    dtype_from_float(DTYPE_INT32, 1, &nan, &whole, 1);
    dtype_from_float(DTYPE_UINT8, 1, &nan, &byte, 1);
    assert_int_equal(whole, 0);
    assert_int_equal(byte, 0);
}

static void test_floats_pass_as_they_are(void **state)
{
    const uint32_t patterns[] = { 0, 0x80000000, 0x7f800000, 0x7fc12345, 1, 0x3f9e0652 };
    float in[ARRAY_SIZE(patterns)], out[ARRAY_SIZE(patterns)];

    (void)state;
    dtype_to_float(DTYPE_FLOAT32, 3, patterns, in, ARRAY_SIZE(patterns));
    dtype_from_float(DTYPE_FLOAT32, 3, in, out, ARRAY_SIZE(patterns));
    assert_memory_equal(patterns, out, sizeof patterns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_integers_are_exact_to_2_24),
        cmocka_unit_test(test_rounding_and_range),
        cmocka_unit_test(test_not_a_number_is_zero),
        cmocka_unit_test(test_floats_pass_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
