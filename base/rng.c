/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

static inline void make_block(uint64_t seed, uint64_t stream, uint64_t position, uint32_t out[4])
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)position, c1 = (uint32_t)(position >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)PHILOX_M0 * c0, product1 = (uint64_t)PHILOX_M1 * c2;

        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)product0;
        key0 += PHILOX_W0;
        key1 += PHILOX_W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void rng_block(uint64_t seed, uint64_t stream, uint64_t position, uint32_t out[4])
{
    make_block(seed, stream, position, out);
}

void rng_blocks(uint64_t seed, uint64_t stream, uint64_t position, uint64_t count, uint32_t *out)
{
    for (uint64_t i = 0; i < count; i++)
        make_block(seed, stream, position + i, out + 4 * i);
}

struct rng rng_make(uint64_t seed, uint64_t stream)
{
    return (struct rng){ .seed = seed, .stream = stream };
}

uint32_t rng_u32(struct rng *rng)
{
    if (!rng->left) {
        rng_block(rng->seed, rng->stream, rng->position++, rng->block);
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t low = rng_u32(rng);

    return low | (uint64_t)rng_u32(rng) << 32;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    /* The product's high half is uniform once the low half is not among the `2^64 mod bound` values that occur twice.
     */
    unsigned __int128 product = (unsigned __int128)rng_u64(rng) * bound;

    if ((uint64_t)product < bound) {
        uint64_t threshold = -bound % bound;

        while ((uint64_t)product < threshold)
            product = (unsigned __int128)rng_u64(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

float rng_float(struct rng *rng)
{
    return (float)(rng_u32(rng) >> 8) * 0x1p-24f;
}

double rng_double(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

float rng_normal(struct rng *rng)
{
    float sum = -6;

    for (int i = 0; i < 12; i++)
        sum += rng_float(rng);
    return sum;
}
