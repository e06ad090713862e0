/* SPDX-License-Identifier: Apache-2.0
 *
 * Where everything of a graph stands on a page, and the two ways to lay it out.
 *
 * Columns (columns.c): the groups of a rank stand above each other, ranks follow each other from left to right, in as
 * many bands under each other as keep the page near 16:9. Captions stand above and below, all at one height.
 *
 * Cards (cards.c, deck.c), for networks of attention, many branches or many layers: the layers of a block stand in one
 * card, from its top to its bottom; cards follow each other in bands. Captions stand at the left of a card, residuals
 * at its right.
 *
 * Both hold: connections are drawn between two nodes, inside what their bands or cards keep for that; a feed that comes
 * from farther away comes from a repeat, the same group again; and all else runs in lanes (lanes.h). No line has a way
 * through a caption. A page is LAYOUT_WIDTH_MAX wide at most and grows downwards.
 */
#ifndef FORGE_DRAW_LAYOUT_H
#define FORGE_DRAW_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/draw/graph.h"
#include "forge/draw/lanes.h"

enum { LAYOUT_WIDTH = 1280, LAYOUT_WIDTH_MAX = 2000, LAYOUT_FOOT = 72, LAYOUT_CAPTION_LINES = 4 };
#define LAYOUT_RATIO (16.0 / 9)
#define LAYOUT_LINE  1.32 /* of a text's size */

struct layout_node {
    uint32_t group;
    const char *name;          /* the group's, its last part, or that of a card */
    uint32_t length;           /* of the name */
    bool repeat, bar;          /* bar: what attention makes of the group */
    uint32_t band, column;     /* column: of its band, or its card */
    uint32_t row, slot, slots; /* row: in its card; slot: of those in its column or row */
    uint32_t dots;
    struct point first, last; /* dots */
};

/* Of nodes[node], and in a card of the `count` nodes of a row. */
struct layout_caption {
    uint32_t node, count;
    double x, y; /* baseline of the first line; its centre, in a card its left end */
    double room;
    uint32_t lines; /* there is room for */
};

enum layout_route_kind { ROUTE_ADD, ROUTE_AGAIN, ROUTE_NEXT, ROUTE_ATTEND, ROUTE_KINDS };

struct layout_route {
    enum layout_route_kind kind;
    uint32_t count;
    struct point points[TRIP_POINTS];
};

/* A card, or the bar in it where attention happens. */
struct layout_box {
    double x, y, x2, y2;
    const char *name;
    uint32_t length; /* of the name; 0: none, for lines run there */
    bool bar;
};

struct layout {
    bool cards;
    double width, height, text; /* text: size of captions */
    struct layout_node *nodes;
    struct layout_caption *captions;
    struct layout_route *routes;
    struct layout_box *boxes;
    uint32_t *homes;   /* of each group: its node */
    uint32_t *sources; /* of each feed: the node it is drawn from */
    uint32_t node_count, caption_count, route_count, box_count;
};

#define LAYOUT_NULL ((struct layout){ .nodes = NULL })

int layout_make(const struct graph *graph, struct layout *out, struct reason *why);
void layout_deinit(struct layout *layout); /* idempotent */

struct point layout_dot(const struct layout_node *node, uint32_t number);

/* ---- for columns.c and deck.c ---- */

/* Lays out; *fits is false, and the page empty, when it is not for this graph: it would be too large, or a caption
 * would find no place. -ENOMEM. */
int layout_columns(const struct graph *graph, struct layout *layout, bool *fits, bool must);
struct cards;
int layout_deck(const struct graph *graph, const struct cards *cards, struct layout *layout);

void layout_add_route(struct layout *layout, enum layout_route_kind kind, const struct point *points, uint32_t count);
void layout_add_trip(struct layout *layout, const struct trip *trip, struct point from, struct point to,
                     const struct lanes_frame *frame);

/* As many dots in each node, up to `most`, as keep the lines of a page few enough to be drawn. */
void layout_choose_dots(const struct graph *graph, struct layout *layout, uint32_t max);

#endif
