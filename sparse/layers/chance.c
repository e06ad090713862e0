/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/rng.h"
#include "sparse/layers/chance.h"

enum { BLOCK = 4 /* words */ };

void chance_words(const struct layer_random *random, uint64_t element, size_t begin, size_t count, uint32_t *words)
{
    const uint64_t first = random->first + begin, block = first / BLOCK;
    uint32_t made[CHANCE_WORDS + BLOCK];

    rng_blocks(random->seed, random->stream, (element << 32) + block, (first % BLOCK + count + BLOCK - 1) / BLOCK,
               made);
    memcpy(words, made + first % BLOCK, count * sizeof *words);
}
