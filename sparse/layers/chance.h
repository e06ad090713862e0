/* SPDX-License-Identifier: Apache-2.0
 *
 * A word of chance for each sample of an element: word b % 4 of block e * 2^32 + b / 4 of the layer's random numbers,
 * for element e of the step's sample b. Who asks again gets the same.
 */
#ifndef SPARSE_LAYERS_CHANCE_H
#define SPARSE_LAYERS_CHANCE_H

#include <stddef.h>
#include <stdint.h>

#include "sparse/layers/layer.h"

enum { CHANCE_WORDS = 252 /* at once */ };

/* Of samples [begin, begin + count) of the run, CHANCE_WORDS at most. */
void chance_words(const struct layer_random *random, uint64_t element, size_t begin, size_t count, uint32_t *words);

#endif
