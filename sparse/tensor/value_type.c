/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>

#include "base/size.h"
#include "sparse/tensor/value_type.h"

enum { INT8_MOST = 127 };

static const struct {
    const char *name;
    size_t bytes;
} types[VALUE_TYPES] = {
    [VALUE_FLOAT32] = { "float32", sizeof(float) },
    [VALUE_BF16] = { "bf16", sizeof(uint16_t) },
    [VALUE_INT8] = { "int8", sizeof(int8_t) },
};

const char *value_type_name(enum value_type type)
{
    return types[type].name;
}

enum value_type value_type_find(const char *name)
{
    enum value_type type = 0;

    while (type < VALUE_TYPES && strcmp(types[type].name, name) != 0)
        type++;
    return type;
}

size_t value_type_bytes(enum value_type type)
{
    return types[type].bytes;
}

/* The quotient is off by a few units in its last place at most, which is less than half a number. Within the range of
 * an int8 before it is made one: a scale of almost nothing gives any quotient, infinity too. */
int8_t int8_of(float value, float scale)
{
    const float number = rintf(value / scale);

    return (int8_t)MIN(MAX(number, (float)INT8_MIN), (float)INT8_MOST);
}

float bf16_round(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    value = bf16_value((uint16_t)(bits >> 16));
    return isfinite(value) ? value : copysignf(bf16_value(0x7f7f), value);
}

float int8_scale(const float *values, uint64_t count)
{
    float most = 0;

    for (uint64_t i = 0; i < count; i++)
        most = MAX(most, fabsf(values[i]));
    if (most == 0)
        return 1;
    return MAX(most / INT8_MOST, FLT_TRUE_MIN);
}

bool value_type_has(enum value_type type, float value, float scale)
{
    float kept = value;

    if (type == VALUE_BF16)
        kept = bf16_value(bf16_of(value));
    else if (type == VALUE_INT8)
        kept = int8_value(int8_of(value, scale), scale);
    return !memcmp(&kept, &value, sizeof value);
}
