/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

#if defined(__x86_64__)

enum { WIDE = 8 }; /* blocks side by side */

/* Both halves of eight products of 32 bits. */
__attribute__((target("avx2"))) static inline void multiply_wide(__m256i a, __m256i factor, __m256i *high, __m256i *low)
{
    __m256i even = _mm256_mul_epu32(a, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);

    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

/* From one word of eight blocks after the other to one block after the other. */
__attribute__((target("avx2"))) static inline void store_wide(const __m256i c[4], uint32_t *out)
{
    __m256i ab_low = _mm256_unpacklo_epi32(c[0], c[1]), ab_high = _mm256_unpackhi_epi32(c[0], c[1]);
    __m256i cd_low = _mm256_unpacklo_epi32(c[2], c[3]), cd_high = _mm256_unpackhi_epi32(c[2], c[3]);
    __m256i blocks[4] = { _mm256_unpacklo_epi64(ab_low, cd_low), _mm256_unpackhi_epi64(ab_low, cd_low),
                          _mm256_unpacklo_epi64(ab_high, cd_high), _mm256_unpackhi_epi64(ab_high, cd_high) };

    for (int i = 0; i < 4; i++) {
        _mm_storeu_si128((__m128i *)(void *)(out + 4 * i), _mm256_castsi256_si128(blocks[i]));
        _mm_storeu_si128((__m128i *)(void *)(out + 4 * (i + 4)), _mm256_extracti128_si256(blocks[i], 1));
    }
}

/* Eight blocks whose positions agree in their high halves. */
__attribute__((target("avx2"))) static void make_wide(uint64_t seed, uint64_t stream, uint64_t position, uint32_t *out)
{
    const __m256i m0 = _mm256_set1_epi64x(PHILOX_M0), m1 = _mm256_set1_epi64x(PHILOX_M1);
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    __m256i c[4] = { _mm256_add_epi32(_mm256_set1_epi32((int)(uint32_t)position),
                                      _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
                     _mm256_set1_epi32((int)(uint32_t)(position >> 32)), _mm256_set1_epi32((int)(uint32_t)stream),
                     _mm256_set1_epi32((int)(uint32_t)(stream >> 32)) };

    for (int round = 0; round < 10; round++) {
        __m256i high0, low0, high1, low1;

        multiply_wide(c[0], m0, &high0, &low0);
        multiply_wide(c[2], m1, &high1, &low1);
        c[0] = _mm256_xor_si256(_mm256_xor_si256(high1, c[1]), _mm256_set1_epi32((int)key0));
        c[1] = low1;
        c[2] = _mm256_xor_si256(_mm256_xor_si256(high0, c[3]), _mm256_set1_epi32((int)key1));
        c[3] = low0;
        key0 += PHILOX_W0;
        key1 += PHILOX_W1;
    }
    store_wide(c, out);
}

/* As many of the blocks as go side by side; returns how many. */
static uint64_t make_wide_blocks(uint64_t seed, uint64_t stream, uint64_t position, uint64_t count, uint32_t *out)
{
    uint64_t i = 0;

    if (!__builtin_cpu_supports("avx2"))
        return 0;
    for (; i + WIDE <= count && (uint32_t)(position + i) <= UINT32_MAX - WIDE; i += WIDE)
        make_wide(seed, stream, position + i, out + 4 * i);
    return i;
}

#else

static uint64_t make_wide_blocks(uint64_t seed, uint64_t stream, uint64_t position, uint64_t count, uint32_t *out)
{
    (void)seed, (void)stream, (void)position, (void)count, (void)out;
    return 0;
}

#endif

void rng_blocks(uint64_t seed, uint64_t stream, uint64_t position, uint64_t count, uint32_t *out)
{
    for (uint64_t i = make_wide_blocks(seed, stream, position, count, out); i < count; i++)
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
