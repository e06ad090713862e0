/* SPDX-License-Identifier: Apache-2.0
 *
 * Values whose widths are equal whatever the widths are, as a union-find over the graph: an addition and its inputs,
 * and what works on each channel by itself. It needs no plan, so it can be asked of a structure that does not fit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "sparse/graph/structure_ties.h"

static uint32_t find_root(uint32_t *parents, uint32_t value)
{
    while (parents[value] != value)
        value = parents[value] = parents[parents[value]];
    return value;
}

static void join(uint32_t *parents, uint32_t a, uint32_t b)
{
    parents[find_root(parents, a)] = find_root(parents, b);
}

/* Whether a layer makes a width of its own, whatever comes in. */
static bool makes_width(const struct layer_kind *kind)
{
    return kind->weighted || kind->own_width;
}

static bool joins_inputs(const struct layer_kind *kind)
{
    return kind->merge == MERGE_ELEMENTS || kind->merge == MERGE_ATTEND;
}

static uint32_t *find_ties(const struct structure *structure)
{
    uint32_t value_count = structure_value_count(structure);
    uint32_t *parents = malloc(value_count * sizeof *parents);

    if (!parents)
        return NULL;
    for (uint32_t v = 0; v < value_count; v++)
        parents[v] = v;
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];
        uint32_t tied = makes_width(layer->kind)    ? 0
                        : joins_inputs(layer->kind) ? layer_merged(layer->kind, layer->input_count)
                                                    : 1;

        for (uint32_t j = 0; j < MIN(tied, layer->input_count); j++)
            join(parents, structure_value(structure, i), layer->inputs[j]);
    }
    return parents;
}

struct tied {
    uint32_t places, min, max;
    bool input;                   /* one of them is an input */
    char names[160], widths[120]; /* "1, 3, 5", as much as has room */
};

static void append(char *list, size_t size, double number)
{
    size_t used = strlen(list);

    if (used + 16 < size)
        snprintf(list + used, size - used, "%s%.0f", used ? ", " : "", number);
    else if (used + 6 < size && list[used - 1] != ' ')
        snprintf(list + used, size - used, ", … ");
}

static void collect(const struct structure *structure, uint32_t *parents, uint32_t root, struct tied *out)
{
    uint32_t place = 0;

    *out = (struct tied){ .min = UINT32_MAX };
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        place += layer->kind->weighted;
        if (!layer->kind->weighted || find_root(parents, structure_value(structure, i)) != root)
            continue;
        /* A weighted kind's neurons or channels. */
        double width = layer->parameters[0];

        append(out->names, sizeof out->names, place);
        append(out->widths, sizeof out->widths, width);
        out->min = MIN(out->min, (uint32_t)width);
        out->max = MAX(out->max, (uint32_t)width);
        out->places++;
    }
    for (uint32_t v = 0; v < structure->signature.input_count; v++) {
        if (find_root(parents, v) == root) {
            out->input = true;
            out->min = MIN(out->min, structure->signature.inputs[v].shape.dimension[0]);
            out->max = MAX(out->max, structure->signature.inputs[v].shape.dimension[0]);
        }
    }
}

void structure_ties_text(const struct structure *structure, uint32_t index, char *text, size_t size)
{
    cleanup_free uint32_t *parents = find_ties(structure);
    struct tied tied;

    *text = 0;
    if (!parents || index >= structure->layer_count || !joins_inputs(structure->layers[index].kind))
        return;
    collect(structure, parents, find_root(parents, structure_value(structure, index)), &tied);
    if (tied.places && tied.min != tied.max)
        snprintf(text, size, "layer%s %s must have %s (now %s): change them together", tied.places > 1 ? "s" : "",
                 tied.names,
                 tied.input ? "as many neurons or channels as the input" : "as many neurons or channels as each other",
                 tied.widths);
}
