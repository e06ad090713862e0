/* SPDX-License-Identifier: Apache-2.0
 *
 * What a matrix's values are kept as where that is less than a float32: in a model file, and in packed weights.
 *
 * A value of any type stands for one float32, which is what is multiplied with: a bf16's upper half of the bits is
 * exact, an int8's is number times the scale of its row, rounded once. So in memory a matrix has float32, and its type
 * says that they take no more bits than that (csr_check()). Pure functions; any thread.
 */
#ifndef SPARSE_TENSOR_VALUE_TYPE_H
#define SPARSE_TENSOR_VALUE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum value_type {
    VALUE_FLOAT32, /* zero: what values are when nothing else is said */
    VALUE_BF16,
    VALUE_INT8,
    VALUE_TYPES,
};

/* "float32", "bf16", "int8". */
const char *value_type_name(enum value_type type);
/* VALUE_TYPES: there is none of this name. */
enum value_type value_type_find(const char *name);
/* Of one value. */
size_t value_type_bytes(enum value_type type);

static inline uint16_t bf16_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static inline float bf16_value(uint16_t bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    float value;

    memcpy(&value, &wide, sizeof value);
    return value;
}

static inline float int8_value(int8_t number, float scale)
{
    return (float)number * scale;
}

/* The number that stands for a value which is one of the row's; of any other value the nearest. `scale` is finite and
 * above 0. */
int8_t int8_of(float value, float scale);

/* The nearest bf16 to a finite value, ties to even; what is beyond the largest becomes that. */
float bf16_round(float value);

/* What the values of a row are best multiples of: its largest divided by 127, but never 0. */
float int8_scale(const float *values, uint64_t count);

/* Whether a finite value can be kept so, to the bit. `scale`: of an int8's row. */
bool value_type_has(enum value_type type, float value, float scale);

#endif
