/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sparse/tensor/dtype.h"

static void int32_to_float(float scale, const void *from, float *to, size_t count)
{
    const int32_t *elements = from;

    for (size_t i = 0; i < count; i++)
        to[i] = (float)elements[i] * scale;
}

static void uint8_to_float(float scale, const void *from, float *to, size_t count)
{
    const uint8_t *elements = from;

    for (size_t i = 0; i < count; i++)
        to[i] = (float)elements[i] * scale;
}

static void copy_floats(float scale, const void *from, float *to, size_t count)
{
    (void)scale;
    memcpy(to, from, count * sizeof *to);
}

/* `least` and `most` are floats, so that what is between them, rounded, is within the range. */
static float hold(float value, float least, float most)
{
    if (isnan(value))
        return 0;
    return rintf(value < least ? least : value > most ? most : value);
}

static void float_to_int32(float scale, const float *from, void *to, size_t count)
{
    /* The largest float below 2^31; 2^31 itself is no int32. */
    const float most = 2147483520.0F;
    int32_t *elements = to;

    for (size_t i = 0; i < count; i++)
        elements[i] = from[i] * scale > most ? INT32_MAX : (int32_t)hold(from[i] * scale, (float)INT32_MIN, most);
}

static void float_to_uint8(float scale, const float *from, void *to, size_t count)
{
    uint8_t *elements = to;

    for (size_t i = 0; i < count; i++)
        elements[i] = (uint8_t)hold(from[i] * scale, 0, UINT8_MAX);
}

static void float_to_float(float scale, const float *from, void *to, size_t count)
{
    copy_floats(scale, from, to, count);
}

static const struct {
    const char *name;
    size_t bytes;
    void (*to_float)(float scale, const void *from, float *to, size_t count);
    void (*from_float)(float scale, const float *from, void *to, size_t count);
} dtypes[DTYPE_COUNT] = {
    [DTYPE_FLOAT32] = { "float32", sizeof(float), copy_floats, float_to_float },
    [DTYPE_INT32] = { "int32", sizeof(int32_t), int32_to_float, float_to_int32 },
    [DTYPE_UINT8] = { "uint8", sizeof(uint8_t), uint8_to_float, float_to_uint8 },
};

const char *dtype_name(enum dtype dtype)
{
    return dtypes[dtype].name;
}

enum dtype dtype_find(const char *name)
{
    enum dtype dtype = 0;

    while (dtype < DTYPE_COUNT && strcmp(dtypes[dtype].name, name) != 0)
        dtype++;
    return dtype;
}

size_t dtype_bytes(enum dtype dtype)
{
    return dtypes[dtype].bytes;
}

void dtype_to_float(enum dtype dtype, float scale, const void *from, float *to, size_t count)
{
    dtypes[dtype].to_float(scale, from, to, count);
}

void dtype_from_float(enum dtype dtype, float scale, const float *from, void *to, size_t count)
{
    dtypes[dtype].from_float(scale, from, to, count);
}
