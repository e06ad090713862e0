/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "operands.h"

float *random_floats(size_t count)
{
    struct rng rng = rng_make(1, count);
    float *made = memory_alloc(count, sizeof *made);

    if (!made)
        abort();
    for (size_t i = 0; i < count; i++)
        made[i] = rng_float(&rng) - 0.5f;
    return made;
}
