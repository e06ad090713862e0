/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "forge/draw/cards.h"
#include "forge/draw/layout.h"

static int make_room(const struct graph *graph, struct layout *layout)
{
    /* Repeats are made for feeds and links, a bar for each group that is attended to. */
    size_t nodes = 2 * (size_t)graph->group_count + graph->feed_count + graph->link_count;

    layout->nodes = memory_zalloc(nodes, sizeof *layout->nodes);
    layout->captions = memory_zalloc(nodes, sizeof *layout->captions);
    layout->routes = memory_zalloc(nodes + graph->link_count + graph->feed_count, sizeof *layout->routes);
    layout->boxes = memory_zalloc(2 * (size_t)graph->group_count, sizeof *layout->boxes);
    layout->homes = memory_zalloc(graph->group_count, sizeof *layout->homes);
    layout->sources = memory_zalloc(graph->feed_count, sizeof *layout->sources);
    return layout->nodes && layout->captions && layout->routes && layout->boxes && layout->homes && layout->sources
               ? 0
               : -ENOMEM;
}

/* Columns where they have room; else cards, unless no card would have several layers. */
static int lay_out(const struct graph *graph, const struct cards *cards, struct layout *layout)
{
    bool attention = false, fits = false;
    int result = make_room(graph, layout);

    for (uint32_t i = 0; i < graph->link_count; i++)
        attention |= graph->links[i].kind == LINK_ATTENTION;
    if (!result && !attention)
        result = layout_columns(graph, layout, &fits, cards->count + 1 == graph->group_count);
    if (result || fits)
        return result;
    layout->cards = true;
    return layout_deck(graph, cards, layout);
}

int layout_make(const struct graph *graph, struct layout *out, struct reason *why)
{
    struct layout layout = LAYOUT_NULL;
    struct cards cards;
    int result = cards_make(graph, &cards);

    if (!result) {
        result = lay_out(graph, &cards, &layout);
        cards_deinit(&cards);
    }
    if (result) {
        layout_deinit(&layout);
        return refuse_errno(why, result, "picture");
    }
    *out = layout;
    return 0;
}

void layout_deinit(struct layout *layout)
{
    free(layout->nodes);
    free(layout->captions);
    free(layout->routes);
    free(layout->boxes);
    free(layout->homes);
    free(layout->sources);
    *layout = LAYOUT_NULL;
}

struct point layout_dot(const struct layout_node *node, uint32_t number)
{
    double part = node->dots > 1 ? (double)number / (node->dots - 1) : 0.5;

    return (struct point){ node->first.x + (node->last.x - node->first.x) * part,
                           node->first.y + (node->last.y - node->first.y) * part };
}
