/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces that cover something longer, of random sizes: nothing is left out, weights add up to 1 without rounding, and
 * what goes through is as it was.
 */
#include <math.h>

#include "base/rng.h"
#include "base/size.h"
#include "media/pieces/pieces.h"
#include "support/test.h"

enum { PLANS = 3000, LENGTH_MAX = 300, PIECE_MAX = 70, SCALE_MAX = 3 };

static struct pieces draw(struct rng *rng)
{
    const uint32_t size = 1 + (uint32_t)rng_below(rng, PIECE_MAX);

    return pieces_plan(1 + rng_below(rng, LENGTH_MAX), size, (uint32_t)rng_below(rng, size / 2 + 1),
                       1 + (uint32_t)rng_below(rng, SCALE_MAX));
}

static void test_pieces_cover_the_whole(void **state)
{
    struct rng rng = rng_make(1, 0);

    (void)state;
    for (int i = 0; i < PLANS; i++) {
        const struct pieces p = draw(&rng);
        const uint64_t last = p.count - 1;

        assert_int_equal(pieces_begin(&p, 0), 0);
        if (p.length >= p.size)
            assert_int_equal(pieces_begin(&p, last) + p.size, p.length);
        else
            assert_int_equal(p.count, 1);
        for (uint64_t k = 0; k < last; k++) {
            assert_true(pieces_begin(&p, k) < pieces_begin(&p, k + 1));
            assert_true(pieces_begin(&p, k) + p.size >= pieces_begin(&p, k + 1) + p.overlap);
        }
        if (last > 1) /* one less would not do */
            assert_true((last - 1) * (p.size - p.overlap) < p.length - p.size);
    }
}

/* All pieces at every position; and what is nearest to a piece's end, where that is not the whole's, counts nothing. */
static void check_weights(const struct pieces *p)
{
    const uint32_t ramp = p->overlap / 2 * p->scale;

    for (uint64_t at = 0; at < p->length * p->scale; at++) {
        float sum = 0, next = 0;
        double whole = 0;

        for (uint64_t k = 0; k < p->count; k++) {
            const struct pieces_stretch s = pieces_stretch(p, k);
            const float weight = pieces_weight(p, k, at);

            assert_true(weight >= 0 && weight <= 1);
            assert_int_equal(weight > 0, at >= s.begin && at < s.end);
            sum += weight;
            next = fmaxf(next, fabsf(weight - pieces_weight(p, k, MIN(at + 1, p->length * p->scale - 1))));
            whole += (double)weight * (double)at;
        }
        assert_true(sum == 1);
        assert_true(fabs(whole - (double)at) < 1e-9 * (double)(at + 1));
        if (p->overlap > 1) /* from one position to the next it changes by a step of the ramp */
            assert_true(next <= 1.0f / (float)ramp + 0x1p-16f);
    }
}

static void test_weights_add_up_to_one(void **state)
{
    struct rng rng = rng_make(2, 0);

    (void)state;
    for (int i = 0; i < PLANS / 10; i++) {
        const struct pieces p = draw(&rng);

        check_weights(&p);
    }
}

static void test_ends_of_a_piece_count_nothing(void **state)
{
    struct rng rng = rng_make(3, 0);

    (void)state;
    for (int i = 0; i < PLANS; i++) {
        const struct pieces p = draw(&rng);

        for (uint64_t k = 0; k < p.count; k++) {
            const struct pieces_stretch s = pieces_stretch(&p, k);
            const uint64_t begin = pieces_begin(&p, k), margin = p.overlap / 4;

            assert_true(!k || s.begin >= (begin + margin) * p.scale);
            assert_true(k + 1 == p.count || s.end + margin * p.scale <= (begin + p.size) * p.scale);
            assert_true(k + 1 == p.count || pieces_stretch(&p, k + 1).begin >= s.begin);
        }
    }
}

static void test_the_end_is_a_mirror(void **state)
{
    const struct pieces three = pieces_plan(3, 8, 2, 1), one = pieces_plan(1, 8, 2, 1);
    static const uint64_t expected[] = { 0, 1, 2, 1, 0, 1, 2, 1 };

    (void)state;
    for (uint64_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(pieces_mirror(&three, i), expected[i]);
        assert_int_equal(pieces_mirror(&one, i), 0);
    }
}

/* Two hundred years of samples: no product overflows. */
static void test_what_is_long(void **state)
{
    const struct pieces p = pieces_plan(UINT64_C(1) << 50, 1 << 10, 1 << 8, 4);

    (void)state;
    assert_int_equal(pieces_begin(&p, p.count - 1), p.length - p.size);
    assert_int_equal(pieces_stretch(&p, p.count - 1).end, p.length * 4);
    assert_true(pieces_weight(&p, p.count / 2, pieces_stretch(&p, p.count / 2).begin) < 0.01f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_cover_the_whole),
        cmocka_unit_test(test_weights_add_up_to_one),
        cmocka_unit_test(test_ends_of_a_piece_count_nothing),
        cmocka_unit_test(test_the_end_is_a_mirror),
        cmocka_unit_test(test_what_is_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
