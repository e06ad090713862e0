/* SPDX-License-Identifier: Apache-2.0
 *
 * Where tensors stand in a block: properties over random models, and the largest that there can be.
 */
#include "base/rng.h"
#include "libipc/wire_block.h"
#include "support/test.h"

static void test_one_tensor_has_its_bytes(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes < 300; bytes++) {
        struct wire_block block = { .count = 1, .bytes = { bytes } };

        for (uint32_t rows = 1; rows <= WIRE_ROWS_MAX; rows = rows * 3 + 1) {
            assert_int_equal(wire_block_length(&block, rows), rows * bytes);
            assert_int_equal(wire_block_offset(&block, rows, 0), 0);
        }
    }
}

static void test_tensors_follow_each_other(void **state)
{
    struct rng rng = rng_make(3, 0);

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct wire_block block = { .count = 1 + (uint32_t)rng_below(&rng, WIRE_TENSORS_MAX) };
        uint32_t rows = 1 + (uint32_t)rng_below(&rng, 1000);
        uint64_t end = 0;

        for (uint32_t i = 0; i < block.count; i++)
            block.bytes[i] = 1 + rng_below(&rng, 1000);
        for (uint32_t i = 0; i < block.count; i++) {
            uint64_t begin = wire_block_offset(&block, rows, i);

            assert_int_equal(begin % WIRE_ARENA_ALIGN, 0);
            assert_true(begin >= end && begin - end < WIRE_ARENA_ALIGN);
            end = begin + rows * block.bytes[i];
        }
        assert_int_equal(wire_block_length(&block, rows), end);
    }
}

static void test_the_largest_does_not_overflow(void **state)
{
    struct wire_block block = { .count = WIRE_TENSORS_MAX };
    unsigned __int128 sum = 0;

    (void)state;
    for (uint32_t i = 0; i < WIRE_TENSORS_MAX; i++) {
        block.bytes[i] = WIRE_TENSOR_BYTES_MAX;
        sum += (unsigned __int128)WIRE_TENSOR_BYTES_MAX * WIRE_ROWS_MAX;
    }
    assert_true(sum == wire_block_length(&block, WIRE_ROWS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_tensor_has_its_bytes),
        cmocka_unit_test(test_tensors_follow_each_other),
        cmocka_unit_test(test_the_largest_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
