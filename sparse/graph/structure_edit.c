/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sparse/graph/structure_edit.h"

int structure_copy(const struct structure *structure, struct structure *out)
{
    struct structure copy = *structure;

    copy.layers = malloc(MAX(structure->layer_count, 1u) * sizeof *copy.layers);
    copy.base = structure->base ? strdup(structure->base) : NULL;
    if (!copy.layers || (structure->base && !copy.base)) {
        free(copy.layers);
        free(copy.base);
        return -ENOMEM;
    }
    memcpy(copy.layers, structure->layers, structure->layer_count * sizeof *copy.layers);
    *out = copy;
    return 0;
}

/* The layer of the `place`-th weight; WISP_E_INVALID when there are not as many. */
static int find_place(const struct structure *structure, uint32_t place, uint32_t *index, struct reason *why)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        if (structure->layers[i].kind->weighted && ++seen == place)
            return *index = i, 0;
    }
    return refuse(why, WISP_E_INVALID, "there is no layer %u: %s has %u with connections", place, structure->name,
                  seen);
}

/* What belongs to the layer before it: works element by element or channel by channel, and reads nothing else. */
static bool is_follower(const struct structure *structure, uint32_t index)
{
    const struct structure_layer *layer = &structure->layers[index];

    if (index >= structure->layer_count || layer->input_count != 1 ||
        layer->inputs[0] + 1 != structure_value(structure, index))
        return false;
    return layer->kind->follows;
}

static uint32_t count_followers(const struct structure *structure, uint32_t index)
{
    uint32_t count = 0;

    while (index + 1 + count < structure->layer_count && is_follower(structure, index + 1 + count))
        count++;
    return count;
}

/* "NAMEk" with the smallest k that is free. */
static void name_anew(const struct structure *structure, struct structure_layer *layer)
{
    for (unsigned number = 1;; number++) {
        uint32_t i = 0;

        snprintf(layer->name, sizeof layer->name, "%s-%u", layer->kind->name, number);
        while (i < structure->layer_count &&
               (&structure->layers[i] == layer || strcmp(structure->layers[i].name, layer->name) != 0))
            i++;
        if (i == structure->layer_count)
            return;
    }
}

static int keep(struct structure *structure, struct structure *changed)
{
    structure_deinit(structure);
    *structure = *changed;
    return 0;
}

/* The first parameter of a weighted kind. */
static int check_neurons(const struct structure_layer *layer, uint32_t neurons, struct reason *why)
{
    return layer_parameter_check(&layer->kind->parameters[0], neurons, why);
}

int structure_insert(struct structure *structure, uint32_t place, uint32_t neurons, struct reason *why)
{
    struct structure changed;
    struct structure_layer *layers;
    uint32_t at, model, added, from, value;
    int result = find_place(structure, place, &at, why);

    if (result || (result = find_place(structure, place > 1 ? place - 1 : place, &model, why)) ||
        (result = check_neurons(&structure->layers[model], neurons, why)))
        return result;
    added = 1 + count_followers(structure, model);
    if (structure->layer_count + added > MODEL_LAYERS_MAX)
        return refuse(why, WISP_E_INVALID, "a structure has at most %d layers", MODEL_LAYERS_MAX);
    if (structure_copy(structure, &changed))
        return refuse_errno(why, -ENOMEM, "cannot change %s", structure->name);
    layers = realloc(changed.layers, (changed.layer_count + added) * sizeof *layers);
    if (!layers) {
        structure_deinit(&changed);
        return refuse_errno(why, -ENOMEM, "cannot change %s", structure->name);
    }
    changed.layers = layers;
    from = layers[at].inputs[0];
    value = structure_value(&changed, at);
    memmove(layers + at + added, layers + at, (changed.layer_count - at) * sizeof *layers);
    for (uint32_t i = at + added; i < changed.layer_count + added; i++) {
        for (uint32_t j = 0; j < layers[i].input_count; j++)
            layers[i].inputs[j] += layers[i].inputs[j] >= value ? added : 0;
    }
    for (uint32_t i = 0; i < changed.signature.output_count; i++)
        changed.signature.outputs[i].value += changed.signature.outputs[i].value >= value ? added : 0;
    for (uint32_t i = 0; i < added; i++) {
        layers[at + i] = structure->layers[model + i];
        layers[at + i].inputs[0] = i ? value + i - 1 : from;
        layers[at + i].name[0] = 0;
    }
    changed.layer_count += added;
    for (uint32_t i = 0; i < added; i++)
        name_anew(&changed, &layers[at + i]);
    layers[at].parameters[0] = neurons;
    layers[at + added].inputs[0] = value + added - 1;
    return keep(structure, &changed);
}

/* An attention is nothing without maps of its own for its queries, keys and values. */
static int check_removable(const struct structure *structure, uint32_t place, uint32_t at, uint32_t gone,
                           struct reason *why)
{
    static const char *const parts[] = { "queries", "keys", "values" };
    uint32_t first = structure_value(structure, at);

    for (uint32_t i = at + gone; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        for (uint32_t j = 0; layer->kind->merge == MERGE_ATTEND && j < layer_merged(layer->kind, layer->input_count);
             j++) {
            if (layer->inputs[j] >= first && layer->inputs[j] < first + gone)
                return refuse(why, WISP_E_INVALID,
                              "layer %u, %s, makes the %s of %s, which cannot do without: take the whole attention out "
                              "of the document (`wisp structure show %s --yaml`)",
                              place, structure->layers[at].name, parts[MIN(j, 2u)], layer->name, structure->name);
        }
    }
    return 0;
}

/* What a value is called when `gone` from `first` on are no more; who read one of those reads `from`. */
static uint32_t value_without(uint32_t value, uint32_t first, uint32_t gone, uint32_t from)
{
    return value >= first + gone ? value - gone : value >= first ? from : value;
}

int structure_remove(struct structure *structure, uint32_t place, struct reason *why)
{
    struct structure changed;
    uint32_t at, gone, from, first;
    int result = find_place(structure, place, &at, why);

    if (result)
        return result;
    if (structure_weighted(structure) == 1)
        return refuse(why, WISP_E_INVALID, "the only layer with connections cannot go");
    gone = 1 + count_followers(structure, at);
    if ((result = check_removable(structure, place, at, gone, why)))
        return result;
    if (structure_copy(structure, &changed))
        return refuse_errno(why, -ENOMEM, "cannot change %s", structure->name);
    from = changed.layers[at].inputs[0];
    first = structure_value(&changed, at);
    memmove(changed.layers + at, changed.layers + at + gone,
            (changed.layer_count - at - gone) * sizeof *changed.layers);
    changed.layer_count -= gone;
    for (uint32_t i = at; i < changed.layer_count; i++) {
        for (uint32_t j = 0; j < changed.layers[i].input_count; j++)
            changed.layers[i].inputs[j] = value_without(changed.layers[i].inputs[j], first, gone, from);
    }
    for (uint32_t i = 0; i < changed.signature.output_count; i++) {
        uint32_t *value = &changed.signature.outputs[i].value;

        *value = value_without(*value, first, gone, from);
    }
    return keep(structure, &changed);
}

int structure_set_neurons(struct structure *structure, uint32_t place, uint32_t neurons, struct reason *why)
{
    uint32_t at;
    int result = find_place(structure, place, &at, why);

    if (!result)
        result = check_neurons(&structure->layers[at], neurons, why);
    if (!result)
        structure->layers[at].parameters[0] = neurons;
    return result;
}

int structure_set_outputs(struct structure *structure, uint32_t neurons, struct reason *why)
{
    const size_t used = strlen(structure->name);
    uint32_t places = 0;
    int result;

    for (uint32_t i = 0; i < structure->layer_count; i++)
        places += structure->layers[i].kind->weighted;
    result = structure_set_neurons(structure, places, neurons, why);
    if (!result && used)
        snprintf(structure->name + used, sizeof structure->name - used, ".%u", neurons);
    return result;
}
