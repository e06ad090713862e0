/* SPDX-License-Identifier: Apache-2.0
 *
 * Sixteen samples at a time, so that a line of values is written whole; and of each so many elements that what was
 * converted of them is still in the cache when it is put into its place. What is float32 already is read where it is.
 */
#include <stdint.h>

#include "base/size.h"
#include "sparse/passes/samples.h"

enum { SAMPLES_TOGETHER = 16, ELEMENTS_TOGETHER = 64 };

/* Elements [first, first + count) of a sample as floats: its own, or what `room` gets. */
static const float *as_floats(const struct model_tensor *tensor, const void *sample, uint64_t first, size_t count,
                              float *room)
{
    const unsigned char *from = (const unsigned char *)sample + first * dtype_bytes(tensor->dtype);

    if (tensor->dtype == DTYPE_FLOAT32)
        return (const float *)(const void *)from;
    dtype_to_float(tensor->dtype, tensor->scale, from, room, count);
    return room;
}

void samples_gather(const struct model_tensor *tensor, const void *const *samples, size_t stride, size_t count,
                    float *values)
{
    const uint64_t elements = shape_elements(&tensor->shape);
    float room[SAMPLES_TOGETHER][ELEMENTS_TOGETHER];
    const float *rows[SAMPLES_TOGETHER];

    for (size_t begin = 0; begin < count; begin += SAMPLES_TOGETHER) {
        size_t width = MIN((size_t)SAMPLES_TOGETHER, count - begin);

        for (uint64_t first = 0; first < elements; first += ELEMENTS_TOGETHER) {
            size_t length = MIN((uint64_t)ELEMENTS_TOGETHER, elements - first);
            float *to = values + first * count + begin;

            for (size_t b = 0; b < width; b++)
                rows[b] = as_floats(tensor, samples[(begin + b) * stride], first, length, room[b]);
            for (size_t f = 0; f < length; f++) {
                for (size_t b = 0; b < width; b++)
                    to[f * count + b] = rows[b][f];
            }
        }
    }
}

void samples_scatter(const struct model_tensor *tensor, const float *values, size_t count, void *const *samples,
                     size_t stride)
{
    const uint64_t elements = shape_elements(&tensor->shape);
    const size_t bytes = dtype_bytes(tensor->dtype);
    float room[ELEMENTS_TOGETHER];

    for (size_t b = 0; b < count; b++) {
        for (uint64_t first = 0; first < elements; first += ELEMENTS_TOGETHER) {
            size_t length = MIN((uint64_t)ELEMENTS_TOGETHER, elements - first);
            void *to = (unsigned char *)samples[b * stride] + first * bytes;
            float *row = tensor->dtype == DTYPE_FLOAT32 ? to : room;

            for (size_t f = 0; f < length; f++)
                row[f] = values[(first + f) * count + b];
            if (row == room)
                dtype_from_float(tensor->dtype, tensor->scale, room, to, length);
        }
    }
}
