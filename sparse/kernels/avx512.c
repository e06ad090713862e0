/* SPDX-License-Identifier: Apache-2.0
 *
 * AVX-512: sixteen lanes are one register, and a part of them is a mask.
 */
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sparse/kernels/eight_x86.inc"
#include "sparse/kernels/even.inc"
#include "sparse/kernels/gather_x86.inc"

typedef __m512 vec;

static inline __mmask16 mask_of(unsigned count)
{
    return (__mmask16)((1u << count) - 1);
}

static inline vec vec_set(float value)
{
    return _mm512_set1_ps(value);
}
static inline vec vec_load(const float *from)
{
    return _mm512_loadu_ps(from);
}
static inline void vec_store(float *to, vec value)
{
    _mm512_storeu_ps(to, value);
}
/* To a cache line, past the caches; who has done so ends with vec_stream_end(), before others may look. */
static inline void vec_stream(float *to, vec value)
{
    _mm512_stream_ps(to, value);
}
static inline void vec_stream_end(void)
{
    _mm_sfence();
}
/* Of eight lanes; what the others hold does not matter. */
static inline vec vec_load_half(const float *from)
{
    return _mm512_castps256_ps512(_mm256_loadu_ps(from));
}
static inline vec vec_fma_half(vec a, vec b, vec sum)
{
    return _mm512_castps256_ps512(
        _mm256_fmadd_ps(_mm512_castps512_ps256(a), _mm512_castps512_ps256(b), _mm512_castps512_ps256(sum)));
}
static inline vec vec_keep_half(vec a) /* the others become 0 */
{
    return _mm512_zextps256_ps512(_mm512_castps512_ps256(a));
}
static inline vec vec_fma(vec a, vec b, vec sum)
{
    return _mm512_fmadd_ps(a, b, sum);
}
static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

/* What comes, where it is larger or NaN; else what stands. */
static inline vec vec_larger(vec stands, vec comes)
{
    return _mm512_mask_mov_ps(
        stands, _mm512_cmp_ps_mask(comes, stands, _CMP_GT_OQ) | _mm512_cmp_ps_mask(comes, comes, _CMP_UNORD_Q), comes);
}

/* What is not above 0 becomes +0, but for NaN. */
static inline vec vec_rectify(vec value)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_NLE_UQ), value);
}

/* Whether one of the first `count` lanes is 0 or NaN. */
static inline bool vec_has_zero_or_nan(vec value, unsigned count)
{
    return _mm512_mask_cmp_ps_mask(mask_of(count), value, _mm512_setzero_ps(), _CMP_EQ_UQ) != 0;
}

/* The lanes whose element is not 0. */
static inline unsigned not_zero(const float *x)
{
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(x), _mm512_setzero_ps(), _CMP_NEQ_UQ);
}

/* Lanes from `count` on read as 0, are not stored, and keep the first operand's (the sum's) value. */
static inline vec vec_load_part(const float *from, unsigned count)
{
    return _mm512_maskz_loadu_ps(mask_of(count), from);
}

/* Lanes whose bit is set; the others read as 0, and are not read. */
static inline vec vec_load_masked(const float *from, uint16_t lanes)
{
    return lanes == UINT16_MAX ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(lanes, from);
}

/* The same where seldom all are set. */
static inline vec vec_load_lanes(const float *from, uint16_t lanes)
{
    return _mm512_maskz_loadu_ps(lanes, from);
}

/* Of the floats whose bit is set every second so many, side by side; the others read as 0, and are not read. So many:
 * 1 to 8. */
static inline vec vec_load_even_lanes(const float *from, uint32_t lanes, size_t together)
{
    const __m512i places = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)even_places[together - 1]));

    return _mm512_permutex2var_ps(_mm512_maskz_loadu_ps((__mmask16)lanes, from), places,
                                  _mm512_maskz_loadu_ps((__mmask16)(lanes >> 16), from + 16));
}

/* The first `count` of them. */
static inline vec vec_load_even(const float *from, unsigned count, size_t together)
{
    const unsigned reach = even_places[together - 1][count - 1] + 1u;

    return vec_load_even_lanes(from, (uint32_t)((1ull << reach) - 1), together);
}

/* The same of no more than four or eight: a narrow load seldom lies in two cache lines. */
static inline vec vec_load_four(const float *from, unsigned count)
{
    return _mm512_zextps128_ps512(_mm_maskz_loadu_ps((__mmask8)mask_of(count), from));
}

static inline vec vec_load_eight(const float *from, unsigned count)
{
    return _mm512_zextps256_ps512(_mm256_maskz_loadu_ps((__mmask8)mask_of(count), from));
}

static inline void vec_store_eight(float *to, __m256 value, unsigned count)
{
    _mm256_mask_storeu_ps(to, (__mmask8)mask_of(count), value);
}

static inline void vec_store_part(float *to, vec value, unsigned count)
{
    _mm512_mask_storeu_ps(to, mask_of(count), value);
}

static inline vec vec_fma_part(vec a, vec b, vec sum, unsigned count)
{
    return _mm512_mask3_fmadd_ps(a, b, sum, mask_of(count));
}

/* Only the lanes whose bit is set change. */
static inline vec vec_fma_masked(vec a, vec b, vec sum, uint16_t lanes)
{
    return _mm512_mask3_fmadd_ps(a, b, sum, lanes);
}

static inline vec vec_add_part(vec sum, vec value, unsigned count)
{
    return _mm512_mask_add_ps(sum, mask_of(count), sum, value);
}

static inline vec vec_gather_narrow(const float *from, const uint16_t *index)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(gather_narrow(from, index)), gather_narrow(from, index + 8), 1);
}

static inline vec vec_gather_wide(const float *from, const uint32_t *index)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(gather_wide(from, index)), gather_wide(from, index + 8), 1);
}

/* The lower eight lanes of sixteen. */
static inline eight vec_low(vec value)
{
    return _mm512_castps512_ps256(value);
}

/* Eight values, of which one goes to all lanes, of sixteen or eight: out of a register, because it is the loads that
 * there are too many of. */
typedef __m512 picks;

static inline picks picks_load(const float *from)
{
    return _mm512_castps256_ps512(_mm256_loadu_ps(from));
}

static inline vec picks_one(picks values, unsigned i)
{
    return _mm512_permutexvar_ps(_mm512_set1_epi32((int)i), values);
}

static inline eight picks_eight(picks values, unsigned i)
{
    return _mm256_permutevar8x32_ps(_mm512_castps512_ps256(values), _mm256_set1_epi32((int)i));
}

/* Sixteen values as the float32 that they stand for: a bf16 is its upper half, an int8 a whole number. */
static inline vec vec_load_bf16(const uint16_t *from)
{
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));

    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline vec vec_load_int8(const int8_t *from)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)from)));
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

/* Thirty-two inputs, of which each lane takes the one whose number its byte says (formats/window32.h): five bits of
 * it, whatever stands above them. */
typedef struct {
    vec low, high;
} window;
typedef __m512i window_places;
enum { WINDOW_SAMPLES = 4 }; /* that the registers hold windows and sums of */

static inline window window_load(const float *from)
{
    return (window){ _mm512_loadu_ps(from), _mm512_loadu_ps(from + 16) };
}
static inline window_places window_places_load(const uint32_t *from)
{
    return _mm512_loadu_si512(from);
}
static inline vec window_fetch(window in, window_places places, unsigned byte)
{
    return _mm512_permutex2var_ps(in.low, _mm512_srli_epi32(places, 8 * byte), in.high);
}
static inline __mmask16 window_bit(window_places places, unsigned bit)
{
    return _mm512_test_epi32_mask(places, _mm512_set1_epi32((int)(1u << bit)));
}
static inline vec window_fma(vec values, window in, window_places places, unsigned byte, vec sum)
{
    return _mm512_mask3_fmadd_ps(values, window_fetch(in, places, byte), sum, window_bit(places, 8 * byte + 7));
}

/* Sixty-three inputs and +0: a sixth bit says in which half. */
typedef struct {
    window low, high;
} wide_window;

static inline wide_window wide_window_load(const float *from)
{
    return (wide_window){ window_load(from), { _mm512_loadu_ps(from + 32), _mm512_maskz_loadu_ps(0x7fff, from + 48) } };
}
static inline vec wide_window_fma(vec values, wide_window in, window_places places, unsigned byte, vec sum)
{
    const vec inputs = _mm512_mask_blend_ps(window_bit(places, 8 * byte + 5), window_fetch(in.low, places, byte),
                                            window_fetch(in.high, places, byte));

    return _mm512_fmadd_ps(values, inputs, sum);
}

/* Lanes i and i + 8, added. */
static inline eight vec_fold(vec value)
{
    return _mm256_add_ps(_mm512_castps512_ps256(value), _mm512_extractf32x8_ps(value, 1));
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
enum { ROWS_OF_1 = 8, ROWS_OF_2 = 8 };
#define DENSE16_VECTORS 31 /* of sums and weights that the registers hold */
/* Chains of a shifted product in flight. */
#define SHIFTED_CHAINS 8

/* Vectors of a row of a chunk of positions. */
#define DIRECT_CHAINS 8

/* Vectors of a row of a tile. */
#define TILE_CHAINS 8
/* The same of TILE_TOGETHER rows. */
#define TILE_FULL_CHAINS 6

/* Rows of a panel in flight, and vectors of each. */
enum { PANEL_ROWS = 8, PANEL_TOGETHER = 2 };

/* Vectors of samples of a column, and as many of its gradient, that the registers hold. */
enum { COLUMN_TILE = 8 };

#include "sparse/kernels/elementwise.inc"
#include "sparse/kernels/softmax.inc"
#include "sparse/kernels/vector.inc"

#define KERNELS_NAME  "avx512"
#define KERNELS_TABLE kernels_avx512
#include "sparse/kernels/table.inc"
