/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the clock which way a convolution goes, by class of batch, when a model is loaded: with the ways of each class
 * in turn, on as many of its positions as take some tens of microseconds. All ways give the same bits, so the clock
 * decides about speed and memory only. Of ways that are nearly equal those are taken for which the fewest copies of the
 * weight have to be made (docs/design/weight-formats.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/layers/convolution/convolution.h"

enum {
    ROUNDS = 7,
    TRIAL_WORK = 1 << 21,   /* multiply-adds of a dense layer, about, that a trial is of */
    TRIAL_NS = 20000,       /* and so long at least, so that the clock can tell */
    CUT_CONNECTION_NS = 40, /* about, what it takes to cut all tiles for the trial */
    WORK_PER_NS = 40,       /* multiply-adds, of the slowest way that is worth its time */
};

/* Within so much of the fastest, fewer copies count more. */
#define TIE 1.05

#define NEVER UINT64_MAX

struct trial {
    const struct convolution *whole;
    struct weights *weights; /* with all that some way needs */
    float *picture, *positions, *bias;
    void *scratch;
    uint64_t begin_ns, patience_ns;
    uint64_t ns[WAY_CLASSES][CONVOLUTION_WAYS]; /* NEVER: it cannot be, or is hopeless */
    /* Whether some batch of the class cannot go that way: lanes or lines do not come out. */
    bool needs_other[WAY_CLASSES][CONVOLUTION_WAYS];
    unsigned last; /* class */
};

/* ---- some positions for all ---- */

static uint32_t evenly(uint32_t count, uint32_t most)
{
    const uint32_t parts = (count + most - 1) / most;

    return (count + parts - 1) / parts;
}

/* So many, in steps of what tiles have evenly, as are not too much work. */
static uint32_t crop(uint32_t count, double work_of_one, uint32_t least)
{
    const uint32_t each = evenly(count, TILE_VECTORS_MAX);
    const uint32_t wanted = (uint32_t)MAX(MIN(TRIAL_WORK / work_of_one, (double)count), (double)least);

    return MIN((wanted + each - 1) / each * each, count);
}

/* A picture of fewer lines; of one line, of fewer columns, but for those that a tile has. */
static void crop_window(struct convolution *c)
{
    struct window *w = &c->window;
    const double work = (double)c->weight->rows * c->weight->columns * (double)c->batch;
    const uint32_t lines = crop(w->out_height, work * w->out_width, 1);
    const uint32_t least = (uint32_t)(TILE_FLOATS / MIN(c->batch, (size_t)TILE_FLOATS));
    const uint32_t columns = w->out_height == 1 ? crop(w->out_width, work, least) : w->out_width;
    const uint32_t less_high = (w->out_height - lines) * w->stride, less_wide = (w->out_width - columns) * w->stride;

    if (less_high < w->height) {
        w->height -= less_high;
        w->out_height = lines;
    }
    if (less_wide < w->width) {
        w->width -= less_wide;
        w->out_width = columns;
    }
}

static struct convolution excerpt(const struct trial *t, unsigned way_class)
{
    struct convolution c = *t->whole;

    c.batch = MIN(way_class_batch(way_class), c.batch);
    c.bias = t->bias;
    crop_window(&c);
    return c;
}

/* ---- the clock ---- */

/* The fastest of a set; `any`: of those that any batch of the class can go. None: CONVOLUTION_WAYS. */
static unsigned fastest_of(const struct trial *t, unsigned way_class, unsigned set, bool any)
{
    unsigned found = CONVOLUTION_WAYS;

    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        if (!(set >> way & 1) || t->ns[way_class][way] == NEVER || (any && t->needs_other[way_class][way]))
            continue;
        if (found == CONVOLUTION_WAYS || t->ns[way_class][way] < t->ns[way_class][found])
            found = way;
    }
    return found;
}

static void run_once(const struct trial *t, struct convolution *c, enum convolution_way way)
{
    struct way_choice choice;

    for (unsigned k = 0; k < WAY_CLASSES; k++)
        choice.first[k] = choice.other[k] = way;
    weights_set_ways(t->weights, &choice);
    convolution_serve(c, t->weights, t->picture, t->positions, t->scratch);
}

/* Of one run, of as many as the clock needs. */
static uint64_t time_way(const struct trial *t, struct convolution *c, enum convolution_way way, uint64_t runs)
{
    const uint64_t begin = clock_ns();

    for (uint64_t i = 0; i < runs; i++)
        run_once(t, c, way);
    return MAX((clock_ns() - begin) / runs, 1);
}

static uint64_t spent(const struct trial *t)
{
    return clock_ns() - t->begin_ns;
}

/* Who takes twice as long as another is out, unless it is the best of those that any batch can go. */
static void drop_hopeless(struct trial *t, unsigned way_class)
{
    const unsigned all = (1u << CONVOLUTION_WAYS) - 1, any = fastest_of(t, way_class, all, true);
    const uint64_t best = t->ns[way_class][fastest_of(t, way_class, all, false)];

    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        if (way != any && t->ns[way_class][way] / 2 > best)
            t->ns[way_class][way] = NEVER;
    }
}

/* One after the other in each round, so that what slows one slows all; what counts is the least that each takes, for
 * nothing makes it faster than it is. The first round warms up. */
static void time_class(struct trial *t, unsigned way_class, uint64_t until_ns)
{
    struct convolution c = excerpt(t, way_class);
    uint64_t runs[CONVOLUTION_WAYS], *ns = t->ns[way_class];

    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        if (ns[way] == NEVER)
            continue;
        run_once(t, &c, (enum convolution_way)way);
        ns[way] = time_way(t, &c, (enum convolution_way)way, 1);
        runs[way] = 1 + TRIAL_NS / ns[way];
    }
    drop_hopeless(t, way_class);
    for (unsigned round = 0; round < ROUNDS && (!round || spent(t) < until_ns); round++) {
        for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
            if (ns[way] != NEVER)
                ns[way] = MIN(ns[way], time_way(t, &c, (enum convolution_way)way, runs[way]));
        }
    }
}

/* ---- the choice ---- */

static bool set_serves(const struct trial *t, unsigned set)
{
    for (unsigned k = 0; k <= t->last; k++) {
        const unsigned all = (1u << CONVOLUTION_WAYS) - 1;
        const unsigned way = fastest_of(t, k, set, false), best = fastest_of(t, k, all, false);
        const unsigned other = fastest_of(t, k, set, true), best_other = fastest_of(t, k, all, true);

        if (way == CONVOLUTION_WAYS || (double)t->ns[k][way] > TIE * (double)t->ns[k][best] ||
            other == CONVOLUTION_WAYS || (double)t->ns[k][other] > TIE * (double)t->ns[k][best_other])
            return false;
    }
    return true;
}

/* Bytes of what the ways of a set need, about: a copy of the connections for each sort of tiles, and of all places. */
static uint64_t set_memory(const struct convolution *c, unsigned set)
{
    const uint64_t connections = c->weight->count * (sizeof(float) + sizeof(uint16_t));
    const uint64_t places = (uint64_t)c->weight->rows * c->weight->columns * sizeof(float);
    uint64_t bytes = 0;

    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        const enum convolution_way sparse = way_sparse((enum convolution_way)way);

        if (!(set >> way & 1) || way == WAY_PRODUCT) /* which has its formats anyway */
            continue;
        bytes += sparse != way ? places : 0;
        bytes += sparse == way || !(set >> sparse & 1) ? connections : 0;
    }
    return bytes;
}

static void choose_set(const struct trial *t, struct way_choice *out)
{
    unsigned chosen = (1u << CONVOLUTION_WAYS) - 1;
    uint64_t least = UINT64_MAX;

    for (unsigned set = 1; set < 1u << CONVOLUTION_WAYS; set++) {
        const uint64_t bytes = set_memory(t->whole, set);

        if (bytes < least && set_serves(t, set)) {
            least = bytes;
            chosen = set;
        }
    }
    for (unsigned k = 0; k < WAY_CLASSES; k++) {
        const unsigned timed = MIN(k, t->last);

        out->first[k] = (enum convolution_way)fastest_of(t, timed, chosen, false);
        out->other[k] = t->needs_other[timed][out->first[k]] ? (enum convolution_way)fastest_of(t, timed, chosen, true)
                                                             : out->first[k];
    }
}

/* ---- a trial ---- */

/* What each class has to choose from. False: none has two. */
static bool find_ways(struct trial *t)
{
    bool choices = false;

    for (unsigned k = 0; k <= t->last; k++) {
        const struct convolution c = excerpt(t, k);
        unsigned count = 0;

        for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
            t->ns[k][way] = convolution_can(&c, (enum convolution_way)way) ? 0 : NEVER;
            count += t->ns[k][way] == 0;
        }
        choices = choices || count > 1;
    }
    return choices;
}

static void find_others(struct trial *t)
{
    struct convolution one = *t->whole;

    for (one.batch = 1; one.batch <= MIN(t->whole->batch, (size_t)4 * PACK_LANES); one.batch++) {
        bool *needs = t->needs_other[way_class_of(one.batch)];

        for (unsigned way = 0; way < CONVOLUTION_WAYS; way++)
            needs[way] = needs[way] || !convolution_can(&one, (enum convolution_way)way);
    }
}

/* Whether a few rounds of each way are not too long, by what ways take that are worth their time. */
static bool has_time(const struct trial *t)
{
    const struct csr *w = t->whole->weight;
    double ns = (double)w->count * CUT_CONNECTION_NS;

    for (unsigned k = 0; k <= t->last; k++) {
        const struct convolution c = excerpt(t, k);
        const double once = (double)w->rows * w->columns * window_positions(&c.window) * (double)c.batch / WORK_PER_NS;

        for (unsigned way = 0; way < CONVOLUTION_WAYS; way++)
            ns += t->ns[k][way] == NEVER ? 0 : 3 * once;
    }
    return ns < (double)t->patience_ns;
}

static float *make_floats(size_t count)
{
    float *floats = memory_alloc(MAX(count, 1), sizeof *floats);

    for (size_t i = 0; floats && i < count; i++)
        floats[i] = 1;
    return floats;
}

static int make_operands(struct trial *t)
{
    size_t picture = 0, positions = 0;
    uint64_t scratch = 1;

    for (unsigned k = 0; k <= t->last; k++) {
        const struct convolution c = excerpt(t, k);
        uint64_t bytes = 0;

        if (!convolution_serve_scratch(&c, &bytes))
            return -EOVERFLOW;
        scratch = MAX(scratch, bytes);
        picture = MAX(picture, (size_t)c.picture * c.window.height * c.window.width * c.batch);
        positions = MAX(positions, c.positions * window_positions(&c.window) * c.batch);
    }
    t->picture = make_floats(picture);
    t->positions = make_floats(positions);
    t->bias = make_floats(t->whole->positions);
    t->scratch = memory_alloc(scratch, 1);
    return t->picture && t->positions && t->bias && t->scratch ? 0 : -ENOMEM;
}

static void time_classes(struct trial *t)
{
    for (unsigned k = 0; k <= t->last; k++) {
        const uint64_t now = spent(t), left = t->patience_ns - MIN(t->patience_ns, now);

        time_class(t, k, now + left / (t->last + 1 - k));
    }
}

/* `formats`: of a product, which is given tiles for as long as this takes. */
static int measure(struct trial *t, struct weights *formats, struct way_choice *out)
{
    bool ways[CONVOLUTION_WAYS];
    int result = make_operands(t);

    convolution_candidates(t->whole, ways);
    t->weights = formats;
    if (!result)
        result = convolution_cut(t->whole, ways, &t->weights);
    if (!result) {
        time_classes(t);
        choose_set(t, out);
    }
    if (formats)
        weights_drop_tiles(formats);
    else
        weights_free(t->weights);
    free(t->picture);
    free(t->positions);
    free(t->bias);
    free(t->scratch);
    return result;
}

static struct way_key key_of(const struct convolution *c)
{
    const struct window *w = &c->window;

    return (struct way_key){ { c->picture, c->positions, c->groups, w->height, w->width, w->out_height, w->out_width,
                               w->kernel_height, w->kernel_width, w->stride, w->top, w->left, c->weight->count,
                               way_class_last(c->batch) } };
}

int convolution_choose(const struct convolution *c, struct choice_cache *cache, struct weights *formats,
                       struct way_choice *out)
{
    const uint64_t patience = cache && convolution_has_choice(c) ? choice_cache_patience(cache) : 0;
    struct trial t = { .whole = c, .begin_ns = clock_ns(), .patience_ns = patience, .last = way_class_last(c->batch) };
    const struct way_key key = key_of(c);
    int result;

    if (cache && convolution_has_choice(c) && choice_cache_find_ways(cache, c->kernels, &key, out) &&
        convolution_can_choice(c, out))
        return 0;
    *out = convolution_estimate(c);
    if (!patience || !find_ways(&t) || !has_time(&t))
        return 0;
    find_others(&t);
    result = measure(&t, formats, out);
    if (result)
        return result;
    choice_cache_spend(cache, spent(&t));
    choice_cache_add_ways(cache, c->kernels, &key, out);
    return 0;
}
