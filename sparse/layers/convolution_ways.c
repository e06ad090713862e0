/* SPDX-License-Identifier: Apache-2.0
 *
 * Which way a convolution goes, by its shape, its weight and its batch.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/layers/convolution.h"

/* Batches beyond change nothing but whether a product is more than caches hold. */
enum { BATCHES = 4 * PACK_LANES };

/* Without tiles. */
static enum convolution_way plain_way(const struct convolution *c)
{
    if (convolution_is_product(c))
        return WAY_PRODUCT;
    return convolution_is_direct(c) ? WAY_DIRECT : WAY_VIEWS;
}

enum convolution_way convolution_way(const struct convolution *c)
{
    if (convolution_is_samples(c))
        return WAY_SAMPLES;
    if (convolution_is_lines(c))
        return WAY_LINES;
    return convolution_is_tiled(c) ? WAY_TILES : plain_way(c);
}

/* Of a product besides what it runs in with less: of a sequence there may be fewer positions than here. */
void convolution_ways(const struct convolution *c, bool ways[CONVOLUTION_WAYS])
{
    struct convolution smaller = *c;

    for (size_t w = 0; w < CONVOLUTION_WAYS; w++)
        ways[w] = w == WAY_PRODUCT && convolution_is_product(c);
    ways[convolution_way(c)] = true;
    for (smaller.batch = 1; smaller.batch < MIN(c->batch, (size_t)BATCHES); smaller.batch++)
        ways[convolution_way(&smaller)] = true;
}

/* Formats do not, nor what writes apart first. */
bool convolution_finishes(const struct convolution *c)
{
    return !c->transposed && !convolution_is_product(c);
}

static const struct tiles *tiles_of(const struct weights *weights, enum convolution_way way)
{
    switch (way) {
    case WAY_SAMPLES:
        return weights_sample_tiles(weights);
    case WAY_LINES:
        return weights_line_tiles(weights);
    case WAY_TILES:
        return weights_tiles(weights);
    default:
        return NULL;
    }
}

enum convolution_way convolution_way_with(const struct convolution *c, const struct weights *weights)
{
    const enum convolution_way way = convolution_way(c);

    return tiles_of(weights, way) ? way : plain_way(c);
}

/* What spreads by phases: its weight in their order, which each pass would have to bring it into. */
static int weights_by_phases(const struct convolution *c, struct weights **weights)
{
    cleanup_free uint32_t *phases = memory_alloc(c->weight->columns, sizeof *phases);
    const uint32_t taps = (uint32_t)window_taps(&c->window);
    int result = phases ? weights_bare(c->kernels, weights) : -ENOMEM;

    if (result)
        return result;
    for (uint32_t j = 0; j < c->weight->columns; j++)
        phases[j] = convolution_phase(&c->window, j % taps);
    return weights_regroup(*weights, c->weight, phases, convolution_phases(&c->window));
}

int convolution_weights(const struct convolution *c, struct weights **weights)
{
    const struct tile_window samples = convolution_window(c), lines = convolution_lines_window(c);
    const bool product = convolution_is_product(c);
    const uint64_t positions = window_positions(&c->window);
    bool ways[CONVOLUTION_WAYS];
    int result = 0;

    if (c->transposed && convolution_phases(&c->window) > 1)
        return weights_by_phases(c, weights);
    convolution_ways(c, ways);
    if (!product)
        result = ways[WAY_DIRECT] || ways[WAY_VIEWS] ? weights_borrow(c->kernels, c->weight, weights)
                                                     : weights_bare(c->kernels, weights);
    if (!result && ways[WAY_TILES])
        result = weights_tile(*weights, c->weight, (uint32_t)window_taps(&c->window),
                              product ? positions * c->batch : positions);
    if (!result && ways[WAY_SAMPLES])
        result = weights_tile_samples(*weights, c->weight, &samples);
    if (!result && ways[WAY_LINES])
        result = weights_tile_lines(*weights, c->weight, &lines);
    return result;
}

const char *convolution_kernel(const struct convolution *c, const struct weights *weights)
{
    static const char *const names[CONVOLUTION_WAYS][2] = {
        [WAY_SAMPLES] = { "tiles of samples", "dense tiles of samples" },
        [WAY_LINES] = { "tiles of lines", "dense tiles of lines" },
        [WAY_TILES] = { "tiles", "dense tiles" },
        [WAY_DIRECT] = { "direct" },
        [WAY_VIEWS] = { "views" },
    };
    const enum convolution_way way = convolution_way_with(c, weights);
    const struct tiles *tiles = tiles_of(weights, way);

    if (way == WAY_PRODUCT)
        return weights_format(weights, window_positions(&c->window) * c->batch);
    return names[way][tiles && tiles->full];
}
