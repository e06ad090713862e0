/* SPDX-License-Identifier: Apache-2.0
 *
 * NEON of ARMv8 (every aarch64 has it): sixteen lanes are four registers, eight are two. There are no masks: a part of
 * a register is loaded and stored lane by lane, and chosen by comparing lane numbers.
 */
#include <arm_neon.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sparse/kernels/even.inc"
#include "sparse/kernels/formats/window32.h"

enum { QUARTER = 4 };

/* ---- four lanes ---- */

/* The first `count` lanes, of at most four; the others are 0. Nothing behind them is read. */
static inline float32x4_t quarter_load(const float *from, unsigned count)
{
    float32x4_t value = vdupq_n_f32(0);

    if (count >= QUARTER)
        return vld1q_f32(from);
    if (count > 0)
        value = vld1q_lane_f32(from, value, 0);
    if (count > 1)
        value = vld1q_lane_f32(from + 1, value, 1);
    if (count > 2)
        value = vld1q_lane_f32(from + 2, value, 2);
    return value;
}

static inline void quarter_store(float *to, float32x4_t value, unsigned count)
{
    if (count >= QUARTER) {
        vst1q_f32(to, value);
        return;
    }
    if (count > 0)
        vst1q_lane_f32(to, value, 0);
    if (count > 1)
        vst1q_lane_f32(to + 1, value, 1);
    if (count > 2)
        vst1q_lane_f32(to + 2, value, 2);
}

/* Lanes of the `count` that are left from register q on. */
static inline unsigned quarter_count(unsigned count, unsigned q)
{
    return count > q * QUARTER ? count - q * QUARTER : 0;
}

static inline float32x4_t quarter_choose(float32x4_t no, float32x4_t yes, unsigned count)
{
    static const uint32_t lanes[QUARTER] = { 0, 1, 2, 3 };

    return vbslq_f32(vcltq_u32(vld1q_u32(lanes), vdupq_n_u32(count)), yes, no);
}

static inline float32x4_t quarter_gather(const float *from, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    float32x4_t four = vld1q_dup_f32(from + a);

    four = vld1q_lane_f32(from + b, four, 1);
    four = vld1q_lane_f32(from + c, four, 2);
    return vld1q_lane_f32(from + d, four, 3);
}

/* The lanes whose element is not 0. */
static inline unsigned not_zero(const float *x)
{
    unsigned lanes = 0;

    for (unsigned i = 0; i < 16; i++)
        lanes |= (unsigned)(x[i] != 0) << i;
    return lanes;
}

/* What comes, where it is larger or NaN; else what stands. */
static inline float32x4_t quarter_larger(float32x4_t stands, float32x4_t comes)
{
    return vbslq_f32(vorrq_u32(vcgtq_f32(comes, stands), vmvnq_u32(vceqq_f32(comes, comes))), comes, stands);
}

/* `count` floats that stand two apart; what is behind the last is read only where more follow. */
static inline float32x4_t quarter_load_even(const float *from, unsigned count)
{
    float32x4_t value = vdupq_n_f32(0);

    if (count > QUARTER)
        return vld2q_f32(from).val[0];
    if (count > 0)
        value = vld1q_lane_f32(from, value, 0);
    if (count > 1)
        value = vld1q_lane_f32(from + 2, value, 1);
    if (count > 2)
        value = vld1q_lane_f32(from + 4, value, 2);
    if (count > 3)
        value = vld1q_lane_f32(from + 6, value, 3);
    return value;
}

/* What is not above 0 becomes +0, but for NaN. */
static inline float32x4_t quarter_rectify(float32x4_t value)
{
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(value), vclezq_f32(value)));
}

/* ---- eight lanes ---- */

typedef struct {
    float32x4_t low, high;
} eight;

enum { EIGHT = 8 };

/* Of 1, 2, 4 or 8 floats, a constant; the other lanes are 0. */
static inline __attribute__((always_inline)) eight eight_load(const float *from, size_t n)
{
    return (eight){ quarter_load(from, (unsigned)n), n == EIGHT ? vld1q_f32(from + QUARTER) : vdupq_n_f32(0) };
}

static inline __attribute__((always_inline)) void eight_store(float *to, eight value, size_t n)
{
    quarter_store(to, value.low, (unsigned)n);
    if (n == EIGHT)
        vst1q_f32(to + QUARTER, value.high);
}

static inline eight eight_set(float value)
{
    return (eight){ vdupq_n_f32(value), vdupq_n_f32(value) };
}

static inline eight eight_mul(eight a, eight b)
{
    return (eight){ vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high) };
}

static inline eight eight_fma(eight a, eight b, eight sum)
{
    return (eight){ vfmaq_f32(sum.low, a.low, b.low), vfmaq_f32(sum.high, a.high, b.high) };
}

static inline eight eight_add(eight a, eight b)
{
    return (eight){ vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high) };
}

static inline eight eight_rectify(eight value)
{
    return (eight){ quarter_rectify(value.low), quarter_rectify(value.high) };
}

/* Lanes i and i + 4 of two, added. */
static inline eight eight_add_halves(eight a, eight b)
{
    return (eight){ vaddq_f32(a.low, a.high), vaddq_f32(b.low, b.high) };
}

/* Of two registers: lanes 0 + 2 and 1 + 3 of the one, then of the other. */
static inline float32x4_t quarter_add_pairs(float32x4_t a, float32x4_t b)
{
    const float64x2_t first = vreinterpretq_f64_f32(a), second = vreinterpretq_f64_f32(b);

    return vaddq_f32(vreinterpretq_f32_f64(vzip1q_f64(first, second)),
                     vreinterpretq_f32_f64(vzip2q_f64(first, second)));
}

static inline float32x4_t quarter_sums(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d)
{
    const float32x4_t ab = quarter_add_pairs(a, b), cd = quarter_add_pairs(c, d);

    return vaddq_f32(vuzp1q_f32(ab, cd), vuzp2q_f32(ab, cd));
}

/* The sum of the lanes of each of eight: of every one the tree + 4, + 2, + 1, all at once. */
static inline eight eight_sums(const eight all[static EIGHT])
{
    const eight a = eight_add_halves(all[0], all[4]), b = eight_add_halves(all[1], all[5]);
    const eight c = eight_add_halves(all[2], all[6]), d = eight_add_halves(all[3], all[7]);

    return (eight){ quarter_sums(a.low, b.low, c.low, d.low), quarter_sums(a.high, b.high, c.high, d.high) };
}

static inline void quarter_turn(float32x4_t *a, float32x4_t *b, float32x4_t *c, float32x4_t *d)
{
    const float64x2_t ab_low = vreinterpretq_f64_f32(vzip1q_f32(*a, *b)),
                      ab_high = vreinterpretq_f64_f32(vzip2q_f32(*a, *b));
    const float64x2_t cd_low = vreinterpretq_f64_f32(vzip1q_f32(*c, *d)),
                      cd_high = vreinterpretq_f64_f32(vzip2q_f32(*c, *d));

    *a = vreinterpretq_f32_f64(vzip1q_f64(ab_low, cd_low));
    *b = vreinterpretq_f32_f64(vzip2q_f64(ab_low, cd_low));
    *c = vreinterpretq_f32_f64(vzip1q_f64(ab_high, cd_high));
    *d = vreinterpretq_f32_f64(vzip2q_f64(ab_high, cd_high));
}

/* Rows become columns: those of each quarter of the square, and two quarters change places. */
static inline void eight_turn(eight all[static EIGHT])
{
    for (unsigned i = 0; i < EIGHT; i += QUARTER) {
        quarter_turn(&all[i].low, &all[i + 1].low, &all[i + 2].low, &all[i + 3].low);
        quarter_turn(&all[i].high, &all[i + 1].high, &all[i + 2].high, &all[i + 3].high);
    }
    for (unsigned i = 0; i < QUARTER; i++) {
        const float32x4_t high = all[i].high;

        all[i].high = all[i + QUARTER].low;
        all[i + QUARTER].low = high;
    }
}

/* The first `count` lanes. */
static inline void eight_store_part(float *to, eight value, size_t count)
{
    quarter_store(to, value.low, (unsigned)count);
    quarter_store(to + QUARTER, value.high, quarter_count((unsigned)count, 1));
}

/* ---- sixteen lanes ---- */

typedef struct {
    float32x4_t quarter[4];
} vec;

static inline vec vec_set(float value)
{
    const float32x4_t all = vdupq_n_f32(value);

    return (vec){ { all, all, all, all } };
}

static inline vec vec_load(const float *from)
{
    return (vec){ { vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12) } };
}

static inline void vec_store(float *to, vec value)
{
    for (unsigned q = 0; q < 4; q++)
        vst1q_f32(to + (size_t)q * QUARTER, value.quarter[q]);
}

/* Where others write past the caches; here a store as any other. */
static inline void vec_stream(float *to, vec value)
{
    vec_store(to, value);
}

static inline void vec_stream_end(void) {}

static inline vec vec_fma(vec a, vec b, vec sum)
{
    for (unsigned q = 0; q < 4; q++)
        sum.quarter[q] = vfmaq_f32(sum.quarter[q], a.quarter[q], b.quarter[q]);
    return sum;
}

/* Of eight lanes; what the others hold does not matter. */
static inline vec vec_load_half(const float *from)
{
    return (vec){ { vld1q_f32(from), vld1q_f32(from + 4), vdupq_n_f32(0), vdupq_n_f32(0) } };
}

static inline vec vec_fma_half(vec a, vec b, vec sum)
{
    for (unsigned q = 0; q < 2; q++)
        sum.quarter[q] = vfmaq_f32(sum.quarter[q], a.quarter[q], b.quarter[q]);
    return sum;
}

static inline vec vec_keep_half(vec a) /* the others are 0 */
{
    return (vec){ { a.quarter[0], a.quarter[1], vdupq_n_f32(0), vdupq_n_f32(0) } };
}

static inline vec vec_add(vec a, vec b)
{
    for (unsigned q = 0; q < 4; q++)
        a.quarter[q] = vaddq_f32(a.quarter[q], b.quarter[q]);
    return a;
}

/* Lanes from `count` on read as 0, are not stored, and keep the sum's value. */
static inline vec vec_load_part(const float *from, unsigned count)
{
    vec value;

    for (unsigned q = 0; q < 4; q++)
        value.quarter[q] = quarter_load(from + (size_t)q * QUARTER, quarter_count(count, q));
    return value;
}

/* The same of no more than eight, or four. */
static inline vec vec_load_eight(const float *from, unsigned count)
{
    return (vec){ { quarter_load(from, count), quarter_load(from + QUARTER, quarter_count(count, 1)), vdupq_n_f32(0),
                    vdupq_n_f32(0) } };
}

static inline vec vec_load_four(const float *from, unsigned count)
{
    return (vec){ { quarter_load(from, count), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0) } };
}

static inline void vec_store_part(float *to, vec value, unsigned count)
{
    for (unsigned q = 0; q < 4; q++)
        quarter_store(to + (size_t)q * QUARTER, value.quarter[q], quarter_count(count, q));
}

static inline vec vec_choose(vec no, vec yes, unsigned count)
{
    for (unsigned q = 0; q < 4; q++)
        no.quarter[q] = quarter_choose(no.quarter[q], yes.quarter[q], quarter_count(count, q));
    return no;
}

static inline vec vec_fma_part(vec a, vec b, vec sum, unsigned count)
{
    return vec_choose(sum, vec_fma(a, b, sum), count);
}

/* Only the lanes whose bit is set change. */
static inline vec vec_fma_masked(vec a, vec b, vec sum, uint16_t lanes)
{
    static const uint32_t bits[QUARTER] = { 1, 2, 4, 8 };
    const uint32x4_t bit = vld1q_u32(bits);
    const vec next = vec_fma(a, b, sum);

    for (unsigned q = 0; q < 4; q++)
        sum.quarter[q] =
            vbslq_f32(vtstq_u32(vdupq_n_u32((uint32_t)lanes >> (q * QUARTER)), bit), next.quarter[q], sum.quarter[q]);
    return sum;
}

static inline vec vec_add_part(vec sum, vec value, unsigned count)
{
    return vec_choose(sum, vec_add(sum, value), count);
}

static inline vec vec_larger(vec stands, vec comes)
{
    for (unsigned q = 0; q < 4; q++)
        stands.quarter[q] = quarter_larger(stands.quarter[q], comes.quarter[q]);
    return stands;
}

static inline vec vec_rectify(vec value)
{
    for (unsigned q = 0; q < 4; q++)
        value.quarter[q] = quarter_rectify(value.quarter[q]);
    return value;
}

/* Whether one of the first `count` lanes is 0 or NaN: those are not below 0 and not above it. */
static inline bool vec_has_zero_or_nan(vec value, unsigned count)
{
    static const uint32_t numbers[QUARTER] = { 0, 1, 2, 3 };
    const uint32x4_t lane = vld1q_u32(numbers);
    uint32x4_t found = vdupq_n_u32(0);

    for (unsigned q = 0; q < 4; q++) {
        const uint32x4_t is_other = vorrq_u32(vcltzq_f32(value.quarter[q]), vcgtzq_f32(value.quarter[q]));

        found = vorrq_u32(found, vbicq_u32(vcltq_u32(lane, vdupq_n_u32(quarter_count(count, q))), is_other));
    }
    return vmaxvq_u32(found) != 0;
}

/* Lanes whose bit is set; the others read as 0, and are not read. */
static inline vec vec_load_masked(const float *from, uint16_t lanes)
{
    float values[4 * QUARTER] = { 0 };
    vec value;

    for (unsigned i = 0; i < 4 * QUARTER && lanes != UINT16_MAX; i++)
        values[i] = lanes >> i & 1 ? from[i] : 0;
    for (unsigned q = 0; q < 4; q++)
        value.quarter[q] = vld1q_f32((lanes == UINT16_MAX ? from : values) + (size_t)q * QUARTER);
    return value;
}

/* The same where seldom all are set: a quarter of which all are is loaded whole. */
static inline vec vec_load_lanes(const float *from, uint16_t lanes)
{
    float values[QUARTER];
    vec value;

    for (unsigned q = 0; q < 4; q++, from += QUARTER, lanes >>= QUARTER) {
        for (unsigned i = 0; i < QUARTER; i++)
            values[i] = lanes >> i & 1 ? from[i] : 0;
        value.quarter[q] = vld1q_f32((lanes & 15) == 15 ? from : values);
    }
    return value;
}

/* Of the floats whose bit is set every second so many, side by side; the others read as 0, and are not read. So many:
 * 1 to 8. */
static inline vec vec_load_even_lanes(const float *from, uint32_t lanes, size_t together)
{
    float values[4 * QUARTER];
    vec value;

    for (size_t i = 0; i < 4 * QUARTER; i++) {
        const size_t at = even_places[together - 1][i];

        values[i] = lanes >> at & 1 ? from[at] : 0;
    }
    for (unsigned q = 0; q < 4; q++)
        value.quarter[q] = vld1q_f32(values + (size_t)q * QUARTER);
    return value;
}

/* The first `count` of them. */
static inline vec vec_load_even(const float *from, unsigned count, size_t together)
{
    const unsigned reach = even_places[together - 1][count ? count - 1 : 0] + 1u;
    vec value;

    if (together > 1)
        return vec_load_even_lanes(from, (uint32_t)((1ull << reach) - 1), together);
    for (unsigned q = 0; q < 4; q++)
        value.quarter[q] = quarter_load_even(from + (size_t)q * QUARTER * 2, quarter_count(count, q));
    return value;
}

static inline vec vec_gather_narrow(const float *from, const uint16_t *index)
{
    vec value;

    for (unsigned q = 0; q < 4; q++, index += QUARTER)
        value.quarter[q] = quarter_gather(from, index[0], index[1], index[2], index[3]);
    return value;
}

static inline vec vec_gather_wide(const float *from, const uint32_t *index)
{
    vec value;

    for (unsigned q = 0; q < 4; q++, index += QUARTER)
        value.quarter[q] = quarter_gather(from, index[0], index[1], index[2], index[3]);
    return value;
}

/* The lower eight lanes of sixteen. */
static inline eight vec_low(vec value)
{
    return (eight){ value.quarter[0], value.quarter[1] };
}

static inline void vec_store_eight(float *to, eight value, unsigned count)
{
    eight_store_part(to, value, count);
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
static inline vec vec_load_bf16(const uint16_t *from)
{
    vec value;

    for (unsigned q = 0; q < 4; q++)
        value.quarter[q] = vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(from + (size_t)q * QUARTER)), 16));
    return value;
}

static inline vec vec_load_int8(const int8_t *from)
{
    vec value;

    for (unsigned half = 0; half < 2; half++) {
        const int16x8_t wide = vmovl_s8(vld1_s8(from + (size_t)half * 8));

        value.quarter[2 * half] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
        value.quarter[2 * half + 1] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)));
    }
    return value;
}

static inline vec vec_mul(vec a, vec b)
{
    for (unsigned q = 0; q < 4; q++)
        a.quarter[q] = vmulq_f32(a.quarter[q], b.quarter[q]);
    return a;
}

/* Thirty-two inputs, of which each lane takes the one whose number its byte says (formats/window32.h). */
typedef const float *window;
typedef const uint32_t *window_places;
enum { WINDOW_SAMPLES = 1 };

static inline window window_load(const float *from)
{
    return from;
}

static inline window_places window_places_load(const uint32_t *from)
{
    return from;
}

static inline vec window_fma(vec values, window in, window_places places, unsigned byte, vec sum)
{
    const uint32x4_t takes_part = vdupq_n_u32(0x80u << 8 * byte);

    for (unsigned q = 0; q < 4; q++, places += QUARTER) {
        const float32x4_t inputs = quarter_gather(in, places[0] >> 8 * byte & 31, places[1] >> 8 * byte & 31,
                                                  places[2] >> 8 * byte & 31, places[3] >> 8 * byte & 31);
        const float32x4_t next = vfmaq_f32(sum.quarter[q], values.quarter[q], inputs);

        sum.quarter[q] = vbslq_f32(vtstq_u32(vld1q_u32(places), takes_part), next, sum.quarter[q]);
    }
    return sum;
}

/* Sixty-three inputs and +0. */
typedef struct {
    float of[WINDOW64_COLUMNS + 1];
} wide_window;

static inline wide_window wide_window_load(const float *from)
{
    wide_window in;

    memcpy(in.of, from, WINDOW64_COLUMNS * sizeof *in.of);
    in.of[WINDOW64_NOWHERE] = 0;
    return in;
}

static inline vec wide_window_fma(vec values, wide_window in, window_places places, unsigned byte, vec sum)
{
    for (unsigned q = 0; q < 4; q++, places += QUARTER)
        sum.quarter[q] = vfmaq_f32(sum.quarter[q], values.quarter[q],
                                   quarter_gather(in.of, places[0] >> 8 * byte & 63, places[1] >> 8 * byte & 63,
                                                  places[2] >> 8 * byte & 63, places[3] >> 8 * byte & 63));
    return sum;
}

/* Lanes i and i + 8, added. */
static inline eight vec_fold(vec value)
{
    return (eight){ vaddq_f32(value.quarter[0], value.quarter[2]), vaddq_f32(value.quarter[1], value.quarter[3]) };
}

/* The contract's tree: + 8, + 4, + 2, + 1. */
static inline float vec_sum(vec value)
{
    const eight half = vec_fold(value);
    const float32x4_t four = vaddq_f32(half.low, half.high);
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));

    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* Rows in flight where a row has so many vectors of samples: sixteen of the thirty-two registers hold their sums. */
enum { ROWS_OF_1 = 4, ROWS_OF_2 = 2 };
#define DENSE16_VECTORS 7 /* of sums and weights that the registers hold */
/* Chains of a shifted product in flight. */
#define SHIFTED_CHAINS 4
/* Vectors of a row of a chunk of positions. */
#define DIRECT_CHAINS    4
#define TILE_CHAINS      4 /* vectors of a row of a tile */
#define TILE_FULL_CHAINS 1 /* the same of TILE_TOGETHER rows */

/* Rows of a panel in flight, and vectors of each. */
enum { PANEL_ROWS = 4, PANEL_TOGETHER = 1 };

/* Vectors of samples of a column, and as many of its gradient, that the registers hold. */
enum { COLUMN_TILE = 2 };

#include "sparse/kernels/elementwise.inc"
#include "sparse/kernels/softmax.inc"
#include "sparse/kernels/vector.inc"

#define KERNELS_NAME  "neon"
#define KERNELS_TABLE kernels_neon
#include "sparse/kernels/table.inc"
