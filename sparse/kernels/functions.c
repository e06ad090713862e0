/* SPDX-License-Identifier: Apache-2.0
 *
 * log by argument reduction and a polynomial, each step one correctly rounded operation; the rest is math.inc's.
 */
#include "sparse/kernels/functions.h"
#include "sparse/kernels/math.inc"

float function_exp(float x)
{
    return math_exp(x);
}

float function_sigmoid(float x)
{
    return math_sigmoid(x);
}

float function_tanh(float x)
{
    return math_tanh(x);
}

float function_normal(float x, float *density)
{
    return math_normal(x, density);
}

float function_normal_by_tanh(float x, float *density)
{
    return math_normal_by_tanh(x, density);
}

float function_log(float x)
{
    uint32_t bits = math_bits(x);
    int exponent = 0;
    float m, f, s, z, p, e;

    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (bits >= 0x7f800000u)
        return x;
    if (bits < 0x00800000u) {
        bits = math_bits(x * 0x1p23f);
        exponent = -23;
    }
    /* m in [sqrt(1/2), sqrt(2)). */
    bits += 0x3f800000u - 0x3f3504f3u;
    exponent += (int)(bits >> 23) - 127;
    m = math_from_bits((bits & 0x007fffffu) + 0x3f3504f3u);
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
