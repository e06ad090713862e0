/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of columns: band b, column c shows rank b * per_band + c; column 0 of all bands but the first holds
 * repeats only. A column has one node, or two. Of two, the upper one's caption stands above, and its trips run there;
 * those of the lower one run below the band. Channel 2 * b is the lanes above band b, 2 * b + 1 those below.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/layout.h"

enum { CELL_MIN = 132, CELL_MAX = 400, DOTS_MAX = 48, BAND_GAP = 14, SLOT_GAP = 26, TRIP_ASIDE = 5, CLEAR = 7 };

#define DOT_SPACING 8.5
#define DOT_WIDEST  17.0
#define PAGE_SLACK  1.15

struct columns {
    const struct graph *graph;
    struct layout *layout;
    struct trip *trips;
    uint32_t trip_count, per_band, bands;
    uint32_t *filled; /* nodes of each column */
    uint32_t *depths; /* lanes of each channel */
    uint32_t edges;
    bool two;           /* some column has two nodes */
    uint32_t top_lines; /* of captions above */
    bool crowded;       /* some column cannot be shown */
};

static uint32_t band_of(const struct columns *c, uint32_t rank)
{
    return rank ? (rank - 1) / c->per_band : 0;
}

static void set_bands(struct columns *c, uint32_t bands)
{
    uint32_t ranks = MAX(c->graph->rank_count, 2) - 1;

    c->per_band = (ranks + bands - 1) / bands;
    c->bands = (ranks + c->per_band - 1) / c->per_band;
}

static bool same_column(const struct layout_node *a, const struct layout_node *b)
{
    return a->band == b->band && a->column == b->column;
}

static struct layout_node node_at(const struct columns *c, uint32_t group, uint32_t band, uint32_t rank)
{
    const char *name = c->graph->groups[group].name;

    return (struct layout_node){ .group = group,
                                 .name = name,
                                 .length = (uint32_t)strlen(name),
                                 .band = band,
                                 .column = rank - band * c->per_band,
                                 .slots = 1 };
}

/* The node that stands for `feed`'s source in the column before its target. */
static uint32_t source_node(struct columns *c, const struct graph_feed *feed)
{
    struct layout *layout = c->layout;
    uint32_t rank = c->graph->groups[feed->to].rank;
    struct layout_node repeat = node_at(c, feed->from, band_of(c, rank), rank - 1);

    repeat.repeat = true;
    if (same_column(&layout->nodes[feed->from], &repeat))
        return feed->from;
    for (uint32_t i = c->graph->group_count; i < layout->node_count; i++) {
        if (layout->nodes[i].group == feed->from && same_column(&layout->nodes[i], &repeat))
            return i;
    }
    layout->nodes[layout->node_count] = repeat;
    return layout->node_count++;
}

static void place_nodes(struct columns *c)
{
    struct layout *layout = c->layout;

    layout->node_count = c->graph->group_count;
    for (uint32_t i = 0; i < c->graph->group_count; i++) {
        uint32_t rank = c->graph->groups[i].rank;

        layout->nodes[i] = node_at(c, i, band_of(c, rank), rank);
        layout->homes[i] = i;
    }
    for (uint32_t i = 0; i < c->graph->feed_count; i++)
        layout->sources[i] = source_node(c, &c->graph->feeds[i]);
}

static void add_trip(struct columns *c, enum trip_kind kind, uint32_t from, uint32_t to)
{
    const struct layout_node *a = &c->layout->nodes[from], *b = &c->layout->nodes[to];

    if (same_column(a, b))
        return;
    c->trips[c->trip_count++] = (struct trip){
        .kind = kind, .net = a->group, .from = from, .to = to, .from_column = a->column, .to_column = b->column
    };
}

/* Residuals, and what leads to repeats; but the repeats that begin a band are where one reads on. */
static void find_trips(struct columns *c)
{
    c->trip_count = 0;
    for (uint32_t i = 0; i < c->graph->link_count; i++)
        add_trip(c, TRIP_ADD, c->graph->links[i].from, c->graph->links[i].to);
    for (uint32_t i = c->graph->group_count; i < c->layout->node_count; i++) {
        const struct layout_node *repeat = &c->layout->nodes[i];

        if (c->graph->groups[repeat->group].rank != repeat->band * c->per_band + repeat->column)
            add_trip(c, TRIP_AGAIN, repeat->group, i);
    }
}

static uint32_t *count_at(const struct columns *c, const struct layout_node *node)
{
    return &c->filled[(size_t)node->band * (c->per_band + 1) + node->column];
}

/* Nodes with trips above, repeats above others. */
static void stack(struct columns *c)
{
    struct layout *layout = c->layout;

    for (size_t i = 0; i < (size_t)c->bands * (c->per_band + 1); i++)
        c->filled[i] = 0;
    for (uint32_t i = 0; i < layout->node_count; i++)
        layout->nodes[i].slot = UINT32_MAX;
    for (uint32_t i = 0; i < 2 * c->trip_count; i++) {
        struct layout_node *node = &layout->nodes[i % 2 ? c->trips[i / 2].to : c->trips[i / 2].from];

        if (node->slot == UINT32_MAX)
            node->slot = (*count_at(c, node))++;
    }
    for (uint32_t i = layout->node_count; i--;) {
        struct layout_node *node = &layout->nodes[i];

        if (node->slot == UINT32_MAX)
            node->slot = (*count_at(c, node))++;
    }
    for (uint32_t i = 0; i < layout->node_count; i++) {
        struct layout_node *node = &layout->nodes[i];

        node->slots = *count_at(c, node);
        c->crowded |= node->slots > 2;
        c->two |= node->slots > 1;
        if (node->slots > 1 && !node->slot)
            c->top_lines = MAX(c->top_lines, node->repeat ? 1u : LAYOUT_CAPTION_LINES);
    }
}

static bool is_lower(const struct layout_node *node)
{
    return node->slots > 1 && node->slot;
}

static void choose_channels(struct columns *c)
{
    for (uint32_t i = 0; i < c->trip_count; i++) {
        const struct layout_node *from = &c->layout->nodes[c->trips[i].from], *to = &c->layout->nodes[c->trips[i].to];

        c->trips[i].from_band = 2 * from->band + is_lower(from);
        c->trips[i].to_band = 2 * to->band + is_lower(to);
    }
}

static void place(struct columns *c)
{
    c->crowded = c->two = false;
    c->top_lines = 0;
    place_nodes(c);
    find_trips(c);
    stack(c);
    choose_channels(c);
}

/* ---- the page ---- */

static double captions_height(double text, uint32_t lines)
{
    return lines ? lines * text * LAYOUT_LINE + 14 : 0;
}

static double min_width(const struct columns *c)
{
    return 2.0 * PAGE_MARGIN + (double)CELL_MIN * (c->per_band + 1) + c->edges * (double)LANE_STEP;
}

/* Of a band's nodes. */
static double min_nodes(const struct columns *c)
{
    double one = c->graph->rank_count <= 12 ? 210 : c->graph->rank_count <= 40 ? 130 : 96;

    return c->two ? 2 * fmin(one, 96) + SLOT_GAP : one;
}

static double page_width(const struct columns *c)
{
    double lanes = c->graph->link_count || c->two ? 2 * LANE_STEP : 0;
    double band =
        min_nodes(c) + captions_height(11, c->top_lines) + captions_height(11, LAYOUT_CAPTION_LINES) + lanes + BAND_GAP;

    return fmax(fmax(min_width(c), LAYOUT_WIDTH), (PAGE_HEAD + LAYOUT_FOOT + c->bands * band) * LAYOUT_RATIO);
}

/* As few as need at most a little more than the smallest page: on a slide it has the largest letters. */
static bool choose_bands(struct columns *c)
{
    uint32_t ranks = MAX(c->graph->rank_count, 2) - 1, bands = 0;
    double smallest = INFINITY;

    set_bands(c, 1);
    place(c);
    for (uint32_t i = 1; i <= ranks; i++) {
        set_bands(c, i);
        if (min_width(c) <= LAYOUT_WIDTH_MAX)
            smallest = fmin(smallest, page_width(c));
    }
    do
        set_bands(c, ++bands);
    while (min_width(c) > LAYOUT_WIDTH_MAX || page_width(c) > smallest * PAGE_SLACK);
    place(c);
    return page_width(c) <= LAYOUT_WIDTH_MAX && !c->crowded;
}

/* Of the lanes below a band, whose captions end above them. */
static double height_below(const struct columns *c, uint32_t band)
{
    uint32_t depth = c->depths[2 * band + 1];

    return depth ? depth * (double)LANE_STEP + CLEAR : 0;
}

struct page {
    double left, cell, nodes, top, bottom; /* heights of a band: its nodes, the captions above and below */
    double *tops;                          /* of each band's nodes */
    double *nearest;                       /* of each channel */
    bool *below;
};

static void size_page(struct columns *c, struct page *page)
{
    struct layout *layout = c->layout;
    double lanes = 0, band = PAGE_HEAD, rest, right = c->edges ? LANE_MARGIN + c->edges * (double)LANE_STEP : 0;

    layout->width = ceil(fmin(page_width(c), LAYOUT_WIDTH_MAX));
    page->cell = fmin(CELL_MAX, (layout->width - 2.0 * PAGE_MARGIN - right) / (c->per_band + 1));
    layout->text = fmax(11, fmin(14, page->cell * 0.062));
    page->top = captions_height(layout->text, c->top_lines);
    page->bottom = captions_height(layout->text, LAYOUT_CAPTION_LINES);
    for (uint32_t i = 0; i < c->bands; i++)
        lanes += c->depths[2 * i] * (double)LANE_STEP + height_below(c, i) + BAND_GAP;
    rest = PAGE_HEAD + LAYOUT_FOOT + lanes + c->bands * (page->top + page->bottom);
    layout->height = ceil(fmax(layout->width / LAYOUT_RATIO, rest + c->bands * min_nodes(c)));
    page->nodes = (layout->height - rest) / c->bands;
    page->left = (layout->width - right - page->cell * c->per_band) / 2;
    for (uint32_t i = 0; i < c->bands; i++) {
        double above = c->depths[2 * i] * (double)LANE_STEP, end = band + BAND_GAP + above;

        page->nearest[2 * i] = end - CLEAR - LANE_STEP;
        page->tops[i] = end + page->top;
        page->nearest[2 * i + 1] = page->tops[i] + page->nodes + page->bottom + CLEAR;
        page->below[2 * i + 1] = true;
        band = page->tops[i] + page->nodes + page->bottom + height_below(c, i);
    }
}

static void place_dots(struct columns *c, const struct page *page)
{
    struct layout *layout = c->layout;

    layout_choose_dots(c->graph, layout, (uint32_t)fmin(DOTS_MAX, floor(page->nodes / DOT_SPACING)));
    for (uint32_t i = 0; i < layout->node_count; i++) {
        struct layout_node *node = &layout->nodes[i];
        double room = node->slots > 1 ? (page->nodes - SLOT_GAP) / 2 : page->nodes;
        double slot = page->tops[node->band] + node->slot * (room + SLOT_GAP),
               x = page->left + node->column * page->cell;
        double extent = fmin(DOT_WIDEST, room / node->dots) * (node->dots - 1);
        bool above = node->slots > 1 && !node->slot;

        node->first = (struct point){ x, slot + (room - extent) / 2 };
        node->last = (struct point){ x, slot + (room + extent) / 2 };
        layout->captions[layout->caption_count++] = (struct layout_caption){
            .node = i,
            .count = 1,
            .x = x,
            .y = above ? page->tops[node->band] - page->top + layout->text
                       : page->tops[node->band] + page->nodes + layout->text + 10,
            .room = page->cell - 12,
            .lines = LAYOUT_CAPTION_LINES,
        };
    }
}

/* Where a trip meets a node: at its first dot, or at the caption that stands above or below. */
static struct point anchor(const struct page *page, const struct layout_node *node, double aside)
{
    double y = is_lower(node)    ? page->nearest[2 * node->band + 1] - CLEAR
               : node->slots > 1 ? page->tops[node->band] - page->top - 2
                                 : node->first.y - CLEAR;

    return (struct point){ node->first.x + aside, y };
}

static void add_routes(struct columns *c, const struct page *page)
{
    struct lanes_frame frame = { .nearest = page->nearest,
                                 .below = page->below,
                                 .left = page->left - page->cell / 2,
                                 .right = page->left + page->cell * (c->per_band + 0.5) };

    for (uint32_t i = 0; i < c->trip_count; i++)
        layout_add_trip(c->layout, &c->trips[i], anchor(page, &c->layout->nodes[c->trips[i].from], TRIP_ASIDE),
                        anchor(page, &c->layout->nodes[c->trips[i].to], -TRIP_ASIDE), &frame);
    for (uint32_t i = 0; i < c->graph->link_count; i++) {
        const struct layout_node *from = &c->layout->nodes[c->graph->links[i].from];
        const struct layout_node *to = &c->layout->nodes[c->graph->links[i].to];

        if (same_column(from, to))
            layout_add_route(
                c->layout, ROUTE_ADD,
                (struct point[]){ { from->first.x, from->slot ? from->first.y - CLEAR : from->last.y + CLEAR },
                                  { to->first.x, to->slot ? to->first.y - CLEAR : to->last.y + CLEAR } },
                2);
    }
}

int layout_columns(const struct graph *graph, struct layout *layout, bool *fits, bool must)
{
    size_t max = 2 * (size_t)graph->group_count + graph->feed_count + graph->link_count;
    cleanup_free struct trip *trips = memory_zalloc(max, sizeof *trips);
    cleanup_free uint32_t *filled = memory_zalloc(4 * (size_t)graph->rank_count + 4, sizeof *filled);
    cleanup_free uint32_t *depths = memory_zalloc(2 * (size_t)graph->rank_count, sizeof *depths);
    cleanup_free double *tops = memory_zalloc(graph->rank_count, sizeof *tops);
    cleanup_free double *nearest = memory_zalloc(2 * (size_t)graph->rank_count, sizeof *nearest);
    cleanup_free bool *below = memory_zalloc(2 * (size_t)graph->rank_count, sizeof *below);
    struct columns c = { .graph = graph, .layout = layout, .trips = trips, .filled = filled, .depths = depths };
    struct page page = { .tops = tops, .nearest = nearest, .below = below };
    int result;

    if (!trips || !filled || !depths || !tops || !nearest || !below)
        return -ENOMEM;
    *fits = choose_bands(&c) || (must && !c.crowded);
    if (!*fits) {
        layout->node_count = 0;
        return 0;
    }
    result = lanes_assign(trips, c.trip_count, 2 * c.bands, depths, &c.edges);
    if (result)
        return result;
    size_page(&c, &page);
    place_dots(&c, &page);
    add_routes(&c, &page);
    return 0;
}
