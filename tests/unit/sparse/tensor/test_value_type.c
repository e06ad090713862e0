/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/tensor/value_type: that rounding takes the nearest value there is, that what is of a type is kept to the bit,
 * and what csr_check() refuses of a rounded matrix.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/tensor/csr.h"
#include "support/test.h"

enum { ROUNDS = 20000 };

/* Any finite float, denormals among them. */
static float any_float(struct rng *rng)
{
    float value;

    do {
        const uint32_t bits = rng_u32(rng);

        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    return value;
}

static void assert_bits(float a, float b)
{
    if (memcmp(&a, &b, sizeof a) != 0)
        fail_msg("%a is not %a", (double)a, (double)b);
}

static void test_bf16_takes_the_nearest(void **state)
{
    struct rng rng = rng_make(1, 1);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const float value = any_float(&rng), rounded = bf16_round(value);
        const uint16_t bits = bf16_of(rounded);
        const float below = bf16_value((uint16_t)(bits - 1)), above = bf16_value((uint16_t)(bits + 1));
        const double off = fabs((double)rounded - (double)value);

        assert_bits(bf16_value(bits), rounded);
        assert_bits(bf16_round(rounded), rounded);
        assert_true(value_type_has(VALUE_BF16, rounded, 1));
        if ((bits & 0x7fff) && isfinite(above)) {
            assert_true(off <= fabs((double)below - (double)value));
            assert_true(off <= fabs((double)above - (double)value));
        }
    }
    assert_bits(bf16_round(1.0F + 0x1p-8F), 1.0F); /* ties to even */
    assert_bits(bf16_round(1.0F + 3 * 0x1p-8F), 1.0F + 2 * 0x1p-7F);
    assert_bits(bf16_round(-0.0F), -0.0F);
    assert_bits(bf16_round(FLT_MAX), bf16_value(0x7f7f));
    assert_bits(bf16_round(-FLT_MAX), bf16_value(0xff7f));
    assert_false(value_type_has(VALUE_BF16, 1.0F + FLT_EPSILON, 1));
}

/* Every number is found again from the value that it stands for, with scales of any size. */
static void test_int8_is_found_again(void **state)
{
    static const float scales[] = { FLT_TRUE_MIN, 3 * FLT_TRUE_MIN, FLT_MIN, 0x1.fffffep-100F, 0.1F, 1, FLT_MAX / 128 };
    struct rng rng = rng_make(1, 2);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const int8_t number = (int8_t)rng_u32(&rng);
        const float scale = (size_t)i < ARRAY_SIZE(scales) ? scales[i] : fabsf(any_float(&rng));

        if (scale == 0 || !isfinite(scale * 128))
            continue;
        assert_int_equal(int8_of(int8_value(number, scale), scale), number);
        assert_true(value_type_has(VALUE_INT8, int8_value(number, scale), scale));
    }
    assert_int_equal(int8_of(1, FLT_TRUE_MIN), 127);
    assert_int_equal(int8_of(-1, FLT_TRUE_MIN), -128);
    assert_false(value_type_has(VALUE_INT8, 0.5F, 1));
    assert_false(value_type_has(VALUE_INT8, -0.0F, 1)); /* whose sign no number has */
}

/* Three rows of random values, of which the second is empty, and the fourth of zeroes. */
static struct csr make(struct rng *rng)
{
    static const uint64_t starts[] = { 0, 40, 40, 60, 64 };
    struct csr matrix;

    assert_int_equal(csr_alloc(&matrix, 4, 40, 64), 0);
    memcpy(matrix.starts, starts, sizeof starts);
    for (uint32_t k = 0; k < 64; k++) {
        csr_set_column(&matrix, k, k < 40 ? k : k < 60 ? k - 40 : k - 60);
        matrix.values[k] = k < 60 ? rng_normal(rng) : 0;
    }
    return matrix;
}

static void test_a_matrix_is_rounded(void **state)
{
    struct rng rng = rng_make(1, 3);
    struct reason why;

    (void)state;
    for (enum value_type type = VALUE_BF16; type < VALUE_TYPES; type++) {
        struct csr matrix = make(&rng), rounded, copy;

        assert_int_equal(csr_copy(&matrix, &rounded), 0);
        assert_int_equal(csr_round(&rounded, type), 0);
        assert_ok(csr_check(&rounded, &why), why);
        for (uint32_t k = 0; k < 64; k++) {
            const float step = type == VALUE_INT8 ? rounded.scales[k < 40   ? 0
                                                                   : k < 60 ? 2
                                                                            : 3]
                                                  : fabsf(matrix.values[k]) * 0x1p-7F;

            assert_true(fabsf(rounded.values[k] - matrix.values[k]) <= step * 0.5001F);
        }
        assert_int_equal(csr_copy(&rounded, &copy), 0);
        assert_int_equal(csr_memory(&copy), csr_memory(&rounded));
        assert_int_equal(csr_memory(&rounded) - csr_memory(&matrix), type == VALUE_INT8 ? 4 * sizeof(float) : 0);
        assert_ok(csr_check(&copy, &why), why);
        csr_deinit(&rounded);
        csr_widen(&copy);
        copy.values[3] = matrix.values[3];
        assert_ok(csr_check(&copy, &why), why);
        csr_deinit(&copy);
        csr_deinit(&matrix);
    }
}

static void assert_refused(const struct csr *matrix, const char *reason)
{
    struct reason why;

    assert_int_equal(csr_check(matrix, &why), WISP_E_FORMAT);
    if (!strstr(why.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", why.text, reason);
}

static void test_refusals(void **state)
{
    static const float scales[] = { 0, -1, NAN, INFINITY };
    struct rng rng = rng_make(1, 4);
    struct csr matrix = make(&rng);
    float *kept;

    (void)state;
    matrix.type = VALUE_BF16;
    matrix.values[41] = 0.1F;
    for (uint32_t k = 0; k < 41; k++)
        matrix.values[k] = bf16_round(matrix.values[k]);
    matrix.values[40] = 1;
    assert_refused(&matrix, "row 2, connection 41: the value 0.100000001 is none that bf16 has");
    matrix.type = VALUE_INT8;
    assert_refused(&matrix, "scales stand at values of int8, and at no others");
    csr_widen(&matrix);
    assert_int_equal(csr_round(&matrix, VALUE_INT8), 0);
    for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
        const float scale = matrix.scales[2];

        matrix.scales[2] = scales[i];
        assert_refused(&matrix, "row 2: the scale is not a finite number above 0");
        matrix.scales[2] = scale;
    }
    kept = matrix.scales;
    matrix.type = VALUE_FLOAT32;
    assert_refused(&matrix, "scales stand at values of int8, and at no others");
    matrix.type = VALUE_INT8;
    matrix.scales = NULL;
    assert_refused(&matrix, "scales stand at values of int8, and at no others");
    matrix.scales = kept;
    matrix.values[0] += matrix.scales[0] / 4;
    assert_refused(&matrix, "row 0, connection 0: the value");
    csr_deinit(&matrix);
}

static void test_names(void **state)
{
    (void)state;
    for (enum value_type type = 0; type < VALUE_TYPES; type++)
        assert_int_equal(value_type_find(value_type_name(type)), type);
    assert_int_equal(value_type_find("fp8"), VALUE_TYPES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bf16_takes_the_nearest),
        cmocka_unit_test(test_int8_is_found_again),
        cmocka_unit_test(test_a_matrix_is_rounded),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
