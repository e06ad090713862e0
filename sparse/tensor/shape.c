/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sparse/tensor/shape.h"

uint64_t shape_elements(const struct shape *shape)
{
    uint64_t elements = 1;

    for (uint32_t i = 0; i < shape->rank; i++)
        elements *= shape->dimension[i];
    return elements;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    return a->rank == b->rank && !memcmp(a->dimension, b->dimension, a->rank * sizeof *a->dimension);
}

int shape_check(const struct shape *shape, struct reason *why)
{
    uint64_t elements = 1;

    if (!shape->rank || shape->rank > SHAPE_RANK_MAX)
        return refuse(why, WISP_E_FORMAT, "a shape has 1 to %d dimensions, not %u", SHAPE_RANK_MAX, shape->rank);
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (!shape->dimension[i])
            return refuse(why, WISP_E_FORMAT, "dimension %u of the shape is 0", i + 1);
        /* At most 2^28 times less than 2^32: no overflow. */
        elements *= shape->dimension[i];
        if (elements > MODEL_ELEMENTS_MAX)
            return refuse(why, WISP_E_FORMAT, "the shape has more than %u elements", MODEL_ELEMENTS_MAX);
    }
    return 0;
}
