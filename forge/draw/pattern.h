/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a layer's connections is seen: a small table of counts.
 *
 * A column of a picture shows `shown` of a group's neurons, evenly spread: number k is neuron pattern_neuron(). The
 * table counts, for each shown pair, the connections between the two; `potential` is how many there could be (the
 * weights of a kernel). The counts are those of the very set that `wisp build` samples with the same seed, or of a
 * model file; only for a layer of more than PATTERN_REAL_MAX connections are the pairs sampled by themselves, with the
 * layer's probability, so that memory follows the picture.
 */
#ifndef FORGE_DRAW_PATTERN_H
#define FORGE_DRAW_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/draw/graph.h"
#include "sparse/construct/density.h"
#include "sparse/tensor/csr.h"

enum { PATTERN_REAL_MAX = 4000000 };

/* A weighted layer: its dimensions, and its connections when they are at hand. */
struct pattern_layer {
    uint32_t outputs, inputs, area; /* area: weights of one kernel */
    uint64_t connections;
    double probability;
    uint64_t seed;
    uint32_t layer;           /* number of its random stream */
    const struct csr *matrix; /* NULL: not at hand */
};

struct pattern {
    uint32_t rows, columns; /* shown neurons of the target and of the source */
    uint32_t *counts;       /* rows * columns */
    double potential;       /* of one pair */
    bool real;
};

static inline uint64_t pattern_neuron(uint32_t number, uint32_t shown, uint64_t neurons)
{
    return (uint64_t)(((unsigned __int128)number * 2 + 1) * neurons / (2ull * shown));
}

/* The connections at hand: `given`, or sampled into *own, which the caller frees; *out NULL when there are too many. */
int pattern_sample(const struct pattern_layer *layer, struct csr *own, const struct csr **out, struct reason *why);

/* Counts one feed of the layer, from `neurons` of which `columns` are shown to `rows` shown of the layer's outputs.
 * `number` tells the feeds of a layer apart. */
int pattern_count(const struct pattern_layer *layer, const struct graph_feed *feed, uint32_t number, uint64_t neurons,
                  uint32_t rows, uint32_t columns, struct pattern *out, struct reason *why);
void pattern_deinit(struct pattern *pattern);

#endif
