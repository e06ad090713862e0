/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/train/lengths/lengths.h"

/* A sample, and where it stood: no two are equal. */
struct place {
    uint64_t length;
    uint32_t sample, at;
};

static int compare(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

/* Of a random batch of those that are left, in turn. */
static void put_batches(const struct place *places, size_t batches, size_t batch, struct rng *rng, uint32_t *order)
{
    uint32_t which[LENGTHS_STRETCH];

    for (uint32_t i = 0; i < batches; i++)
        which[i] = i;
    for (size_t left = batches; left > 0; left--) {
        const uint32_t drawn = rng_below(rng, (uint32_t)left);
        const struct place *from = places + which[drawn] * batch;

        for (size_t k = 0; k < batch; k++)
            *order++ = from[k].sample;
        which[drawn] = which[left - 1];
    }
}

int lengths_order(const struct lengths *lengths, uint32_t *order, size_t count)
{
    const size_t whole = count / lengths->batch * lengths->batch;
    cleanup_free struct place *places = memory_alloc(LENGTHS_STRETCH * lengths->batch, sizeof *places);
    struct rng rng = rng_make(lengths->seed, lengths->stream);

    if (!places)
        return -ENOMEM;
    for (size_t begin = 0; begin < whole; begin += LENGTHS_STRETCH * lengths->batch) {
        const size_t samples = MIN(whole - begin, LENGTHS_STRETCH * lengths->batch);

        for (size_t i = 0; i < samples; i++)
            places[i] = (struct place){ lengths->length(lengths->of, order[begin + i]), order[begin + i], (uint32_t)i };
        qsort(places, samples, sizeof *places, compare);
        put_batches(places, samples / lengths->batch, lengths->batch, &rng, order + begin);
    }
    return 0;
}
