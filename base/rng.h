/* SPDX-License-Identifier: Apache-2.0
 *
 * Counter-based random numbers (Philox 4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 *
 * A generator is a key (seed, stream) and a position. The numbers at a position depend on nothing else: not on the
 * machine, the thread, or how many were drawn before. Two streams of one seed are independent; a stream is the number
 * of a layer, a candidate, an epoch. Only integer and IEEE-exact operations are used, so the bits agree everywhere.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t seed;
    uint64_t stream;
    uint64_t position; /* of the next block of four words */
    uint32_t block[4];
    unsigned left; /* words of `block` not yet handed out */
};

struct rng rng_make(uint64_t seed, uint64_t stream);

/* The block of four words at `position`, without a generator: a pure function. */
void rng_block(uint64_t seed, uint64_t stream, uint64_t position, uint32_t out[4]);

/* `count` of them in a row, 4 * count words: faster than one by one. */
void rng_blocks(uint64_t seed, uint64_t stream, uint64_t position, uint64_t count, uint32_t *out);

uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);

/* Uniform in [0, bound), without modulo bias (Lemire 2019); bound >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Uniform in [0, 1): 24 and 53 random bits. */
float rng_float(struct rng *rng);
double rng_double(struct rng *rng);

/* Approximately normal, mean 0, variance 1: the sum of twelve uniforms less six (Irwin-Hall), exact in every libm. */
float rng_normal(struct rng *rng);

#endif
