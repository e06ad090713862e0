/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands of kernels between two forbidden pages, what is in them, and whether two are the same to the bit.
 */
#ifndef TESTS_KERNELS_OPERANDS_H
#define TESTS_KERNELS_OPERANDS_H

#include "support/test.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "base/size.h"

enum { PAGE = 4096, LANES = 16 };

/* Which of the two pages they touch. What is left of a page on the other side is looked at in the end: nobody writes
 * there, either. */
static enum {
    GUARD_BEHIND,
    GUARD_BEFORE,
#if defined(__SANITIZE_ADDRESS__) || defined(EMULATED) /* where all takes ten times as long: the page behind alone */
    GUARD_SIDES = GUARD_BEFORE
#else
    GUARD_SIDES
#endif
} guard_side;

enum { UNTOUCHED = 0xa5 };

struct guarded {
    unsigned char *map;
    size_t bytes, used;
    union {
        float *data;
        void *memory;
    };
};

static inline struct guarded guarded_bytes(size_t used)
{
    const size_t pages = (used + PAGE - 1) / PAGE + (used == 0);
    struct guarded made = { .bytes = (pages + 2) * PAGE, .used = used };

    made.map = mmap(NULL, made.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(made.map, MAP_FAILED);
    made.memory = guard_side == GUARD_BEFORE ? made.map + PAGE : made.map + (pages + 1) * PAGE - used;
    memset(made.map + PAGE, UNTOUCHED, pages * PAGE);
    memset(made.memory, 0, used);
    assert_int_equal(mprotect(made.map, PAGE, PROT_NONE), 0);
    assert_int_equal(mprotect(made.map + (pages + 1) * PAGE, PAGE, PROT_NONE), 0);
    return made;
}

static inline struct guarded guarded_new(size_t count)
{
    return guarded_bytes(count * sizeof(float));
}

static inline void guarded_free(struct guarded *guarded)
{
    const unsigned char *memory = guarded->memory, *end = guarded->map + guarded->bytes - PAGE;

    for (const unsigned char *at = guarded->map + PAGE; at < end; at++) {
        if (at == memory)
            at += guarded->used;
        if (at < end && *at != UNTOUCHED)
            fail_msg("byte %td of %zu was written", at - memory, guarded->used);
    }
    munmap(guarded->map, guarded->bytes);
}

/* With operands at one page, then at the other. */
static inline int guarded_run(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0;

    for (guard_side = 0; guard_side < GUARD_SIDES; guard_side++)
        failed += _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
    return failed;
}

static const float specials[] = { 0, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-140f, -0x1p-149f, 0x1p127f, 1, -1 };

/* Most of a check would be drawing: each number is drawn once, and each time others of them stand together. */
static inline void fill(struct rng *rng, float *data, size_t count, bool with_specials)
{
    static float drawn[1 << 14];

    if (drawn[0] == 0) {
        for (size_t i = 0; i < ARRAY_SIZE(drawn); i++)
            drawn[i] = rng_normal(rng);
    }
    for (size_t i = 0, at = 0; i < count; i++, at++) {
        if (i % 1024 == 0)
            at = rng_below(rng, ARRAY_SIZE(drawn));
        data[i] = drawn[at % ARRAY_SIZE(drawn)];
    }
    for (size_t i = rng_below(rng, 23); i < count && with_specials; i += 1 + rng_below(rng, 45))
        data[i] = specials[rng_below(rng, ARRAY_SIZE(specials))];
}

static inline bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* NaNs may differ in payload and sign from one instruction to another; that a NaN comes out may not. */
static inline void assert_same(const float *a, const float *b, size_t count, const char *what, const char *table)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("%s of %s: element %zu of %zu is %a, and must be %a", what, table, i, count, (double)b[i],
                     (double)a[i]);
    }
}

#endif
