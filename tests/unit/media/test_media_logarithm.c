/* SPDX-License-Identifier: Apache-2.0
 *
 * The logarithm that is the same everywhere, against the C library's with 64 bits of mantissa.
 */
#include <float.h>
#include <math.h>

#include "media/spec/logarithm.h"
#include "support/test.h"

static void assert_near(double x)
{
    long double right = logl((long double)x), unit = ldexpl(1, ilogbl(right) - 52);

    if (fabsl((long double)portable_log(x) - right) > 2 * unit)
        fail_msg("log(%.17g) is %.17g", x, portable_log(x));
}

static void close_to_the_true_one(void **state)
{
    (void)state;
    assert_true(portable_log(1) == 0);
    for (int e = -1022; e < 1024; e++) {
        for (int i = 0; i < 257; i++) {
            double x = ldexp(1 + i / 257.0, e);

            if (x != 1)
                assert_near(x);
        }
    }
    for (int i = 1; i < 50; i++) {
        assert_near(1 + ldexp(1, -i));
        assert_near(1 - ldexp(1, -i));
    }
    assert_near(DBL_MIN / 3); /* denormal */
    assert_near(DBL_MAX);
}

/* What texts have become so far: the weight of every count that a text can have. */
static void weights_are_what_they_were(void **state)
{
    (void)state;
    for (int count = 1; count <= 1 << 24; count += 1 + count / 100000)
        assert_true((float)portable_log(1.0 + count) == (float)log1p(count));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(close_to_the_true_one),
                                        cmocka_unit_test(weights_are_what_they_were) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
