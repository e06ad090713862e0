/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/layout.h"

enum {
    PAGE_WIDTH = 1280, /* at least */
    CELL_LEAST = 132,
    CELL_MOST = 400,
    DOTS_LEAST = 4,
    DOTS_MOST = 48,
    LINES_MOST = 60000, /* pairs of dots on a page */
};

#define PAGE_RATIO  (16.0 / 9)
#define DOT_SPACING 8.5
#define DOT_WIDEST  17.0
#define ALONE       1.35
#define PAGE_SLACK  1.15

static uint32_t band_of(const struct layout *layout, uint32_t rank)
{
    return rank ? (rank - 1) / layout->per_band : 0;
}

static void place_node(const struct layout *layout, struct layout_node *node, uint32_t band, uint32_t rank)
{
    node->band = band;
    node->column = rank - band * layout->per_band;
}

static bool same_column(const struct layout_node *a, const struct layout_node *b)
{
    return a->band == b->band && a->column == b->column;
}

/* The node that stands for `feed`'s source in the column before its target. */
static uint32_t source_node(struct layout *layout, const struct graph *graph, const struct graph_feed *feed)
{
    uint32_t rank = graph->groups[feed->to].rank;
    struct layout_node ghost = { .group = feed->from, .ghost = true };

    place_node(layout, &ghost, band_of(layout, rank), rank - 1);
    if (same_column(&layout->nodes[feed->from], &ghost))
        return feed->from;
    for (uint32_t i = graph->group_count; i < layout->node_count; i++) {
        if (layout->nodes[i].group == feed->from && same_column(&layout->nodes[i], &ghost))
            return i;
    }
    layout->nodes[layout->node_count] = ghost;
    return layout->node_count++;
}

static void place_nodes(struct layout *layout, const struct graph *graph)
{
    layout->node_count = graph->group_count;
    layout->bands = graph->rank_count > 1 ? band_of(layout, graph->rank_count - 1) + 1 : 1;
    for (uint32_t i = 0; i < graph->group_count; i++) {
        layout->nodes[i] = (struct layout_node){ .group = i };
        place_node(layout, &layout->nodes[i], band_of(layout, graph->groups[i].rank), graph->groups[i].rank);
    }
    for (uint32_t i = 0; i < graph->feed_count; i++)
        layout->sources[i] = source_node(layout, graph, &graph->feeds[i]);
}

/* Numbers the nodes of each column; `first` is the first ghost. */
static int stack(struct layout *layout, uint32_t first)
{
    size_t columns = (size_t)layout->bands * (layout->per_band + 1);
    uint32_t *filled = memory_zalloc(columns, sizeof *filled);

    if (!filled)
        return -ENOMEM;
    layout->slots = 1;
    /* Ghosts above: what leads to them passes over the layers between. */
    for (uint32_t k = 0; k < layout->node_count; k++) {
        uint32_t i = (k + first) % layout->node_count;
        struct layout_node *node = &layout->nodes[i];
        uint32_t *column = &filled[(size_t)node->band * (layout->per_band + 1) + node->column];

        node->slot = (*column)++;
        layout->slots = MAX(layout->slots, *column);
    }
    for (uint32_t i = 0; i < layout->node_count; i++) {
        struct layout_node *node = &layout->nodes[i];

        node->slots = filled[(size_t)node->band * (layout->per_band + 1) + node->column];
    }
    free(filled);
    return 0;
}

static double least_slot(const struct layout *layout, const struct graph *graph)
{
    double dots = graph->rank_count <= 12 ? 210 : graph->rank_count <= 40 ? 130 : 96;

    return (layout->slots > 1 ? fmin(dots, 110) : dots) + 76;
}

static double least_width(const struct layout *layout)
{
    return 2.0 * PAGE_MARGIN + (double)CELL_LEAST * (layout->per_band + 1);
}

static double least_height(const struct layout *layout, const struct graph *graph)
{
    return PAGE_HEAD + LAYOUT_FOOT + layout->bands * (layout->slots * least_slot(layout, graph) + LAYOUT_ARCS);
}

static double page_width(const struct layout *layout, const struct graph *graph)
{
    return fmax(fmax(least_width(layout), PAGE_WIDTH), least_height(layout, graph) * PAGE_RATIO);
}

static void set_bands(struct layout *layout, uint32_t ranks, uint32_t bands)
{
    layout->per_band = (ranks + bands - 1) / bands;
    layout->bands = (ranks + layout->per_band - 1) / layout->per_band;
}

/* As few as need at most a little more than the smallest page: on a slide it has the largest letters. */
static int choose_bands(struct layout *layout, const struct graph *graph)
{
    uint32_t ranks = MAX(graph->rank_count, 2) - 1, bands = 0;
    double smallest = INFINITY;
    int result;

    layout->per_band = ranks;
    place_nodes(layout, graph);
    if ((result = stack(layout, graph->group_count)))
        return result;
    for (uint32_t i = 1; i <= ranks; i++) {
        set_bands(layout, ranks, i);
        smallest = fmin(smallest, page_width(layout, graph));
    }
    do
        set_bands(layout, ranks, ++bands);
    while (page_width(layout, graph) > smallest * PAGE_SLACK);
    place_nodes(layout, graph);
    return stack(layout, graph->group_count);
}

static void size_page(struct layout *layout, const struct graph *graph)
{
    layout->width = ceil(page_width(layout, graph));
    layout->height = ceil(layout->width / PAGE_RATIO);
    layout->cell = fmin(CELL_MOST, (layout->width - 2.0 * PAGE_MARGIN) / (layout->per_band + 1));
    layout->text = fmax(11, fmin(14, layout->cell * 0.062));
    layout->band_height = (layout->height - PAGE_HEAD - LAYOUT_FOOT) / layout->bands;
    layout->slot_height = (layout->band_height - LAYOUT_ARCS) / layout->slots;
}

static double captions_height(const struct layout *layout)
{
    return LAYOUT_CAPTION_LINES * layout->text * 1.35 + 18;
}

/* Dots of a node when its column has room for `most` in each slot: alone in its column it gets more. */
static uint32_t dots_of(const struct layout *layout, const struct graph *graph, const struct layout_node *node,
                        uint32_t most)
{
    if (node->slots < layout->slots)
        most = (uint32_t)fmin(DOTS_MOST, most * ALONE);
    return (uint32_t)MIN(graph->groups[node->group].neurons, most);
}

static uint64_t count_pairs(const struct layout *layout, const struct graph *graph, uint32_t most)
{
    uint64_t pairs = 0;

    for (uint32_t i = 0; i < graph->feed_count; i++)
        pairs += (uint64_t)dots_of(layout, graph, &layout->nodes[layout->sources[i]], most) *
                 dots_of(layout, graph, &layout->nodes[graph->feeds[i].to], most);
    return pairs;
}

static void place_dots(struct layout *layout, const struct graph *graph)
{
    double captions = captions_height(layout);
    uint32_t most = (uint32_t)fmax(DOTS_LEAST, fmin(DOTS_MOST, floor((layout->slot_height - captions) / DOT_SPACING)));
    double left = (layout->width - layout->cell * layout->per_band) / 2;

    while (most > DOTS_LEAST && count_pairs(layout, graph, most) > LINES_MOST)
        most--;
    for (uint32_t i = 0; i < layout->node_count; i++) {
        struct layout_node *node = &layout->nodes[i];
        double height = layout->slot_height * (node->slots < layout->slots ? ALONE : 1);
        double slot = PAGE_HEAD + node->band * layout->band_height + LAYOUT_ARCS + node->slot * height +
                      (layout->slots * layout->slot_height - node->slots * height) / 2;
        double room = height - captions, spacing, extent;

        node->dots = dots_of(layout, graph, node, most);
        spacing = fmin(DOT_WIDEST, room / node->dots);
        extent = spacing * (node->dots - 1);
        node->x = left + node->column * layout->cell;
        node->top = slot + (room - extent) / 2;
        node->bottom = node->top + extent;
        node->caption = slot + room + layout->text + 8;
    }
}

int layout_make(const struct graph *graph, struct layout *out, struct reason *why)
{
    struct layout layout = LAYOUT_NULL;

    layout.nodes = memory_zalloc((size_t)graph->group_count + graph->feed_count, sizeof *layout.nodes);
    layout.sources = memory_zalloc(graph->feed_count, sizeof *layout.sources);
    if (!layout.nodes || !layout.sources || choose_bands(&layout, graph)) {
        layout_deinit(&layout);
        return refuse_errno(why, -ENOMEM, "picture");
    }
    size_page(&layout, graph);
    place_dots(&layout, graph);
    *out = layout;
    return 0;
}

void layout_deinit(struct layout *layout)
{
    free(layout->nodes);
    free(layout->sources);
    *layout = LAYOUT_NULL;
}

double layout_dot(const struct layout_node *node, uint32_t number)
{
    return node->dots > 1 ? node->top + (node->bottom - node->top) * number / (node->dots - 1) : node->top;
}
