/* SPDX-License-Identifier: Apache-2.0
 *
 * exp and log by argument reduction and a polynomial, each step one correctly rounded operation.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sparse/kernels/functions.h"

#define LN2_HIGH 0x1.62e4p-1f /* 15 bits: n * LN2_HIGH is exact for |n| < 512 */
#define LN2_LOW  0x1.7f7d1cp-20f

static float float_from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_from_float(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 2^n for n in [-126, 127]. */
static float power_of_two(int n)
{
    return float_from_bits((uint32_t)(n + 127) << 23);
}

float function_exp(float x)
{
    float n, r, p;
    int whole, half;

    if (!(x < 88.7228394f))
        return x != x ? x : INFINITY;
    if (x < -103.972084f)
        return 0;
    /* Adding 1.5 * 2^23 rounds to the nearest integer, ties to even. */
    n = fmaf(x, 0x1.715476p0f, 0x1.8p23f) - 0x1.8p23f;
    r = fmaf(-n, LN2_LOW, fmaf(-n, LN2_HIGH, x));
    /* Taylor to r^7; |r| <= ln 2 / 2, so the rest is below 2^-27. */
    p = 0x1.a01a02p-13f;
    p = fmaf(p, r, 0x1.6c16c2p-10f);
    p = fmaf(p, r, 0x1.111112p-7f);
    p = fmaf(p, r, 0x1.555556p-5f);
    p = fmaf(p, r, 0x1.555556p-3f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1);
    p = fmaf(p, r, 1);
    /* In two steps, since 2^n alone may be out of range. */
    whole = (int)n;
    half = whole / 2;
    return p * power_of_two(half) * power_of_two(whole - half);
}

float function_log(float x)
{
    uint32_t bits = bits_from_float(x);
    int exponent = 0;
    float m, f, s, z, p, e;

    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (bits >= 0x7f800000u)
        return x;
    if (bits < 0x00800000u) {
        bits = bits_from_float(x * 0x1p23f);
        exponent = -23;
    }
    /* m in [sqrt(1/2), sqrt(2)). */
    bits += 0x3f800000u - 0x3f3504f3u;
    exponent += (int)(bits >> 23) - 127;
    m = float_from_bits((bits & 0x007fffffu) + 0x3f3504f3u);
    f = m - 1;
    s = f / (2 + f);
    z = s * s;
    /* log(1 + f) = f - s (f - R), R = z (2/3 + 2/5 z + 2/7 z^2 + 2/9 z^3 + 2/11 z^4): the odd terms of 2 artanh(s). */
    p = 0x1.745d18p-3f;
    p = fmaf(p, z, 0x1.c71c72p-3f);
    p = fmaf(p, z, 0x1.24924ap-2f);
    p = fmaf(p, z, 0x1.99999ap-2f);
    p = fmaf(p, z, 0x1.555556p-1f);
    p = p * z;
    e = (float)exponent;
    return fmaf(e, LN2_HIGH, f - fmaf(s, f - p, -e * LN2_LOW));
}

void function_softmax(const float *in, float *out, size_t features, size_t batch, size_t begin, size_t end)
{
    for (size_t b = begin; b < end; b++) {
        float largest = in[b], sum = 0;

        for (size_t f = 1; f < features; f++)
            largest = in[f * batch + b] > largest ? in[f * batch + b] : largest;
        for (size_t f = 0; f < features; f++) {
            float value = function_exp(in[f * batch + b] - largest);

            out[f * batch + b] = value;
            sum += value;
        }
        for (size_t f = 0; f < features; f++)
            out[f * batch + b] /= sum;
    }
}
