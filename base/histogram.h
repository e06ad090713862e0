/* SPDX-License-Identifier: Apache-2.0
 *
 * Times counted in buckets, log-linear: 16 to an octave, so that a bucket is at most a sixteenth of its value wide.
 * Fixed memory; the last bucket takes whatever is longer than the others (18 minutes).
 *
 * One thread adds; others may read at any time what has been added, a little late, and never half of a number. Relaxed,
 * because nothing else is to be learned from it. A reader copies first (histogram_read()), and asks the copy.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 4, /* 2^4 buckets an octave */
    HISTOGRAM_OCTAVES = 40, /* values below 2^40 ns have a bucket of their own size */
    HISTOGRAM_BUCKETS = (HISTOGRAM_OCTAVES - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t sum; /* of all values */
};

/* The bucket of a value. */
static inline uint32_t histogram_index(uint64_t value)
{
    uint32_t shift;

    if (value >= 1ull << HISTOGRAM_OCTAVES)
        return HISTOGRAM_BUCKETS - 1;
    if (value < 1ull << HISTOGRAM_SUB_BITS)
        return (uint32_t)value;
    shift = 63 - (uint32_t)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return (shift << HISTOGRAM_SUB_BITS) + (uint32_t)(value >> shift);
}

/* The least value that belongs to the bucket behind this one. */
static inline uint64_t histogram_end(uint32_t index)
{
    const uint32_t next = index + 1, octave = next >> HISTOGRAM_SUB_BITS;

    if (octave < 2)
        return next;
    return (uint64_t)(next - ((octave - 1) << HISTOGRAM_SUB_BITS)) << (octave - 1);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    uint64_t *count = &histogram->counts[histogram_index(value)];

    /* One thread adds, so neither needs a locked instruction. */
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&histogram->sum, histogram->sum + value, __ATOMIC_RELAXED);
}

/* A copy that stays as it is. */
void histogram_read(const struct histogram *histogram, struct histogram *copy);

/* Of a copy. How many values there are; the greatest value that the `share` (0 to 1) smallest of them may have had: at
 * most a sixteenth more than it was; 0 of none. share 1: the greatest. */
uint64_t histogram_count(const struct histogram *copy);
uint64_t histogram_quantile(const struct histogram *copy, double share);

/* Adds what stands in one that others may be adding to. */
void histogram_sum(struct histogram *sum, const struct histogram *histogram);

/* `later` becomes what came after `earlier`, of two copies of one histogram. */
void histogram_subtract(struct histogram *later, const struct histogram *earlier);

#endif
