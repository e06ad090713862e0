/* SPDX-License-Identifier: Apache-2.0
 *
 * The allocator of shared memory, against a map of which 64-byte cell belongs to whom.
 */
#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "client/arena.h"
#include "support/test.h"

enum { CELL = 64, CELLS = 1024, SIZE = CELL * CELLS, BLOCKS = 200 };

static void test_blocks_do_not_overlap(void **state)
{
    static unsigned char owner[CELLS];
    struct {
        uint64_t offset, length;
    } blocks[BLOCKS];
    struct rng rng = rng_make(11, 1);
    struct arena arena;
    unsigned used = 0, refused = 0;

    (void)state;
    memset(owner, 0, sizeof owner);
    assert_int_equal(arena_init(&arena, SIZE), 0);
    for (int i = 0; i < 100000; i++) {
        unsigned cells = 0;

        if (used < BLOCKS && rng_u32(&rng) % 2) {
            uint64_t length = 1 + rng_below(&rng, rng_u32(&rng) % 8 ? 600 : SIZE / 4), offset;
            int result = arena_take(&arena, length, &offset);

            if (result) {
                assert_int_equal(result, -ENOSPC);
                assert_true(arena_largest(&arena) < length);
                refused++;
                continue;
            }
            assert_int_equal(offset % CELL, 0);
            assert_true(size_within(offset, length, SIZE));
            for (uint64_t at = offset / CELL; at * CELL < offset + length; at++) {
                assert_int_equal(owner[at], 0);
                owner[at] = 1;
            }
            blocks[used].offset = offset;
            blocks[used++].length = length;
        } else if (used) {
            unsigned at = (unsigned)rng_below(&rng, used);

            for (uint64_t cell = blocks[at].offset / CELL; cell * CELL < blocks[at].offset + blocks[at].length; cell++)
                owner[cell] = 0;
            arena_give(&arena, blocks[at].offset, blocks[at].length);
            blocks[at] = blocks[--used];
        }
        for (unsigned cell = 0; cell < CELLS; cell++)
            cells += !owner[cell];
        assert_int_equal(arena_free(&arena), (uint64_t)cells * CELL);
        for (size_t at = 1; at < arena.count; at++) /* sorted, and no two touch */
            assert_true(arena.free[at - 1].offset + arena.free[at - 1].length < arena.free[at].offset);
    }
    assert_true(refused > 100);
    while (used) {
        used--;
        arena_give(&arena, blocks[used].offset, blocks[used].length);
    }
    assert_int_equal(arena.count, 1);
    assert_int_equal(arena_largest(&arena), SIZE);
    arena_deinit(&arena);
}

static void test_all_of_it_can_be_had(void **state)
{
    struct arena arena;
    static uint64_t offsets[CELLS];
    uint64_t offset;

    (void)state;
    assert_int_equal(arena_init(&arena, SIZE), 0);
    assert_int_equal(arena_take(&arena, SIZE + 1, &offset), -ENOSPC);
    assert_int_equal(arena_take(&arena, UINT64_MAX, &offset), -ENOSPC);
    assert_int_equal(arena_take(&arena, SIZE, &offset), 0);
    assert_int_equal(arena_take(&arena, 1, &offset), -ENOSPC);
    arena_give(&arena, 0, SIZE);
    for (int i = 0; i < CELLS; i++)
        assert_int_equal(arena_take(&arena, 1, &offsets[i]), 0);
    assert_int_equal(arena_take(&arena, 1, &offset), -ENOSPC);
    for (int i = 0; i < CELLS; i += 2) /* every other one: the longest list there can be */
        arena_give(&arena, offsets[i], 1);
    assert_int_equal(arena.count, CELLS / 2);
    assert_int_equal(arena_take(&arena, CELL + 1, &offset), -ENOSPC);
    for (int i = 1; i < CELLS; i += 2)
        arena_give(&arena, offsets[i], 1);
    assert_int_equal(arena.count, 1);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_do_not_overlap),
        cmocka_unit_test(test_all_of_it_can_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
