/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors of samples, kept by the elements that are not 0: of a text's 65,536 features a few hundred. Each thread of a
 * pool adds samples to a part of its own; afterwards any thread may read any sample.
 */
#ifndef FORGE_TRAIN_NONZEROS_H
#define FORGE_TRAIN_NONZEROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sparse/tensor/sparse_vector.h"

struct nonzeros;

/* Room for `samples` samples in `parts` parts, which may take so many bytes together. -ENOMEM. */
int nonzeros_new(size_t samples, unsigned parts, uint64_t max_bytes, struct nonzeros **out);
struct nonzeros *nonzeros_free(struct nonzeros *nonzeros); /* accepts NULL; returns NULL */

/* Adds a sample's tensor. -ENOMEM; -EFBIG when the part's share of the bytes is used up. */
int nonzeros_add(struct nonzeros *nonzeros, unsigned part, size_t sample, const float *tensor, size_t elements);

/* The same by hand: room for a sample of up to `max` elements, which come in ascending order, and none of which is 0;
 * then how many came. */
int nonzeros_open(struct nonzeros *nonzeros, unsigned part, size_t sample, size_t max, struct sparse_element **out);
void nonzeros_close(struct nonzeros *nonzeros, size_t sample, size_t count);

/* out[element * stride] of the elements that are not 0; the others are the caller's to clear. */
void nonzeros_spread(const struct nonzeros *nonzeros, size_t sample, float *out, size_t stride);

/* A sample that was added, as it is kept; it stays where it is until another is added to its part. */
struct sparse_vector nonzeros_vector(const struct nonzeros *nonzeros, size_t sample);

/* Forgets all samples, and keeps the room. */
void nonzeros_clear(struct nonzeros *nonzeros);

uint64_t nonzeros_memory(const struct nonzeros *nonzeros);

#endif
