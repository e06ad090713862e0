/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting is an in-place radix partition from the most significant byte ("American flag"; McIlroy, Bostic and McIlroy
 * 1993): draws are uniform, so its buckets are even and it ends after log256(count) passes in insertion sorts of a few.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/construct/sample_set.h"

enum { RADIX_BITS = 8, RADIX = 1 << RADIX_BITS, INSERTION_MAX = 24 };

/* Orders as (row, column) does. */
static inline uint64_t key_at(const struct sample_set *set, uint64_t at)
{
    return (uint64_t)set->rows[at] << 32 | (set->narrow ? set->narrow[at] : set->wide[at]);
}

static inline void key_put(struct sample_set *set, uint64_t at, uint64_t key)
{
    sample_set_put(set, at, (uint32_t)(key >> 32), (uint32_t)key);
}

struct sample_set sample_set_over(struct csr *matrix)
{
    return (struct sample_set){
        .rows = (uint32_t *)matrix->values,
        .narrow = csr_is_narrow(matrix) ? matrix->index.narrow : NULL,
        .wide = csr_is_narrow(matrix) ? NULL : matrix->index.wide,
        .capacity = matrix->count,
    };
}

static void insertion_sort(struct sample_set *set, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin + 1; i < end; i++) {
        uint64_t key = key_at(set, i), at = i;

        for (; at > begin && key_at(set, at - 1) > key; at--)
            key_put(set, at, key_at(set, at - 1));
        key_put(set, at, key);
    }
}

/* Keys in [begin, end) agree above bit `shift` + RADIX_BITS. Depth is at most 64 / RADIX_BITS. */
static void radix_sort(struct sample_set *set, uint64_t begin, uint64_t end, unsigned shift)
{
    uint64_t next[RADIX], bound[RADIX];

    if (end - begin <= INSERTION_MAX) {
        insertion_sort(set, begin, end);
        return;
    }
    memset(bound, 0, sizeof bound);
    for (uint64_t i = begin; i < end; i++)
        bound[key_at(set, i) >> shift & (RADIX - 1)]++;
    for (uint64_t digit = 0, at = begin; digit < RADIX; digit++) {
        next[digit] = at;
        at += bound[digit];
        bound[digit] = at;
    }
    for (unsigned digit = 0; digit < RADIX; digit++) {
        while (next[digit] < bound[digit]) {
            uint64_t key = key_at(set, next[digit]), home;

            /* Each step puts one key into its final bucket and takes out the one that was there. */
            while ((home = key >> shift & (RADIX - 1)) != digit) {
                uint64_t displaced = key_at(set, next[home]);

                key_put(set, next[home]++, key);
                key = displaced;
            }
            key_put(set, next[digit]++, key);
        }
    }
    if (!shift)
        return;
    for (uint64_t digit = 0, from = begin; digit < RADIX; from = bound[digit++])
        radix_sort(set, from, bound[digit], shift >= RADIX_BITS ? shift - RADIX_BITS : 0);
}

static void sort(struct sample_set *set, uint64_t begin, uint64_t end)
{
    uint64_t varying = 0;

    for (uint64_t i = begin; i < end; i++)
        varying |= key_at(set, i) ^ key_at(set, begin);
    if (varying) {
        unsigned top = 64 - (unsigned)__builtin_clzll(varying);

        radix_sort(set, begin, end, top > RADIX_BITS ? top - RADIX_BITS : 0);
    }
}

/* The first entry of the ascending run [begin, end) that is not below `key`, found by doubling steps from `begin`: a
 * walk over a whole run costs the logarithm of the gaps. */
static uint64_t seek(const struct sample_set *set, uint64_t begin, uint64_t end, uint64_t key)
{
    uint64_t step = 1;

    while (step < end - begin && key_at(set, begin + step) < key) {
        begin += step;
        step *= 2;
    }
    end = MIN(end, begin + step + 1);
    while (begin < end) {
        uint64_t middle = begin + (end - begin) / 2;

        if (key_at(set, middle) < key)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

void sample_set_learn(struct sample_set *set, uint64_t end)
{
    uint64_t settled = 0, pending = set->settled, kept = set->known;

    sort(set, set->known, end);
    for (uint64_t i = set->known; i < end; i++) {
        uint64_t key = key_at(set, i);

        if (kept > set->known && key_at(set, kept - 1) == key)
            continue;
        settled = seek(set, settled, set->settled, key);
        if (settled < set->settled && key_at(set, settled) == key)
            continue;
        pending = seek(set, pending, set->known, key);
        if (pending < set->known && key_at(set, pending) == key)
            continue;
        key_put(set, kept++, key);
    }
    if (set->known > set->settled)
        sort(set, set->settled, kept);
    set->known = kept;
    if (!set->settled)
        set->settled = kept;
}

int sample_set_settle(struct sample_set *set)
{
    uint64_t pending = set->known - set->settled, from = set->settled, to = set->known;
    cleanup_free uint64_t *copy = NULL;

    if (!pending)
        return 0;
    copy = memory_alloc(pending, sizeof *copy);
    if (!copy)
        return -ENOMEM;
    for (uint64_t i = 0; i < pending; i++)
        copy[i] = key_at(set, set->settled + i);
    /* From the back, so that a settled entry is moved before its place is taken. */
    while (pending) {
        if (from && key_at(set, from - 1) > copy[pending - 1])
            key_put(set, --to, key_at(set, --from));
        else
            key_put(set, --to, copy[--pending]);
    }
    set->settled = set->known;
    return 0;
}

void sample_set_finish(struct sample_set *set, struct csr *matrix)
{
    for (uint64_t i = 0; i < set->settled; i++)
        matrix->starts[(uint64_t)set->rows[i] + 1]++;
    for (uint32_t row = 0; row < matrix->rows; row++)
        matrix->starts[row + 1] += matrix->starts[row];
    memset(matrix->values, 0, matrix->count * sizeof *matrix->values);
    *set = (struct sample_set){ .rows = NULL };
}
