/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ways a convolution can go, by its shape, its weight and its batch; which it goes where nobody asks the clock;
 * and what it needs for those that were chosen.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/layers/convolution/convolution.h"

/* Batches beyond change nothing but whether a product is more than caches hold. */
enum { BATCHES = 4 * PACK_LANES };

/* Connections of a hundred places from which on full blocks are worth a trial, and reckoned to be the faster: measured
 * by bench_conv. And connections of a column, on average, from which on any tiles are worth one. */
enum { FULL_LEAST_PERCENT = 20, FULL_PERCENT = 70, USES_LEAST = 2 };

static bool has_percent(const struct convolution *c, unsigned percent)
{
    const struct csr *w = c->weight;

    return w->count && w->count * 100 >= (uint64_t)w->columns * w->rows * percent;
}

/* Without tiles. */
static enum convolution_way plain_way(const struct convolution *c)
{
    if (convolution_is_product(c))
        return WAY_PRODUCT;
    return convolution_is_direct(c) ? WAY_DIRECT : WAY_VIEWS;
}

static bool may_tiles(const struct convolution *c)
{
    return c->weight->count / USES_LEAST >= c->weight->columns;
}

bool convolution_can(const struct convolution *c, enum convolution_way way)
{
    if (way_is_full(way) && !has_percent(c, FULL_LEAST_PERCENT))
        return false;
    switch (way_sparse(way)) {
    case WAY_SAMPLES:
        return may_tiles(c) && convolution_may_samples(c);
    case WAY_LINES:
        return may_tiles(c) && convolution_may_lines(c);
    case WAY_TILES:
        return may_tiles(c) && convolution_can_tiles(c);
    case WAY_PRODUCT:
        return convolution_is_product(c);
    case WAY_DIRECT:
        return !convolution_is_product(c) && convolution_may_direct(c);
    default:
        return !convolution_is_product(c);
    }
}

/* Each batch of up to the convolution's, with which something is different. */
static size_t batches_of(const struct convolution *c)
{
    return MIN(c->batch, (size_t)BATCHES);
}

void convolution_candidates(const struct convolution *c, bool ways[CONVOLUTION_WAYS])
{
    struct convolution smaller = *c;

    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        ways[way] = convolution_can(c, (enum convolution_way)way);
        for (smaller.batch = 1; smaller.batch <= batches_of(c) && !ways[way]; smaller.batch++)
            ways[way] = convolution_can(&smaller, (enum convolution_way)way);
    }
    ways[WAY_TILES] = ways[WAY_TILES] || convolution_is_tiled(c);
}

bool convolution_can_choice(const struct convolution *c, const struct way_choice *choice)
{
    struct convolution smaller = *c;

    for (smaller.batch = 1; smaller.batch <= batches_of(c); smaller.batch++) {
        const unsigned way_class = way_class_of(smaller.batch);

        if (!convolution_can(&smaller, choice->first[way_class]) &&
            !convolution_can(&smaller, choice->other[way_class]))
            return false;
    }
    return true;
}

/* By full blocks, where these are tiles and it is nearly full. */
static enum convolution_way filled(const struct convolution *c, enum convolution_way way)
{
    return way_sparse(way) < WAY_PRODUCT && has_percent(c, FULL_PERCENT) ? (enum convolution_way)(way + 1) : way;
}

static enum convolution_way estimate(const struct convolution *c, bool any_batch)
{
    if (!any_batch && convolution_is_samples(c))
        return filled(c, WAY_SAMPLES);
    if (!any_batch && convolution_is_lines(c))
        return filled(c, WAY_LINES);
    return !convolution_is_product(c) && convolution_is_tiled(c) ? filled(c, WAY_TILES) : plain_way(c);
}

struct way_choice convolution_estimate(const struct convolution *c)
{
    struct way_choice choice;

    for (unsigned way_class = 0; way_class < WAY_CLASSES; way_class++) {
        struct convolution one = *c;

        one.batch = way_class_batch(way_class);
        choice.first[way_class] = estimate(&one, false);
        choice.other[way_class] = estimate(&one, true);
    }
    return choice;
}

bool convolution_has_choice(const struct convolution *c)
{
    return !c->transposed;
}

/* Formats rectify, and no more; what writes apart first does nothing. */
bool convolution_finishes(const struct convolution *c, enum layer_finish step)
{
    return !c->transposed && (step == FINISH_RECTIFY || !convolution_is_product(c));
}

/* A product that is more than caches hold goes by tiles, with whatever batch that comes to be. */
enum convolution_way convolution_way_with(const struct convolution *c, const struct weights *weights)
{
    const struct way_choice *choice = weights_ways(weights);
    const unsigned way_class = way_class_of(c->batch);

    if (!choice)
        return plain_way(c);
    if (convolution_is_product(c) && convolution_is_tiled(c) && weights_tiles(weights))
        return weights_tiles(weights)->full ? WAY_TILES_FULL : WAY_TILES;
    return convolution_can(c, choice->first[way_class]) ? choice->first[way_class] : choice->other[way_class];
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

/* What some class of batches goes; of a product tiles besides where it is large. */
static void find_used(const struct convolution *c, const struct way_choice *choice, bool used[CONVOLUTION_WAYS])
{
    const bool large = convolution_is_product(c) && convolution_is_tiled(c);

    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++)
        used[way] = false;
    for (unsigned way_class = 0; way_class <= way_class_last(c->batch); way_class++)
        used[choice->first[way_class]] = used[choice->other[way_class]] = true;
    used[WAY_TILES] = used[WAY_TILES] || large;
    used[WAY_TILES_FULL] = used[WAY_TILES_FULL] || (large && has_percent(c, FULL_PERCENT));
}

static int cut_tiles(const struct convolution *c, const bool used[CONVOLUTION_WAYS], struct weights *weights)
{
    const struct tile_window samples = convolution_window(c), lines = convolution_lines_window(c);
    const uint64_t positions = window_positions(&c->window) * (convolution_is_product(c) ? c->batch : 1);
    int result = 0;

    if (used[WAY_TILES] || used[WAY_TILES_FULL])
        result = weights_tile(weights, c->weight, (uint32_t)window_taps(&c->window), positions, used[WAY_TILES_FULL]);
    if (!result && (used[WAY_SAMPLES] || used[WAY_SAMPLES_FULL]))
        result = weights_tile_samples(weights, c->weight, &samples, used[WAY_SAMPLES_FULL]);
    if (!result && (used[WAY_LINES] || used[WAY_LINES_FULL]))
        result = weights_tile_lines(weights, c->weight, &lines, used[WAY_LINES_FULL]);
    return result;
}

int convolution_cut(const struct convolution *c, const bool used[CONVOLUTION_WAYS], struct weights **weights)
{
    int result = 0;

    if (!convolution_is_product(c))
        result = used[WAY_DIRECT] || used[WAY_VIEWS] ? weights_borrow(c->kernels, c->weight, weights)
                                                     : weights_bare(c->kernels, weights);
    return result ? result : cut_tiles(c, used, *weights);
}

int convolution_weights(const struct convolution *c, const struct way_choice *choice, struct weights **weights)
{
    const struct way_choice estimated = convolution_estimate(c);
    bool used[CONVOLUTION_WAYS];
    int result;

    choice = choice ? choice : &estimated;
    if (c->transposed && convolution_phases(&c->window) > 1)
        return weights_by_phases(c, weights);
    find_used(c, choice, used);
    result = convolution_cut(c, used, weights);
    if (!result)
        weights_set_ways(*weights, choice);
    return result;
}

const char *convolution_kernel(const struct convolution *c, const struct weights *weights)
{
    const enum convolution_way way = convolution_way_with(c, weights);

    return way == WAY_PRODUCT ? weights_format(weights, window_positions(&c->window) * c->batch) : way_name(way);
}
