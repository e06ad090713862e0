/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a layer's weights stand when its turn comes: how far they have to come decides what their bytes cost, and so
 * which format is the fastest one.
 *
 * A pass goes over all layers, so what the whole model takes counts, not one layer: of a model that no private cache
 * holds, each layer pushes out what the others left there.
 */
#ifndef SPARSE_RESIDENCE_H
#define SPARSE_RESIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum residence {
    RESIDENCE_PRIVATE, /* in the processor's own caches: the model fits there */
    RESIDENCE_SHARED,  /* in the cache that processors share */
    RESIDENCE_MEMORY,  /* in none */
    RESIDENCES
};

/* Of a model whose weights take so many bytes, on this machine. */
enum residence residence_of(uint64_t bytes);
/* Bytes that push the weights of such a layer out to there, once they are read; 0: nothing has to. */
size_t residence_distance(enum residence residence);
/* Nanoseconds that a byte of them costs more than where a format's own costs were measured, at L3's speed or faster. */
double residence_byte_ns(enum residence residence);

const char *residence_name(enum residence residence);
/* By name; false where there is none. */
bool residence_find(const char *name, enum residence *out);

#endif
