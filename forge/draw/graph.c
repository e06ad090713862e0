/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/graph.h"
#include "sparse/layers/layer.h"

enum { SOURCES_MAX = 64 };

/* Where a value's channels come from, in order. */
struct source {
    uint32_t group;
    double share; /* of the value's channels, 0 .. 1 */
};

struct sources {
    struct source *list;
    uint32_t count;
};

struct walk {
    const struct structure *structure;
    struct graph *graph;
    struct sources *values; /* structure_value_count() */
    uint32_t feed_capacity, link_capacity;
};

static void *grown(void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    uint32_t wanted = *capacity ? *capacity * 2 : 64;
    void *larger;

    if (count < *capacity)
        return array;
    larger = memory_alloc(wanted, size);
    if (!larger)
        return NULL;
    if (count)
        memcpy(larger, array, count * size);
    free(array);
    *capacity = wanted;
    return larger;
}

static int add_link(struct walk *walk, uint32_t from, uint32_t to, enum graph_link_kind kind)
{
    struct graph *graph = walk->graph;
    void *links;

    if (from == to)
        return 0;
    for (uint32_t i = graph->link_count; i--;) {
        if (graph->links[i].from == from && graph->links[i].to == to)
            return 0;
        if (graph->link_count - i > SOURCES_MAX)
            break;
    }
    links = grown(graph->links, graph->link_count, &walk->link_capacity, sizeof *graph->links);
    if (!links)
        return -ENOMEM;
    graph->links = links;
    graph->links[graph->link_count++] = (struct graph_link){ .from = from, .to = to, .kind = kind };
    return 0;
}

static uint32_t sources_rank(const struct walk *walk, const struct sources *sources)
{
    uint32_t rank = 0;

    for (uint32_t i = 0; i < sources->count; i++)
        rank = MAX(rank, walk->graph->groups[sources->list[i].group].rank);
    return rank;
}

static int copy_sources(const struct sources *from, struct sources *to)
{
    to->list = memory_alloc(from->count, sizeof *to->list);
    if (!to->list)
        return -ENOMEM;
    memcpy(to->list, from->list, from->count * sizeof *to->list);
    to->count = from->count;
    return 0;
}

static uint32_t merged_inputs(const struct structure_layer *layer)
{
    return layer_merged(layer->kind, layer->input_count);
}

/* One of the inputs goes on; the others are linked to its last group. */
static int merge(struct walk *walk, const struct structure_layer *layer, uint32_t main, enum graph_link_kind kind,
                 struct sources *out)
{
    const struct sources *kept = &walk->values[layer->inputs[main]];
    uint32_t target = kept->list[kept->count - 1].group;

    for (uint32_t i = 0; i < merged_inputs(layer); i++) {
        const struct sources *other = &walk->values[layer->inputs[i]];

        for (uint32_t k = 0; i != main && k < other->count; k++) {
            int result = add_link(walk, other->list[k].group, target, kind);

            if (result)
                return result;
        }
    }
    return copy_sources(kept, out);
}

static int add_up(struct walk *walk, const struct structure_layer *layer, struct sources *out)
{
    uint32_t main = 0;

    for (uint32_t i = 1; i < layer->input_count; i++) {
        if (sources_rank(walk, &walk->values[layer->inputs[i]]) >
            sources_rank(walk, &walk->values[layer->inputs[main]]))
            main = i;
    }
    return merge(walk, layer, main, LINK_ADD, out);
}

static int join(struct walk *walk, const struct structure_layer *layer, struct sources *out, struct reason *why)
{
    double total = layer->plan.shape.dimension[0];
    uint32_t count = 0, at = 0;

    for (uint32_t i = 0; i < layer->input_count; i++)
        count += walk->values[layer->inputs[i]].count;
    if (count > SOURCES_MAX)
        return refuse(why, WISP_E_INVALID, "layer %s joins the outputs of %u others; a picture shows at most %d",
                      layer->name, count, SOURCES_MAX);
    out->list = memory_alloc(count, sizeof *out->list);
    if (!out->list)
        return -ENOMEM;
    for (uint32_t i = 0; i < layer->input_count; i++) {
        const struct sources *part = &walk->values[layer->inputs[i]];
        double share = structure_value_shape(walk->structure, layer->inputs[i])->dimension[0] / total;

        for (uint32_t k = 0; k < part->count; k++)
            out->list[at++] = (struct source){ part->list[k].group, part->list[k].share * share };
    }
    out->count = at;
    return 0;
}

/* What a row of its weight stands for. */
static const char *unit_of(const struct layer_plan *plan)
{
    return plan->convolution ? "channel" : plan->recurrent ? "gate" : "neuron";
}

static int add_group(struct walk *walk, uint32_t place, struct sources *out)
{
    const struct structure_layer *layer = &walk->structure->layers[place];
    const struct sources *reads = &walk->values[layer->inputs[0]];
    struct graph *graph = walk->graph;
    struct graph_group *group = &graph->groups[graph->group_count];
    const double fed = (double)(layer->plan.inputs - layer->plan.recurrent) / (double)layer->plan.inputs;
    double low = 0;

    *group = (struct graph_group){ .name = layer->name,
                                   .unit = unit_of(&layer->plan),
                                   .neurons = layer->plan.outputs,
                                   .rank = sources_rank(walk, reads) + 1,
                                   .place = place,
                                   .first_feed = graph->feed_count,
                                   .feed_count = reads->count };
    for (uint32_t i = 0; i < reads->count; i++) {
        void *feeds = grown(graph->feeds, graph->feed_count, &walk->feed_capacity, sizeof *graph->feeds);

        if (!feeds)
            return -ENOMEM;
        graph->feeds = feeds;
        graph->feeds[graph->feed_count++] =
            (struct graph_feed){ .from = reads->list[i].group,
                                 .to = graph->group_count,
                                 .low = low,
                                 .high = i + 1 == reads->count ? fed : low + reads->list[i].share * fed };
        low += reads->list[i].share * fed;
    }
    graph->rank_count = MAX(graph->rank_count, group->rank + 1);
    out->list = memory_alloc(1, sizeof *out->list);
    if (!out->list)
        return -ENOMEM;
    *out->list = (struct source){ .group = graph->group_count++, .share = 1 };
    out->count = 1;
    return 0;
}

/* The products of attention are sums of its last input's neurons; they wait for all of them. */
static int attend(struct walk *walk, const struct structure_layer *layer, struct sources *out)
{
    struct graph *graph = walk->graph;
    uint32_t rank = 0;

    for (uint32_t i = 0; i < merged_inputs(layer); i++)
        rank = MAX(rank, sources_rank(walk, &walk->values[layer->inputs[i]]));
    for (uint32_t i = 0; i < merged_inputs(layer); i++) {
        const struct sources *input = &walk->values[layer->inputs[i]];

        for (uint32_t k = 0; k < input->count && layer->input_count > 1; k++) {
            if (input->list[k].group)
                graph->groups[input->list[k].group].rank = rank;
        }
    }
    return merge(walk, layer, merged_inputs(layer) - 1, LINK_ATTENTION, out);
}

static int take_layer(struct walk *walk, uint32_t place, struct reason *why)
{
    const struct structure_layer *layer = &walk->structure->layers[place];
    struct sources *out = &walk->values[structure_value(walk->structure, place)];

    if (layer->kind->weighted)
        return add_group(walk, place, out);
    if (layer->kind->merge == MERGE_ELEMENTS)
        return add_up(walk, layer, out);
    if (layer->kind->merge == MERGE_CONCAT)
        return join(walk, layer, out, why);
    return attend(walk, layer, out);
}

/* The input is counted as its first reader counts it: pixels, channels, words. */
static void count_input(const struct structure *structure, struct graph *graph)
{
    struct graph_group *input = &graph->groups[0];

    for (uint32_t v = 0; v < structure->signature.input_count; v++)
        input->neurons += shape_elements(structure_value_shape(structure, v));
    input->unit = "input";
    for (uint32_t i = 0; i < graph->feed_count; i++) {
        const struct structure_layer *reader = &structure->layers[graph->groups[graph->feeds[i].to].place];

        if (graph->feeds[i].from || graph->groups[graph->feeds[i].to].feed_count > 1)
            continue;
        input->neurons = reader->plan.inputs - reader->plan.recurrent;
        if (reader->kind->indexed)
            input->unit = "word";
        else if (reader->plan.convolution)
            input->unit = "channel";
        return;
    }
}

int graph_make(const struct structure *structure, struct graph *out, struct reason *why)
{
    struct graph graph = { .group_count = 1, .rank_count = 1 };
    struct walk walk = { .structure = structure, .graph = &graph };
    const uint32_t value_count = structure_value_count(structure);
    int result = 0;

    graph.groups = memory_zalloc((size_t)structure_weighted(structure) + 1, sizeof *graph.groups);
    walk.values = memory_zalloc(value_count, sizeof *walk.values);
    if (graph.groups)
        graph.groups[0].name = "input";
    if (!graph.groups || !walk.values)
        result = -ENOMEM;
    for (uint32_t v = 0; v < structure->signature.input_count && !result; v++)
        result = copy_sources(&(struct sources){ &(struct source){ 0, 1 }, 1 }, &walk.values[v]);
    for (uint32_t i = 0; i < structure->layer_count && !result; i++)
        result = take_layer(&walk, i, why);
    for (uint32_t i = 0; walk.values && i < value_count; i++)
        free(walk.values[i].list);
    free(walk.values);
    if (!result && graph.group_count == 1)
        result = refuse(why, WISP_E_INVALID, "no layer has connections; there is nothing to draw");
    if (result) {
        graph_deinit(&graph);
        return result < 0 ? refuse_errno(why, result, "picture") : result;
    }
    count_input(structure, &graph);
    *out = graph;
    return 0;
}

void graph_deinit(struct graph *graph)
{
    free(graph->groups);
    free(graph->feeds);
    free(graph->links);
    *graph = GRAPH_NULL;
}
