/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/cards.h"
#include "forge/draw/layout.h"

enum { DOTS_MIN = 2, LINES_MAX = 60000 /* pairs of dots on a page */ };

void layout_add_route(struct layout *layout, enum layout_route_kind kind, const struct point *points, uint32_t count)
{
    struct layout_route *route = &layout->routes[layout->route_count++];

    *route = (struct layout_route){ .kind = kind, .count = count };
    memcpy(route->points, points, count * sizeof *points);
}

void layout_add_trip(struct layout *layout, const struct trip *trip, struct point from, struct point to,
                     const struct lanes_frame *frame)
{
    static const enum layout_route_kind kinds[] = {
        [TRIP_ADD] = ROUTE_ADD, [TRIP_AGAIN] = ROUTE_AGAIN, [TRIP_NEXT] = ROUTE_NEXT
    };
    struct point points[TRIP_POINTS];

    layout_add_route(layout, kinds[trip->kind], points, lanes_path(trip, from, to, frame, points));
}

/* A node with its column or row to itself gets all; others share. */
static uint32_t dots_of(const struct graph *graph, const struct layout_node *node, uint32_t max)
{
    uint32_t room = MAX(max / node->slots, DOTS_MIN);

    return (uint32_t)MIN(graph->groups[node->group].neurons, room);
}

static uint64_t count_pairs(const struct graph *graph, const struct layout *layout, uint32_t max)
{
    uint64_t pairs = 0;

    for (uint32_t i = 0; i < graph->feed_count; i++)
        pairs += (uint64_t)dots_of(graph, &layout->nodes[layout->sources[i]], max) *
                 dots_of(graph, &layout->nodes[layout->homes[graph->feeds[i].to]], max);
    return pairs;
}

void layout_choose_dots(const struct graph *graph, struct layout *layout, uint32_t max)
{
    while (max > DOTS_MIN && count_pairs(graph, layout, max) > LINES_MAX)
        max--;
    for (uint32_t i = 0; i < layout->node_count; i++)
        layout->nodes[i].dots = dots_of(graph, &layout->nodes[i], max);
}

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
