/* SPDX-License-Identifier: Apache-2.0
 *
 * The draws of sample.h's definition, many at once. Private to the sampler.
 */
#ifndef SPARSE_CONSTRUCT_SAMPLE_DRAWS_H
#define SPARSE_CONSTRUCT_SAMPLE_DRAWS_H

#include <stdint.h>

#include "base/rng.h"

enum { SAMPLE_DRAWS = 256 }; /* at a time */

/* Draws [begin, begin + count) of the stream among so many positions, count <= SAMPLE_DRAWS; they stand in the buffer
 * from the place that is returned. */
static inline const uint64_t *sample_draws(uint64_t seed, uint64_t stream, uint64_t positions, uint64_t begin,
                                           uint64_t count, uint64_t buffer[static SAMPLE_DRAWS + 2])
{
    uint64_t skip = begin % 2; /* a block of random numbers makes two */

    rng_blocks(seed, stream, begin / 2, (skip + count + 1) / 2, (uint32_t *)buffer);
    for (uint64_t i = 0; i < skip + count; i++)
        buffer[i] = (uint64_t)((unsigned __int128)buffer[i] * positions >> 64);
    return buffer + skip;
}

#endif
