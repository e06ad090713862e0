/* SPDX-License-Identifier: Apache-2.0
 *
 * Some elements of sixteen samples at a time: as floats they stand in the first cache, one sample after another, and
 * are turned in registers from there to the values, or from the values to there. So of values whole lines are read and
 * written, and of samples runs. One sample is its values.
 */
#include <stdint.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/passes/samples.h"

enum { SAMPLES_TOGETHER = 16, ELEMENTS_TOGETHER = 64 };

/* Elements of samples, as floats. */
struct room {
    _Alignas(CACHE_LINE) float of[SAMPLES_TOGETHER][ELEMENTS_TOGETHER];
};

void samples_gather(const struct kernels *kernels, const struct model_tensor *tensor, const struct samples_in *samples,
                    float *values)
{
    const size_t count = samples->count, bytes = dtype_bytes(tensor->dtype);
    struct room room;

    if (count == 1)
        dtype_to_float(tensor->dtype, tensor->scale, (const unsigned char *)samples->at[0] + samples->begin * bytes,
                       values + samples->begin, samples->end - samples->begin);
    for (size_t begin = 0; count > 1 && begin < count; begin += SAMPLES_TOGETHER) {
        const size_t width = MIN((size_t)SAMPLES_TOGETHER, count - begin);

        for (uint64_t first = samples->begin; first < samples->end; first += ELEMENTS_TOGETHER) {
            const size_t length = MIN((uint64_t)ELEMENTS_TOGETHER, samples->end - first);

            for (size_t b = 0; b < width; b++) {
                const unsigned char *sample = samples->at[(begin + b) * samples->stride];

                dtype_to_float(tensor->dtype, tensor->scale, sample + first * bytes, room.of[b], length);
            }
            kernels->turn(room.of[0], ELEMENTS_TOGETHER, values + first * count + begin, count, width, length);
        }
    }
}

void samples_scatter(const struct kernels *kernels, const struct model_tensor *tensor, const float *values,
                     const struct samples_out *samples)
{
    const size_t count = samples->count, bytes = dtype_bytes(tensor->dtype);
    struct room room;

    if (count == 1 && samples->at[0])
        dtype_from_float(tensor->dtype, tensor->scale, values + samples->begin,
                         (unsigned char *)samples->at[0] + samples->begin * bytes, samples->end - samples->begin);
    for (size_t begin = 0; count > 1 && begin < count; begin += SAMPLES_TOGETHER) {
        const size_t width = MIN((size_t)SAMPLES_TOGETHER, count - begin);

        for (uint64_t first = samples->begin; first < samples->end; first += ELEMENTS_TOGETHER) {
            const size_t length = MIN((uint64_t)ELEMENTS_TOGETHER, samples->end - first);

            kernels->turn(values + first * count + begin, count, room.of[0], ELEMENTS_TOGETHER, length, width);
            for (size_t b = 0; b < width; b++) {
                unsigned char *sample = samples->at[(begin + b) * samples->stride];

                if (sample)
                    dtype_from_float(tensor->dtype, tensor->scale, room.of[b], sample + first * bytes, length);
            }
        }
    }
}
