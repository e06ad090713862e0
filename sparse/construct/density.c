/* SPDX-License-Identifier: Apache-2.0
 *
 * Exact water-filling. min(1, sigma * a_l / N_l) reaches 1 at sigma = N_l / a_l; so in ascending order of that level,
 * layers are taken as saturated while the sigma that spreads the rest of K over the rest of the layers still fills the
 * next one. What is subtracted is subtracted in integers; what is added up in floating point is added anew for each
 * candidate set from a table of suffix sums: nothing cancels.
 *
 * Only IEEE-exact operations, so the counts are the same on every machine. Doubles hold counts to 2^53; above that the
 * connections of a layer may be off by a rounding, never their sum.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/construct/density.h"

#define POTENTIAL_MAX     (1ull << 63)
#define UNIFORM_PLUS_LAST 0.2 /* least density of the last layer */

/* A layer in an order: by the sigma at which it saturates, later by what rounding down took from it. */
struct ranked {
    double key;
    size_t layer;
    double spread;      /* a_l */
    double spread_rest; /* sum of a over this and the following */
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->layer < b->layer ? -1 : a->layer > b->layer;
}

static const char *const method_names[DENSITY_METHODS] = {
    [DENSITY_ER] = "er",
    [DENSITY_ERK] = "erk",
    [DENSITY_ERK_PLUS] = "erk+",
    [DENSITY_UNIFORM] = "uniform",
    [DENSITY_UNIFORM_PLUS] = "uniform+",
    [DENSITY_FIXED] = "fixed",
};

const char *density_method_name(enum density_method method)
{
    return method_names[method];
}

bool density_method_parse(const char *name, enum density_method *out)
{
    for (int method = 0; method < DENSITY_METHODS; method++) {
        if (!strcmp(name, method_names[method])) {
            *out = (enum density_method)method;
            return true;
        }
    }
    return false;
}

static double spread_of(enum density_method method, const struct density_layer *layer)
{
    double ends = (double)layer->inputs + (double)layer->outputs;

    switch (method) {
    case DENSITY_ER:
        return ends * (double)layer->kernel_width * (double)layer->kernel_height;
    case DENSITY_ERK:
    case DENSITY_ERK_PLUS:
        return layer->convolution ? ends + (double)layer->kernel_width + (double)layer->kernel_height : ends;
    default:
        return (double)layer->potential;
    }
}

static size_t first_convolution(const struct density_layer *layers, size_t count)
{
    size_t first = 0;

    while (first < count && !layers[first].convolution)
        first++;
    return first;
}

/* Whether the last layer would get less than uniform+ promises it, if it got what the others get. */
static bool is_below_min(const struct density_layer *layers, size_t count, double density)
{
    size_t first = first_convolution(layers, count);
    double given = 0, total = 0, rest = 0;

    for (size_t i = 0; i < count; i++) {
        double potential = (double)layers[i].inputs * (double)layers[i].outputs * (double)layers[i].kernel_width *
                           (double)layers[i].kernel_height;
        double fixed = layers[i].fixed != 0 ? layers[i].fixed : i == first;

        total += potential;
        given += fixed * potential;
        rest += fixed > 0 ? 0 : potential;
    }
    return density * total - given < UNIFORM_PLUS_LAST * rest;
}

/* Where a method itself gives a probability, and nobody has given another. */
static double given_by_method(enum density_method method, const struct density_layer *layers, size_t count, size_t at,
                              double density)
{
    if (method == DENSITY_ERK_PLUS)
        return at == count - 1 ? 1 : 0;
    if (method != DENSITY_UNIFORM_PLUS)
        return 0;
    if (layers[at].convolution && at == first_convolution(layers, count))
        return 1;
    return at == count - 1 && is_below_min(layers, count, density) ? UNIFORM_PLUS_LAST : 0;
}

enum { NAME_SHOWN = 80 };

static const char *name_of(const struct density_layer *layers, size_t at, char out[static NAME_SHOWN])
{
    if (layers[at].name)
        return layers[at].name;
    snprintf(out, NAME_SHOWN, "%zu", at + 1);
    return out;
}

static int potentials_fill(struct density_layer *layers, size_t count, uint64_t *total, struct reason *why)
{
    char name[NAME_SHOWN];

    *total = 0;
    for (size_t i = 0; i < count; i++) {
        struct density_layer *layer = &layers[i];
        uint64_t potential;

        if (!layer->inputs || !layer->outputs || !layer->kernel_width || !layer->kernel_height)
            return refuse(why, WISP_E_INVALID, "layer %s has a zero dimension", name_of(layers, i, name));
        if (!size_multiply(layer->inputs, layer->outputs, &potential) ||
            !size_multiply(potential, layer->kernel_width, &potential) ||
            !size_multiply(potential, layer->kernel_height, &potential) || potential > POTENTIAL_MAX)
            return refuse(why, WISP_E_INVALID, "layer %s has more than 2^63 potential connections",
                          name_of(layers, i, name));
        layer->potential = potential;
        if (!size_add(*total, potential, total) || *total > POTENTIAL_MAX)
            return refuse(why, WISP_E_INVALID, "the first %zu layers have more than 2^63 potential connections", i + 1);
    }
    return 0;
}

/* Sets the probability of every ranked layer and returns sigma. `ranked` ascends by the sigma at which a layer
 * saturates; `given` is what the layers that are not ranked take of the target. */
static double probabilities_fill(struct density_layer *layers, const struct ranked *ranked, size_t count, double target,
                                 double given, uint64_t free_potential)
{
    /* Equal levels that round differently must not spoil a dense network. */
    bool all = target - given >= (double)free_potential;
    uint64_t filled = 0;
    size_t saturated = 0;
    double sigma = INFINITY;

    for (; saturated < count; saturated++) {
        const struct ranked *next = &ranked[saturated];

        sigma = MAX(target - given - (double)filled, 0) / next->spread_rest;
        if (!all && sigma * next->spread < (double)layers[next->layer].potential)
            break;
        filled += layers[next->layer].potential;
        layers[next->layer].probability = 1;
    }
    if (saturated == count)
        return INFINITY;
    for (size_t i = saturated; i < count; i++) {
        struct density_layer *layer = &layers[ranked[i].layer];

        layer->probability = MIN(1, sigma * ranked[i].spread / (double)layer->potential);
    }
    return sigma;
}

/* The largest remainder method: every layer gets its share rounded down, and those that lost most get one more. */
static void connections_fill(struct density_layer *layers, struct ranked *ranked, size_t count, uint64_t target)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        double share = layers[i].probability * (double)layers[i].potential;

        layers[i].connections = MIN((uint64_t)share, layers[i].potential);
        ranked[i].key = (double)layers[i].connections - share;
        ranked[i].layer = i;
        sum += layers[i].connections;
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < count && sum < target; i++) {
        struct density_layer *layer = &layers[ranked[i].layer];

        if (layer->connections < layer->potential) {
            layer->connections++;
            sum++;
        }
    }
    /* Beyond 2^53 a share is only as exact as a double; the sum must come out all the same. */
    for (size_t i = 0; i < count && sum != target; i++) {
        struct density_layer *layer = &layers[i];

        if (sum < target) {
            uint64_t more = MIN(layer->potential - layer->connections, target - sum);

            layer->connections += more;
            sum += more;
        } else {
            uint64_t less = MIN(layer->connections, sum - target);

            layer->connections -= less;
            sum -= less;
        }
    }
}

static uint64_t round_nearest(double value, uint64_t max)
{
    uint64_t whole = (uint64_t)value;

    if (value - (double)whole >= 0.5)
        whole++;
    return MIN(whole, max);
}

/* Takes the layers with a given probability out: sets it, and sums up what they take. The others are ranked. */
static int rank_free(enum density_method method, struct density_layer *layers, size_t count, double density,
                     struct ranked *ranked, size_t *free_count, double *given, struct reason *why)
{
    char name[NAME_SHOWN];

    *free_count = 0;
    *given = 0;
    for (size_t i = 0; i < count; i++) {
        struct density_layer *layer = &layers[i];
        double fixed = layer->fixed != 0 ? layer->fixed : given_by_method(method, layers, count, i, density);
        double spread;

        if (!(fixed >= 0 && fixed <= 1))
            return refuse(why, WISP_E_INVALID, "layer %s is given the probability %g, not in (0, 1]",
                          name_of(layers, i, name), fixed);
        if (fixed > 0) {
            layer->probability = fixed;
            *given += fixed * (double)layer->potential;
            continue;
        }
        if (method == DENSITY_FIXED)
            return refuse(why, WISP_E_INVALID, "layer %s is given no probability", name_of(layers, i, name));
        spread = spread_of(method, layer);
        ranked[(*free_count)++] =
            (struct ranked){ .key = (double)layer->potential / spread, .layer = i, .spread = spread };
    }
    return 0;
}

static int check_budget(double target, double given, uint64_t free_potential, struct reason *why)
{
    /* Half a connection: the rounding of the target. */
    if (given > target + 0.5)
        return refuse(why, WISP_E_INVALID, "the given layers alone take %.0f connections, and %.0f are wanted in all",
                      given, target);
    if (given + (double)free_potential < target - 0.5)
        return refuse(why, WISP_E_INVALID,
                      "with the given layers at most %.0f connections can be made, and %.0f are wanted in all",
                      given + (double)free_potential, target);
    return 0;
}

int density_solve(enum density_method method, struct density_layer *layers, size_t count, double density, double *sigma,
                  struct reason *why)
{
    cleanup_free struct ranked *ranked = NULL;
    uint64_t total, free_potential = 0;
    double target, given, rest = 0;
    size_t free_count;
    int result;

    if (!count)
        return refuse(why, WISP_E_INVALID, "there are no weighted layers");
    if (method != DENSITY_FIXED && !(density > 0 && density <= 1))
        return refuse(why, WISP_E_INVALID, "density %g is not in (0, 1]; sparsity is 1 - density", density);
    result = potentials_fill(layers, count, &total, why);
    if (result)
        return result;
    ranked = memory_alloc(count, sizeof *ranked);
    if (!ranked)
        return refuse_errno(why, -ENOMEM, "densities of %zu layers", count);
    result = rank_free(method, layers, count, density, ranked, &free_count, &given, why);
    if (result)
        return result;
    qsort(ranked, free_count, sizeof *ranked, compare_ranked);
    for (size_t i = free_count; i-- > 0;) {
        ranked[i].spread_rest = rest += ranked[i].spread;
        free_potential += layers[ranked[i].layer].potential;
    }
    target = method == DENSITY_FIXED ? given : density * (double)total;
    if ((result = check_budget(target, given, free_potential, why)))
        return result;
    *sigma =
        method == DENSITY_FIXED ? 0 : probabilities_fill(layers, ranked, free_count, target, given, free_potential);
    connections_fill(layers, ranked, count, round_nearest(target, total));
    return 0;
}

int density_beyond(enum density_method method, const struct density_layer *layers, size_t count, double density)
{
    double given = 0, max = 0, total = 0;

    for (size_t i = 0; i < count; i++) {
        double potential = (double)layers[i].inputs * (double)layers[i].outputs * (double)layers[i].kernel_width *
                           (double)layers[i].kernel_height;
        double fixed = layers[i].fixed != 0 ? layers[i].fixed : given_by_method(method, layers, count, i, density);

        total += potential;
        given += fixed * potential;
        max += fixed > 0 ? fixed * potential : potential;
    }
    if (given > density * total + 0.5)
        return -1;
    return max < density * total - 0.5 ? 1 : 0;
}
