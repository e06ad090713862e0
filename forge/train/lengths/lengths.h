/* SPDX-License-Identifier: Apache-2.0
 *
 * An order in which the samples of a batch are of like length, so that few of its positions are padding. It is made of
 * a random order: stretches of it, of so many batches, are sorted by length, and a stretch's batches come in a random
 * order. So a batch has samples of one stretch, and which those are is as random as they were; what an epoch sees first
 * is no shorter than what it sees last. It follows from the order and the lengths alone, as long as the numbers.
 */
#ifndef FORGE_TRAIN_LENGTHS_H
#define FORGE_TRAIN_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

enum { LENGTHS_STRETCH = 64 }; /* batches */

/* What an order is made by. */
struct lengths {
    size_t batch;
    uint64_t seed, stream; /* of the random numbers that the batches' order takes */
    /* Of a sample: the longer, the more it takes. */
    uint64_t (*length)(const void *of, uint32_t sample);
    const void *of;
};

/* Orders `count` samples in place. The last batch, where it is no whole one, keeps its samples and its place. -ENOMEM.
 */
int lengths_order(const struct lengths *lengths, uint32_t *order, size_t count);

#endif
