/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forge/experiment/split.h"
#include "forge/train/batches.h"

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

int split_make(size_t count, double validation, uint64_t seed, struct split *out)
{
    size_t held = (size_t)(validation * (double)count);

    out->samples = memory_alloc(count, sizeof *out->samples);
    if (!out->samples)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        out->samples[i] = (uint32_t)i;
    /* At least one sample trains, and whoever asks for validation gets some. */
    if (validation > 0 && !held && count > 1)
        held = 1;
    out->validation_count = held;
    out->train_count = count - held;
    shuffle(out->samples, count, seed, recipe_stream(STREAM_SPLIT, 0, 0));
    qsort(out->samples, out->train_count, sizeof *out->samples, compare_numbers);
    qsort(out->samples + out->train_count, held, sizeof *out->samples, compare_numbers);
    return 0;
}

void split_deinit(struct split *split)
{
    free(split->samples);
    *split = SPLIT_NULL;
}
