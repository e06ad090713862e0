/* SPDX-License-Identifier: Apache-2.0
 *
 * What both ways to lay out a graph need.
 */
#include <string.h>

#include "base/size.h"
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
