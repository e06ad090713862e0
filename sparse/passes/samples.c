/* SPDX-License-Identifier: Apache-2.0
 *
 * Sixteen samples at a time, so that a line of values is written whole. What is float32 already is read where it is,
 * and written where it belongs. Of the rest so many elements are converted at once that they are still in the cache
 * when they are put into their place.
 */
#include <stdint.h>

#include "base/size.h"
#include "sparse/passes/samples.h"

enum { SAMPLES_TOGETHER = 16, ELEMENTS_TOGETHER = 64 };

/* What most models have, one input of floats: values[f][b] = samples[b][f]. */
static void gather_floats(float *values, const float *const *at, const struct samples_in *samples)
{
    const size_t count = samples->count;

    for (size_t begin = 0; begin < count; begin += SAMPLES_TOGETHER) {
        size_t end = MIN(begin + SAMPLES_TOGETHER, count);

        for (size_t f = samples->begin; f < samples->end; f++) {
            for (size_t b = begin; b < end; b++)
                values[f * count + b] = at[b][f];
        }
    }
}

/* Elements [first, first + length) of a sample, as floats. */
static void convert(const struct model_tensor *tensor, const void *sample, uint64_t first, size_t length, float *out)
{
    dtype_to_float(tensor->dtype, tensor->scale, (const unsigned char *)sample + first * dtype_bytes(tensor->dtype),
                   out, length);
}

void samples_gather(const struct model_tensor *tensor, const struct samples_in *samples, float *values)
{
    const size_t count = samples->count;
    float room[SAMPLES_TOGETHER][ELEMENTS_TOGETHER];

    if (tensor->dtype == DTYPE_FLOAT32 && samples->stride == 1) {
        gather_floats(values, (const float *const *)samples->at, samples);
        return;
    }
    for (size_t begin = 0; begin < count; begin += SAMPLES_TOGETHER) {
        size_t width = MIN((size_t)SAMPLES_TOGETHER, count - begin);

        for (uint64_t first = samples->begin; first < samples->end; first += ELEMENTS_TOGETHER) {
            size_t length = MIN((uint64_t)ELEMENTS_TOGETHER, samples->end - first);

            for (size_t b = 0; b < width; b++)
                convert(tensor, samples->at[(begin + b) * samples->stride], first, length, room[b]);
            for (size_t f = 0; f < length; f++) {
                for (size_t b = 0; b < width; b++)
                    values[(first + f) * count + begin + b] = room[b][f];
            }
        }
    }
}

/* Elements from `first` on of sample `b`. */
static void pick(const float *values, size_t count, size_t b, uint64_t first, size_t length, float *out)
{
    for (size_t f = 0; f < length; f++)
        out[f] = values[(first + f) * count + b];
}

static void convert_back(const struct model_tensor *tensor, const float *values, const struct samples_out *samples,
                         size_t b)
{
    const uint64_t bytes = dtype_bytes(tensor->dtype);
    unsigned char *sample = samples->at[b * samples->stride];
    float room[ELEMENTS_TOGETHER];

    for (uint64_t first = samples->begin; first < samples->end; first += ELEMENTS_TOGETHER) {
        size_t length = MIN((uint64_t)ELEMENTS_TOGETHER, samples->end - first);

        pick(values, samples->count, b, first, length, room);
        dtype_from_float(tensor->dtype, tensor->scale, room, sample + first * bytes, length);
    }
}

void samples_scatter(const struct model_tensor *tensor, const float *values, const struct samples_out *samples)
{
    for (size_t b = 0; b < samples->count; b++) {
        float *sample = samples->at[b * samples->stride];

        if (!sample)
            continue;
        if (tensor->dtype == DTYPE_FLOAT32)
            pick(values, samples->count, b, samples->begin, samples->end - samples->begin, sample + samples->begin);
        else
            convert_back(tensor, values, samples, b);
    }
}
