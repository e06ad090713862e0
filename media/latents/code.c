/* SPDX-License-Identifier: Apache-2.0
 *
 * Latents to bits and back: channel after channel, row after row. What a number is expected to be follows from those
 * around it that are known, of its own channel and of the ones before (a linear prediction that learns as it goes);
 * what is coded is how far off that is: whether 0, its sign, and its size one by one. How large it may be is seen in
 * contexts of the neighbours' sizes.
 *
 * Numbers of earlier channels are known all around, those of its own above and to the left. Beyond the edges all is 0:
 * planes have a margin.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/latents/latents.h"
#include "media/latents/mixing.h"

enum {
    MARGIN = 2,
    STAGES = 12, /* 0 or not, the sign, and sizes from 1 on */
    STAGE_SIGN = 1,
    STAGE_SIZES = 2,
    SIZES = STAGES - STAGE_SIZES, /* that are told one by one; beyond, by the number of digits */
    DIGITS_MAX = 14,
    PLACES = 256, /* of contexts, a stage, which each channel begins anew, */
    SHARED = 4,   /* but for the one that all of them go on with */
    SHARED_PLACES = 4096,
    LEADERS = 3, /* the first channels, which predict those behind them */
    AROUND = 9,  /* what of each of those does: a square of 3 x 3 */
    OWN = 4,
    TAPS = OWN + LEADERS * AROUND,
    TAP_SHIFT = 16,
    LEARNING_RATE = 256, /* of 4096, which are the whole way */
    FRACTION = 16,       /* of a prediction */
};

struct plane_code {
    struct mixing mixing;
    struct latents *latents;
    size_t stride;             /* from a row to the next, with its margins */
    int16_t *values, *off;     /* of this channel: numbers, and how far each was off */
    int16_t *leaders[LEADERS]; /* numbers of the first channels */
    uint32_t *recent, *total;  /* of the channels before: sizes, the last ones most; and all */
    /* Of this channel: */
    struct mixing_count digits[DIGITS_MAX + 1][2]; /* whether there are more, and the one below the highest */
    int32_t taps[TAPS];                            /* weights of the prediction, in 2^-16 */
    unsigned stages, stages_ever;                  /* a bit for each that this channel has come to; and any */
    size_t end;                                    /* that a decoder does not read beyond; of an encoder SIZE_MAX */
};

/* Whether all bytes were read, and nothing that comes stands in them. */
static bool is_over(const struct plane_code *p)
{
    return p->mixing.range.at > p->end;
}

static size_t plane_count(const struct plane_code *p)
{
    return p->stride * (p->latents->height + 2 * MARGIN);
}

static size_t place_of(const struct plane_code *p, uint32_t x, uint32_t y)
{
    return (y + MARGIN) * p->stride + x + MARGIN;
}

/* ---- what is expected ---- */

struct expected {
    int32_t inputs[TAPS];
    uint32_t taps;
    int32_t sixteenths; /* of a number */
    int32_t whole;
};

static void gather_inputs(const struct plane_code *p, uint32_t channel, size_t at, struct expected *e)
{
    const int16_t *v = p->values + at;
    const ptrdiff_t s = (ptrdiff_t)p->stride;

    e->inputs[0] = v[-1];
    e->inputs[1] = v[-s];
    e->inputs[2] = v[-s - 1];
    e->inputs[3] = v[-s + 1];
    e->taps = OWN;
    for (uint32_t leader = 0; leader < MIN(channel, (uint32_t)LEADERS); leader++) {
        const int16_t *l = p->leaders[leader] + at;

        for (ptrdiff_t dy = -s; dy <= s; dy += s) {
            for (ptrdiff_t dx = -1; dx <= 1; dx++)
                e->inputs[e->taps++] = l[dy + dx];
        }
    }
}

static void expect(const struct plane_code *p, uint32_t channel, size_t at, struct expected *e)
{
    int64_t sum = 0;

    gather_inputs(p, channel, at, e);
    for (uint32_t i = 0; i < e->taps; i++)
        sum += (int64_t)p->taps[i] * e->inputs[i];
    sum /= 1 << (TAP_SHIFT - 4);
    e->sixteenths = (int32_t)MAX(-LATENTS_VALUE_MAX * FRACTION, MIN(sum, LATENTS_VALUE_MAX * FRACTION));
    e->whole = (e->sixteenths + (e->sixteenths < 0 ? -FRACTION / 2 : FRACTION / 2)) / FRACTION;
}

/* Each weight a step down the slope of the squared error, shorter where the inputs are large (normalised LMS). */
static void learn(struct plane_code *p, const struct expected *e, int32_t value)
{
    const int64_t error = (int64_t)value * FRACTION - e->sixteenths;
    int64_t power = 64;

    if (!error)
        return; /* as of most numbers that are 0 among zeros, and it would be a division a weight */
    for (uint32_t i = 0; i < e->taps; i++)
        power += (int64_t)e->inputs[i] * e->inputs[i];
    for (uint32_t i = 0; i < e->taps; i++) {
        const int64_t tap = p->taps[i] + error * e->inputs[i] * LEARNING_RATE / power;

        p->taps[i] = (int32_t)MAX(-(4 << TAP_SHIFT), MIN(tap, 4 << TAP_SHIFT));
    }
}

/* ---- contexts ---- */

/* 0, 1, 2, 3, and then two to an octave, up to 15. */
static uint32_t level(uint32_t x)
{
    uint32_t octave;

    if (x < 4)
        return x;
    octave = 31 - (uint32_t)__builtin_clz(x);
    return MIN(2 * octave + (x >> (octave - 1) & 1), 15u);
}

static uint32_t size_of(int32_t x)
{
    return (uint32_t)(x < 0 ? -x : x);
}

static uint32_t sign_of(int32_t x)
{
    return x > 0 ? 2 : x < 0;
}

/* What is around a number. */
struct around {
    uint32_t near, recent, beside, total, west, north, east, fraction, signs;
};

static struct around look_around(const struct plane_code *p, size_t at, const struct expected *e)
{
    const int16_t *o = p->off + at, *v = p->values + at;
    const uint32_t *r = p->recent + at;
    const ptrdiff_t s = (ptrdiff_t)p->stride;
    const int32_t rest = e->sixteenths - e->whole * FRACTION; /* -8 to 8 */

    return (struct around){
        .near = level((3 * (size_of(o[-1]) + size_of(o[-s])) + 2 * (size_of(o[-s - 1]) + size_of(o[-s + 1])) +
                       size_of(o[-2]) + size_of(o[-2 * s]) + 1) /
                      2),
        .recent = level(r[0] / 4),
        .beside = level((r[-1] + r[1] + r[-s] + r[s]) / 8),
        .total = level(p->total[at]),
        .west = MIN(size_of(o[-1]), 3u),
        .north = MIN(size_of(o[-s]), 3u),
        .east = MIN(size_of(o[-s + 1]), 3u),
        .fraction = (uint32_t)(rest + 8) / 2 * 8 + MIN(size_of(e->whole), 7u), /* 9 x 8 */
        .signs = sign_of(v[-1]) * 3 + sign_of(v[-s]),
    };
}

/* Each within PLACES of its stage, but for that which all channels share. */
static void contexts_of(const struct around *a, uint32_t stage, uint32_t out[static MIXING_CONTEXTS])
{
    const uint32_t base = stage * PLACES;

    if (stage == STAGE_SIGN) {
        out[0] = base + a->fraction;
        out[1] = base + a->signs;
        out[2] = base + a->fraction / 8 * 9 + a->signs;
        out[3] = base + a->near * 9 + a->fraction / 8;
        out[SHARED] = stage * SHARED_PLACES + a->fraction / 8 * 16 + a->near;
        out[5] = base + a->fraction / 8;
        out[6] = base;
        return;
    }
    out[0] = base + a->near * 4 + MIN(a->total / 3, 3u);
    out[1] = base + a->recent * 16 + a->near;
    out[2] = base + (a->west * 4 + a->north) * 4 + a->east;
    out[3] = base + a->total * 16 + a->beside;
    out[SHARED] = stage * SHARED_PLACES + (a->near * 16 + a->recent) * 16 + a->beside;
    out[5] = base + a->fraction;
    out[6] = base + a->recent * 16 + a->beside;
}

/* ---- a number ---- */

/* What other channels have seen of a stage is not this one's, but in the context that they share. */
static void begin_stage(struct plane_code *p, uint32_t stage)
{
    const unsigned bit = 1u << stage;

    for (size_t i = 0; i < MIXING_CONTEXTS; i++) {
        if (i != SHARED)
            mixing_begin_contexts(&p->mixing, i, (size_t)stage * PLACES, PLACES);
    }
    if (!(p->stages_ever & bit))
        mixing_begin_contexts(&p->mixing, SHARED, (size_t)stage * SHARED_PLACES, SHARED_PLACES);
    mixing_begin_set(&p->mixing, stage);
    p->stages |= bit;
    p->stages_ever |= bit;
}

static int code_stage(struct plane_code *p, const struct around *a, uint32_t stage, int bit)
{
    uint32_t contexts[MIXING_CONTEXTS];

    if (!(p->stages & 1u << stage))
        begin_stage(p, stage);
    contexts_of(a, stage, contexts);
    return mixing_bit(&p->mixing, contexts, stage, bit);
}

/* A size beyond those that are told one by one: the number of its digits, the first below the highest, and the others
 * as they are. */
static uint32_t code_large(struct plane_code *p, uint32_t more)
{
    struct range *range = &p->mixing.range;
    struct mixing_count(*counts)[2] = p->digits;
    uint32_t digits = 0, value = 1;

    while (digits < DIGITS_MAX && mixing_count_bit(range, &counts[digits][0], (more + 1) >> (digits + 1) != 0))
        digits++;
    for (uint32_t i = digits; i-- > 0;) {
        const int bit = (more + 1) >> i & 1;

        value = value << 1 | (uint32_t)(i + 1 == digits ? mixing_count_bit(range, &counts[digits][1], bit)
                                                        : range_bit(range, bit, RANGE_ONE / 2));
    }
    return value - 1;
}

static int32_t code_off(struct plane_code *p, const struct around *a, int32_t off)
{
    const uint32_t size = size_of(off);
    uint32_t told = 1;
    bool negative;

    if (!code_stage(p, a, 0, off != 0))
        return 0;
    negative = code_stage(p, a, STAGE_SIGN, off < 0);
    while (told <= SIZES && code_stage(p, a, STAGE_SIZES + told - 1, size > told))
        told++;
    if (told > SIZES)
        told += code_large(p, size - told);
    return negative ? -(int32_t)told : (int32_t)told;
}

static int32_t code_number(struct plane_code *p, uint32_t channel, size_t at, int32_t value)
{
    struct expected expected;
    struct around around;
    int32_t off;

    expect(p, channel, at, &expected);
    around = look_around(p, at, &expected);
    off = code_off(p, &around, value - expected.whole);
    value = MAX(-LATENTS_VALUE_MAX, MIN(expected.whole + off, LATENTS_VALUE_MAX));
    p->values[at] = (int16_t)value;
    p->off[at] = (int16_t)MAX(INT16_MIN, MIN(off, INT16_MAX));
    learn(p, &expected, value);
    return value;
}

/* ---- channels ---- */

/* What the next channels see of this one. */
static void remember(struct plane_code *p, uint32_t channel)
{
    const size_t count = plane_count(p);

    for (size_t i = 0; i < count; i++) {
        const uint32_t size = size_of(p->off[i]);

        p->recent[i] = p->recent[i] - p->recent[i] / 4 + 4 * size;
        p->total[i] += size;
    }
    if (channel < LEADERS)
        memcpy(p->leaders[channel], p->values, count * sizeof *p->values);
}

static void begin_channel(struct plane_code *p)
{
    memset(p->values, 0, plane_count(p) * sizeof *p->values);
    memset(p->off, 0, plane_count(p) * sizeof *p->off);
    memset(p->taps, 0, sizeof p->taps);
    memset(p->digits, 0, sizeof p->digits);
    p->stages = 0;
}

static void code_channel(struct plane_code *p, uint32_t channel)
{
    const struct latents *l = p->latents;
    int16_t *values = l->values + (size_t)channel * l->height * l->width;

    begin_channel(p);
    for (uint32_t y = 0; y < l->height; y++) {
        for (uint32_t x = 0; x < l->width && !is_over(p); x++) {
            int16_t *value = &values[(size_t)y * l->width + x];

            *value = (int16_t)code_number(p, channel, place_of(p, x, y), *value);
        }
    }
    remember(p, channel);
}

static void plane_code_deinit(struct plane_code *p)
{
    mixing_deinit(&p->mixing);
    free(p->values);
    free(p->off);
    for (size_t i = 0; i < LEADERS; i++)
        free(p->leaders[i]);
    free(p->recent);
    free(p->total);
}

static int plane_code_init(struct plane_code *p, struct latents *latents)
{
    size_t contexts[MIXING_CONTEXTS];
    size_t count;
    bool all = true;

    *p = (struct plane_code){ .latents = latents, .stride = latents->width + 2 * MARGIN, .end = SIZE_MAX };
    count = plane_count(p);
    for (size_t i = 0; i < MIXING_CONTEXTS; i++)
        contexts[i] = STAGES * (i == SHARED ? SHARED_PLACES : PLACES);
    for (size_t i = 0; i < LEADERS; i++) {
        p->leaders[i] = memory_zalloc(count, sizeof *p->leaders[i]);
        all &= p->leaders[i] != NULL;
    }
    p->values = memory_alloc(count, sizeof *p->values);
    p->off = memory_alloc(count, sizeof *p->off);
    p->recent = memory_zalloc(count, sizeof *p->recent);
    p->total = memory_zalloc(count, sizeof *p->total);
    if (all && p->values && p->off && p->recent && p->total && !mixing_init(&p->mixing, contexts, STAGES))
        return 0;
    plane_code_deinit(p);
    return -ENOMEM;
}

static void code_all(struct plane_code *p)
{
    for (uint32_t c = 0; c < p->latents->channels && !is_over(p); c++)
        code_channel(p, c);
}

int latents_encode(const struct latents *latents, uint8_t **bytes, size_t *length)
{
    struct latents copy = *latents; /* coding writes what it codes, the same */
    struct plane_code p;
    int result = plane_code_init(&p, &copy);

    if (result)
        return result;
    p.mixing.range = range_encoder();
    code_all(&p);
    range_finish(&p.mixing.range);
    *bytes = p.mixing.range.out;
    *length = p.mixing.range.length;
    result = p.mixing.range.failed ? -ENOMEM : 0;
    if (result)
        free(*bytes);
    plane_code_deinit(&p);
    return result;
}

/* A decoder has looked at four bytes more than were decided, of which the last one or none was written. */
enum { AHEAD = 4 };

int latents_decode(struct latents *latents, const uint8_t *bytes, size_t length, struct reason *why)
{
    struct plane_code p;
    int result = plane_code_init(&p, latents);

    if (result)
        return refuse_errno(why, result, "latents");
    p.mixing.range = range_decoder(bytes, length);
    p.end = length + AHEAD;
    code_all(&p);
    if (is_over(&p))
        result = refuse(why, WISP_E_FORMAT,
                        "its numbers go on behind its end: it has %zu bytes of them, which are too few", length);
    else if (p.mixing.range.at + 1 < p.end)
        result = refuse(why, WISP_E_FORMAT, "its numbers end before it does: %zu of its %zu bytes are too many",
                        p.end - 1 - p.mixing.range.at, length);
    plane_code_deinit(&p);
    return result;
}
