/* SPDX-License-Identifier: Apache-2.0
 *
 * The types that the elements of a model's inputs and outputs have outside of a pass. Inside all are float32
 * (docs/design/tensors.md), so this is the one place that converts.
 *
 * Each element is converted by itself, in at most two operations that IEEE 754 fixes, so the result is the same on
 * every CPU. Pure functions; any thread.
 */
#ifndef SPARSE_TENSOR_DTYPE_H
#define SPARSE_TENSOR_DTYPE_H

#include <stddef.h>

enum dtype {
    DTYPE_FLOAT32, /* zero: what a tensor is when nothing else is said */
    DTYPE_INT32,
    DTYPE_UINT8,
    DTYPE_COUNT,
};

/* "float32", as NumPy and PyTorch have it, and as it stands in the model file and on the wire. */
const char *dtype_name(enum dtype dtype);
/* DTYPE_COUNT: there is none of this name. */
enum dtype dtype_find(const char *name);
/* Of one element. */
size_t dtype_bytes(enum dtype dtype);

/* to[i] = (float)from[i] * scale. Whole numbers up to 2^24 become floats exactly, others the nearest one. float32 is
 * taken as it is: it has no scale. `from` is aligned as its elements need. */
void dtype_to_float(enum dtype dtype, float scale, const void *from, float *to, size_t count);

/* to[i] = from[i] * scale, rounded to the nearest whole number, ties to even, and held within the dtype's range; a NaN
 * becomes 0. float32 is copied. */
void dtype_from_float(enum dtype dtype, float scale, const float *from, void *to, size_t count);

#endif
