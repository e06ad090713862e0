/* SPDX-License-Identifier: Apache-2.0
 *
 * Checked size arithmetic. Every count that comes from outside (a file, a socket, a command line) goes through these
 * before it is used as a size; a false return means the result would not fit and *out is not to be used.
 */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))

static inline bool size_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool size_multiply(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* Of times and other sums that nobody allocates by: what would not fit is the most that there is. */
static inline uint64_t saturating_add(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return size_add(a, b, &sum) ? sum : UINT64_MAX;
}
static inline uint64_t saturating_multiply(uint64_t a, uint64_t b)
{
    uint64_t product;

    return size_multiply(a, b, &product) ? product : UINT64_MAX;
}

/* Rounds up to `alignment`, a power of two. */
static inline bool size_align(uint64_t value, uint64_t alignment, uint64_t *out)
{
    if (!size_add(value, alignment - 1, out))
        return false;
    *out &= ~(alignment - 1);
    return true;
}

/* Whether [offset, offset + length) lies inside [0, limit), without overflow. */
static inline bool size_within(uint64_t offset, uint64_t length, uint64_t limit)
{
    return length <= limit && offset <= limit - length;
}

static inline bool size_is_power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

#endif
