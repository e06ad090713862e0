/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/pattern.h"
#include "sparse/construct/sample.h"

int pattern_sample(const struct pattern_layer *layer, struct csr *own, const struct csr **out, struct reason *why)
{
    int result;

    *own = CSR_NULL;
    *out = layer->matrix;
    /* Of a full layer one knows the connections. */
    if (layer->matrix || layer->connections > PATTERN_REAL_MAX || layer->probability >= 1)
        return 0;
    result = sample_connections(layer->outputs, layer->inputs * layer->area, layer->connections, layer->seed,
                                layer->layer, own, why);
    if (!result)
        *out = own;
    return result;
}

struct place {
    uint64_t first, count, neurons; /* inputs [first, first + count) stand for `neurons` */
    uint32_t shown, area;
};

/* The number of the shown neuron that a column of the matrix belongs to; `shown` when to none. */
static uint32_t shown_of(const struct place *place, uint64_t column)
{
    uint64_t input = column / place->area, neuron;
    uint32_t number;

    if (input < place->first || input - place->first >= place->count)
        return place->shown;
    neuron = (uint64_t)((unsigned __int128)(input - place->first) * place->neurons / place->count);
    number = (uint32_t)((unsigned __int128)neuron * place->shown / place->neurons);
    return pattern_neuron(number, place->shown, place->neurons) == neuron ? number : place->shown;
}

static void count_real(const struct csr *matrix, const struct place *place, struct pattern *pattern)
{
    for (uint32_t row = 0; row < pattern->rows; row++) {
        uint64_t neuron = pattern_neuron(row, pattern->rows, matrix->rows);

        for (uint64_t at = matrix->starts[neuron]; at < matrix->starts[neuron + 1]; at++) {
            uint32_t column = shown_of(place, csr_column(matrix, at));

            if (column < pattern->columns)
                pattern->counts[(size_t)row * pattern->columns + column]++;
        }
    }
}

/* The shown pairs alone, as if they were a layer. */
static int count_alike(const struct pattern_layer *layer, uint32_t number, struct pattern *pattern, struct reason *why)
{
    enum { FEED_SHIFT = 16, PAIR_WEIGHTS_MAX = 256 };
    uint32_t weights = (uint32_t)MAX(1, MIN(llround(pattern->potential), PAIR_WEIGHTS_MAX));
    uint64_t positions = (uint64_t)pattern->rows * pattern->columns * weights;
    struct csr drawn;
    int result = sample_connections(pattern->rows, pattern->columns * weights,
                                    (uint64_t)llround(layer->probability * (double)positions), layer->seed,
                                    layer->layer | (number + 1) << FEED_SHIFT, &drawn, why);

    if (result)
        return result;
    for (uint32_t row = 0; row < pattern->rows; row++) {
        for (uint64_t at = drawn.starts[row]; at < drawn.starts[row + 1]; at++)
            pattern->counts[(size_t)row * pattern->columns + csr_column(&drawn, at) / weights]++;
    }
    pattern->potential = weights;
    csr_deinit(&drawn);
    return 0;
}

int pattern_count(const struct pattern_layer *layer, const struct graph_feed *feed, uint32_t number, uint64_t neurons,
                  uint32_t rows, uint32_t columns, struct pattern *out, struct reason *why)
{
    struct pattern pattern = { .rows = rows, .columns = columns };
    struct place place = { .neurons = neurons, .shown = columns, .area = layer->area };
    int result = 0;

    place.first = (uint64_t)llround(feed->low * layer->inputs);
    place.count = (uint64_t)llround(feed->high * layer->inputs) - place.first;
    pattern.potential = (double)place.count * layer->area / (double)neurons;
    pattern.real = layer->matrix || layer->probability >= 1;
    pattern.counts = memory_zalloc((size_t)rows * columns, sizeof *pattern.counts);
    if (!pattern.counts)
        return refuse_errno(why, -ENOMEM, "picture");
    if (!layer->matrix)
        result = count_alike(layer, number, &pattern, why);
    else if (place.count)
        count_real(layer->matrix, &place, &pattern);
    if (result)
        pattern_deinit(&pattern);
    else
        *out = pattern;
    return result;
}

void pattern_deinit(struct pattern *pattern)
{
    free(pattern->counts);
    *pattern = (struct pattern){ .counts = NULL };
}
