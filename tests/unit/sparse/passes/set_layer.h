/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers of a model that is made by hand.
 */
#ifndef TESTS_UNIT_SPARSE_PASSES_SET_LAYER_H
#define TESTS_UNIT_SPARSE_PASSES_SET_LAYER_H

#include <stdio.h>

#include "base/memory.h"
#include "sparse/construct/sample.h"
#include "sparse/graph/model.h"
#include "support/test.h"

/* Sampled by numbers `seed` of streams, with a bias that is not 0. */
static inline void set_linear(struct layer *layer, const char *name, uint32_t from, uint32_t rows, uint32_t columns,
                              double density, uint32_t seed)
{
    struct reason why;

    layer->kind = layer_kind_find("linear");
    snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->inputs[0] = from;
    layer->input_count = 1;
    assert_ok(sample_connections(rows, columns, (uint64_t)(density * rows * columns), 5, seed, &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 2, 5, seed);
    layer->vectors[0] = (struct vector){ memory_zalloc(rows, sizeof(float)), rows, true };
    for (uint32_t i = 0; i < rows; i++)
        layer->vectors[0].data[i] = 0.01f * (float)i;
}

static inline void set_plain(struct layer *layer, const char *kind, uint32_t from)
{
    layer->kind = layer_kind_find(kind);
    snprintf(layer->name, sizeof layer->name, "%s%u", kind, from);
    layer->inputs[0] = from;
    layer->input_count = 1;
}

#endif
