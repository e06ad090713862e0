/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands of kernels that end at a forbidden page, what is in them, and whether two are the same to the bit.
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

struct guarded {
    void *map;
    size_t bytes;
    float *data;
};

static inline struct guarded guarded_new(size_t count)
{
    struct guarded made;
    size_t used = count * sizeof(float), pages = (used + PAGE - 1) / PAGE + 1;

    made.bytes = (pages + 1) * PAGE;
    made.map = mmap(NULL, made.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(made.map, MAP_FAILED);
    assert_int_equal(mprotect((char *)made.map + pages * PAGE, PAGE, PROT_NONE), 0);
    made.data = (float *)((char *)made.map + pages * PAGE - used);
    return made;
}

static inline void guarded_free(struct guarded *guarded)
{
    munmap(guarded->map, guarded->bytes);
}

static const float specials[] = { 0, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-140f, -0x1p-149f, 0x1p127f, 1, -1 };

static inline void fill(struct rng *rng, float *data, size_t count, bool with_specials)
{
    for (size_t i = 0; i < count; i++) {
        data[i] = rng_normal(rng);
        if (with_specials && rng_below(rng, 23) == 0)
            data[i] = specials[rng_below(rng, ARRAY_SIZE(specials))];
    }
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
