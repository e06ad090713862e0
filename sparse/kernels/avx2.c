/* SPDX-License-Identifier: Apache-2.0
 *
 * AVX2 with FMA: sixteen lanes are two registers, and a part of them is a pair of masks.
 */
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/size.h"
#include "sparse/kernels/eight_x86.inc"
#include "sparse/kernels/even.inc"
#include "sparse/kernels/gather_x86.inc"

typedef struct {
    __m256 low, high;
} vec;

static inline __m256i mask_of(unsigned count, int first)
{
    __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));

    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane);
}

static inline vec vec_set(float value)
{
    return (vec){ _mm256_set1_ps(value), _mm256_set1_ps(value) };
}

static inline vec vec_load(const float *from)
{
    return (vec){ _mm256_loadu_ps(from), _mm256_loadu_ps(from + 8) };
}

static inline void vec_store(float *to, vec value)
{
    _mm256_storeu_ps(to, value.low);
    _mm256_storeu_ps(to + 8, value.high);
}

/* To a cache line, past the caches; who has done so ends with vec_stream_end(), before others may look. */
static inline void vec_stream(float *to, vec value)
{
    _mm256_stream_ps(to, value.low);
    _mm256_stream_ps(to + 8, value.high);
}

static inline void vec_stream_end(void)
{
    _mm_sfence();
}

static inline vec vec_fma(vec a, vec b, vec sum)
{
    return (vec){ _mm256_fmadd_ps(a.low, b.low, sum.low), _mm256_fmadd_ps(a.high, b.high, sum.high) };
}

/* Of eight lanes; what the others hold does not matter. */
static inline vec vec_load_half(const float *from)
{
    return (vec){ _mm256_loadu_ps(from), _mm256_setzero_ps() };
}

static inline vec vec_fma_half(vec a, vec b, vec sum)
{
    return (vec){ _mm256_fmadd_ps(a.low, b.low, sum.low), sum.high };
}

static inline vec vec_keep_half(vec a) /* the others are 0 */
{
    return a;
}

static inline vec vec_add(vec a, vec b)
{
    return (vec){ _mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high) };
}

/* What comes, where it is larger or NaN; else what stands. */
static inline __m256 larger_eight(__m256 stands, __m256 comes)
{
    return _mm256_blendv_ps(
        stands, comes,
        _mm256_or_ps(_mm256_cmp_ps(comes, stands, _CMP_GT_OQ), _mm256_cmp_ps(comes, comes, _CMP_UNORD_Q)));
}

static inline vec vec_larger(vec stands, vec comes)
{
    return (vec){ larger_eight(stands.low, comes.low), larger_eight(stands.high, comes.high) };
}

static inline vec vec_rectify(vec value)
{
    return (vec){ eight_rectify(value.low), eight_rectify(value.high) };
}

/* Whether one of the first `count` lanes is 0 or NaN. */
static inline bool vec_has_zero_or_nan(vec value, unsigned count)
{
    const __m256 zero = _mm256_setzero_ps();
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(value.low, zero, _CMP_EQ_UQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(value.high, zero, _CMP_EQ_UQ));

    return ((unsigned)(low | high << 8) & ((1u << count) - 1)) != 0;
}

/* The lanes whose element is not 0. */
static inline unsigned not_zero(const float *x)
{
    const __m256 zero = _mm256_setzero_ps();
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x), zero, _CMP_NEQ_UQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x + 8), zero, _CMP_NEQ_UQ));

    return (unsigned)(low | high << 8);
}

/* Lanes from `count` on read as 0, are not stored, and keep the sum's value. */
static inline vec vec_load_part(const float *from, unsigned count)
{
    return (vec){ _mm256_maskload_ps(from, mask_of(count, 0)), _mm256_maskload_ps(from + 8, mask_of(count, 8)) };
}

/* Of eight floats those whose bit is set; the others read as 0, and are not read. */
static inline __m256 load_eight_lanes(const float *from, uint32_t lanes)
{
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), all = _mm256_set1_epi32((int)lanes);

    return _mm256_maskload_ps(from, _mm256_cmpeq_epi32(_mm256_and_si256(all, bits), bits));
}

/* Lanes whose bit is set; the others read as 0, and are not read. */
static inline vec vec_load_lanes(const float *from, uint16_t lanes)
{
    return (vec){ load_eight_lanes(from, lanes), load_eight_lanes(from + 8, lanes >> 8) };
}

/* The same where nearly always all are set. */
static inline vec vec_load_masked(const float *from, uint16_t lanes)
{
    return lanes == UINT16_MAX ? vec_load(from) : vec_load_lanes(from, lanes);
}

/* Of sixteen floats every second so many: 1, 2, 4, or else 8. */
static inline __m256 even_of(__m256 low, __m256 high, size_t together)
{
    const __m256d pairs = _mm256_unpacklo_pd(_mm256_castps_pd(low), _mm256_castps_pd(high));
    const __m256 ones = _mm256_shuffle_ps(low, high, 0x88); /* 0 2 8 10, 4 6 12 14 */

    switch (together) {
    case 1:
        return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(ones), 0xd8));
    case 2:
        return _mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8));
    case 4:
        return _mm256_permute2f128_ps(low, high, 0x20);
    default:
        return low;
    }
}

/* The same of 3, 5, 6 and 7, which no shuffle of halves has. */
static vec load_places(const float *from, uint32_t lanes, const uint8_t *places)
{
    float values[2 * EIGHT];

    for (unsigned i = 0; i < 2 * EIGHT; i++)
        values[i] = lanes >> places[i] & 1 ? from[places[i]] : 0;
    return vec_load(values);
}

/* Of the floats whose bit is set every second so many, side by side; the others read as 0, and are not read. So many:
 * 1 to 8. */
static inline vec vec_load_even_lanes(const float *from, uint32_t lanes, size_t together)
{
    if (2 * EIGHT % together)
        return load_places(from, lanes, even_places[together - 1]);
    return (
        vec){ even_of(load_eight_lanes(from, lanes), load_eight_lanes(from + 8, lanes >> 8), together),
              even_of(load_eight_lanes(from + 16, lanes >> 16), load_eight_lanes(from + 24, lanes >> 24), together) };
}

/* The first `count` of them. */
static inline vec vec_load_even(const float *from, unsigned count, size_t together)
{
    const unsigned reach = even_places[together - 1][count - 1] + 1u;

    return vec_load_even_lanes(from, (uint32_t)((1ull << reach) - 1), together);
}

/* The same of no more than eight, or four: a narrow load seldom lies in two cache lines. */
static inline vec vec_load_eight(const float *from, unsigned count)
{
    return (vec){ _mm256_maskload_ps(from, mask_of(count, 0)), _mm256_setzero_ps() };
}

static inline vec vec_load_four(const float *from, unsigned count)
{
    return vec_load_eight(from, count); /* measured: the half register is slower */
}

static inline void vec_store_eight(float *to, __m256 value, unsigned count)
{
    _mm256_maskstore_ps(to, mask_of(count, 0), value);
}

static inline void vec_store_part(float *to, vec value, unsigned count)
{
    _mm256_maskstore_ps(to, mask_of(count, 0), value.low);
    _mm256_maskstore_ps(to + 8, mask_of(count, 8), value.high);
}

static inline vec vec_choose(vec no, vec yes, unsigned count)
{
    return (vec){ _mm256_blendv_ps(no.low, yes.low, _mm256_castsi256_ps(mask_of(count, 0))),
                  _mm256_blendv_ps(no.high, yes.high, _mm256_castsi256_ps(mask_of(count, 8))) };
}

static inline vec vec_fma_part(vec a, vec b, vec sum, unsigned count)
{
    return vec_choose(sum, vec_fma(a, b, sum), count);
}

/* Only the lanes whose bit is set change. */
static inline vec vec_fma_masked(vec a, vec b, vec sum, uint16_t lanes)
{
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i low = _mm256_set1_epi32(lanes), high = _mm256_set1_epi32(lanes >> 8);
    const vec next = vec_fma(a, b, sum);

    return (vec){ _mm256_blendv_ps(sum.low, next.low,
                                   _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(low, bits), bits))),
                  _mm256_blendv_ps(sum.high, next.high,
                                   _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(high, bits), bits))) };
}

static inline vec vec_add_part(vec sum, vec value, unsigned count)
{
    return vec_choose(sum, vec_add(sum, value), count);
}

static inline vec vec_gather_narrow(const float *from, const uint16_t *index)
{
    return (vec){ gather_narrow(from, index), gather_narrow(from, index + 8) };
}

static inline vec vec_gather_wide(const float *from, const uint32_t *index)
{
    return (vec){ gather_wide(from, index), gather_wide(from, index + 8) };
}

/* The lower eight lanes of sixteen. */
static inline eight vec_low(vec value)
{
    return value.low;
}

/* Eight values, of which one goes to all lanes, of sixteen or eight. */
typedef const float *picks;

static inline picks picks_load(const float *from)
{
    return from;
}

static inline vec picks_one(picks values, unsigned i)
{
    return vec_set(values[i]);
}

static inline eight picks_eight(picks values, unsigned i)
{
    return eight_set(values[i]);
}

/* Sixteen values as the float32 that they stand for: a bf16 is its upper half, an int8 a whole number. */
static inline __m256 bf16_half(const uint16_t *from)
{
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));

    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline vec vec_load_bf16(const uint16_t *from)
{
    return (vec){ bf16_half(from), bf16_half(from + 8) };
}

static inline __m256 int8_half(const int8_t *from)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)from)));
}

static inline vec vec_load_int8(const int8_t *from)
{
    return (vec){ int8_half(from), int8_half(from + 8) };
}

static inline vec vec_mul(vec a, vec b)
{
    return (vec){ _mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high) };
}

/* Thirty-two inputs, of which each lane takes the one whose number its byte says (formats/window32.h): three bits say
 * which of a register, the next two which register. */
typedef struct {
    __m256 eights[4];
} window;
typedef struct {
    __m256i low, high;
} window_places;
enum { WINDOW_SAMPLES = 1 };

static inline window window_load(const float *from)
{
    return (window){ { _mm256_loadu_ps(from), _mm256_loadu_ps(from + 8), _mm256_loadu_ps(from + 16),
                       _mm256_loadu_ps(from + 24) } };
}

static inline window_places window_places_load(const uint32_t *from)
{
    return (window_places){ _mm256_loadu_si256((const __m256i *)from), _mm256_loadu_si256((const __m256i *)from + 1) };
}

/* A bit of each place where blends look: in the sign. */
static inline __m256 window_bit(__m256i places, unsigned bit)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(places, (int)(31 - bit)));
}

static inline __m256 window_fetch_half(window in, __m256i places, unsigned byte)
{
    const __m256i from = _mm256_srli_epi32(places, (int)(8 * byte));
    const __m256 third = window_bit(places, 8 * byte + 3), fourth = window_bit(places, 8 * byte + 4);
    const __m256 low = _mm256_blendv_ps(_mm256_permutevar8x32_ps(in.eights[0], from),
                                        _mm256_permutevar8x32_ps(in.eights[1], from), third);
    const __m256 high = _mm256_blendv_ps(_mm256_permutevar8x32_ps(in.eights[2], from),
                                         _mm256_permutevar8x32_ps(in.eights[3], from), third);

    return _mm256_blendv_ps(low, high, fourth);
}

static inline __m256 window_fma_half(__m256 values, window in, __m256i places, unsigned byte, __m256 sum)
{
    const __m256 next = _mm256_fmadd_ps(values, window_fetch_half(in, places, byte), sum);

    return _mm256_blendv_ps(sum, next, window_bit(places, 8 * byte + 7));
}

static inline vec window_fma(vec values, window in, window_places places, unsigned byte, vec sum)
{
    return (vec){ window_fma_half(values.low, in, places.low, byte, sum.low),
                  window_fma_half(values.high, in, places.high, byte, sum.high) };
}

/* Sixty-three inputs and +0: a sixth bit says in which half. */
typedef struct {
    window low, high;
} wide_window;

static inline wide_window wide_window_load(const float *from)
{
    wide_window in = { window_load(from),
                       { { _mm256_loadu_ps(from + 32), _mm256_loadu_ps(from + 40), _mm256_loadu_ps(from + 48) } } };

    in.high.eights[3] = _mm256_maskload_ps(from + 56, _mm256_setr_epi32(-1, -1, -1, -1, -1, -1, -1, 0));
    return in;
}

static inline __m256 wide_window_fma_half(__m256 values, wide_window in, __m256i places, unsigned byte, __m256 sum)
{
    const __m256 inputs = _mm256_blendv_ps(window_fetch_half(in.low, places, byte),
                                           window_fetch_half(in.high, places, byte), window_bit(places, 8 * byte + 5));

    return _mm256_fmadd_ps(values, inputs, sum);
}

static inline vec wide_window_fma(vec values, wide_window in, window_places places, unsigned byte, vec sum)
{
    return (vec){ wide_window_fma_half(values.low, in, places.low, byte, sum.low),
                  wide_window_fma_half(values.high, in, places.high, byte, sum.high) };
}

/* Lanes i and i + 8, added. */
static inline eight vec_fold(vec value)
{
    return _mm256_add_ps(value.low, value.high);
}

/* The contract's tree: + 8, + 4, + 2, + 1. */
static inline float vec_sum(vec value)
{
    __m256 half = vec_fold(value);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* Rows in flight where a row has so many vectors of samples: together they keep the multipliers busy and fit the
 * registers. */
enum { ROWS_OF_1 = 4, ROWS_OF_2 = 2 };
#define DENSE16_VECTORS 7 /* of sums and weights that the registers hold */
/* Chains of a shifted product in flight. */
#define SHIFTED_CHAINS 4

/* Vectors of a row of a chunk of positions. */
#define DIRECT_CHAINS 4

/* Vectors of a row of a tile. */
#define TILE_CHAINS 4
/* The same of TILE_TOGETHER rows. */
#define TILE_FULL_CHAINS 1

/* Rows of a panel in flight, and vectors of each. */
enum { PANEL_ROWS = 4, PANEL_TOGETHER = 1 };

/* Vectors of samples of a column, and as many of its gradient, that the registers hold. */
enum { COLUMN_TILE = 2 };

#include "sparse/kernels/elementwise.inc"
#include "sparse/kernels/softmax.inc"
#include "sparse/kernels/vector.inc"

#define KERNELS_NAME  "avx2"
#define KERNELS_TABLE kernels_avx2
#include "sparse/kernels/table.inc"
