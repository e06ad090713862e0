/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "forge/draw/deck.h"

enum {
    CARD_MAX = 250,
    PITCH_MAX = 130,
    LINES_MAX = 5, /* of a caption */
    RESIDUAL_STEP = 9,
    RESIDUAL_MARGIN = 14,
    BAR_HEIGHT = 15,
    TRIP_ASIDE = 7, /* of a card's middle */
    CLEAR = 6,      /* between an arrow and dots */
};

#define DOT_SPACING 7.5

static void size_page(struct deck *d)
{
    struct layout *layout = d->layout;
    double right = d->edges ? LANE_MARGIN + d->edges * (double)LANE_STEP : 0, fixed = PAGE_HEAD + LAYOUT_FOOT;
    uint32_t steps = 0;

    layout->text = DECK_TEXT;
    layout->width = ceil(fmin(deck_page_width(d), LAYOUT_WIDTH_MAX));
    d->width = fmin(CARD_MAX + DECK_GAP, (layout->width - 2.0 * PAGE_MARGIN - right) / d->per_band);
    d->left = (layout->width - right - d->width * d->per_band + DECK_GAP) / 2;
    d->strip = fmax(54, fmin(84, (d->width - DECK_GAP) * 0.38));
    d->right = RESIDUAL_MARGIN + d->residuals * (double)RESIDUAL_STEP;
    for (uint32_t i = 0; i < d->band_count; i++) {
        fixed += deck_card_height(1, 0, 0) + DECK_BAND_GAP + d->depths[i] * (double)LANE_STEP;
        steps += d->rows[i] - 1;
    }
    layout->height = ceil(
        fmax(layout->width / LAYOUT_RATIO, fixed + d->band_count * 3 * DECK_LINE + steps * (double)DECK_PITCH_MIN));
    for (d->lines = LINES_MAX; d->lines; d->lines--) {
        d->pitch = (layout->height - fixed - d->band_count * d->lines * DECK_LINE) / MAX(steps, 1);
        if (d->pitch >= d->lines * DECK_LINE + 6 || d->lines == 3)
            break;
    }
    d->pitch = fmin(d->pitch, PITCH_MAX);
}

static void place_bands(struct deck *d)
{
    double y = PAGE_HEAD;

    for (uint32_t i = 0; i < d->band_count; i++) {
        y += DECK_BAND_GAP + d->depths[i] * (double)LANE_STEP;
        d->nearest[i] = y - LANE_STEP;
        d->tops[i] = y;
        d->heights[i] = deck_card_height(d->rows[i], d->pitch, d->lines);
        y += d->heights[i];
    }
    /* What the rows did not need makes the page less high, but not wider than it must be. */
    y = d->layout->height - LAYOUT_FOOT - y;
    for (uint32_t i = 0; i < d->band_count; i++) {
        d->nearest[i] += y * (i + 1) / (d->band_count + 1);
        d->tops[i] += y * (i + 1) / (d->band_count + 1);
    }
}

static double card_left(const struct deck *d, uint32_t card)
{
    return d->left + d->columns[card] * d->width;
}

static double card_right(const struct deck *d, uint32_t card)
{
    return card_left(d, card) + d->width - DECK_GAP;
}

static double row_height(const struct deck *d, const struct layout_node *node)
{
    const struct card *card = &d->cards->list[node->column];
    uint32_t band = d->bands[node->column];
    double pitch = card->rows > 1 ? d->pitch * (d->rows[band] - 1) / (card->rows - 1) : 0;

    return d->tops[band] + DECK_TITLE + node->row * fmin(pitch, PITCH_MAX * 1.5);
}

/* Whether a node of the row is one that attention takes. */
static bool feeds_bar(const struct deck *d, const struct layout_node *node, const struct layout_node *bar)
{
    if (node->bar || node->row != bar->row || node->group == bar->group)
        return !node->bar && node->row == bar->row;
    for (uint32_t i = 0; i < d->graph->link_count; i++) {
        const struct graph_link *link = &d->graph->links[i];

        if (link->kind == LINK_ATTENTION && link->from == node->group && link->to == bar->group)
            return true;
    }
    return false;
}

/* Under all that it takes, which stand before it. */
static void place_bar(const struct deck *d, struct layout_node *bar)
{
    double y = row_height(d, bar) + fmin(26, d->pitch * 0.24) + BAR_HEIGHT;

    bar->first = (struct point){ INFINITY, y };
    bar->last = (struct point){ -INFINITY, y };
    for (const struct layout_node *node = bar; node-- > d->layout->nodes + d->begins[bar->column];) {
        if (!feeds_bar(d, node, bar))
            continue;
        bar->first.x = fmin(bar->first.x, node->first.x);
        bar->last.x = fmax(bar->last.x, node->last.x);
    }
}

static void place_nodes(struct deck *d)
{
    struct layout *layout = d->layout;

    layout_choose_dots(d->graph, layout, (uint32_t)((d->width - DECK_GAP - d->strip - d->right) / DOT_SPACING));
    for (uint32_t i = 0; i < layout->node_count; i++) {
        struct layout_node *node = &layout->nodes[i];
        double left = card_left(d, node->column) + d->strip, right = card_right(d, node->column) - d->right;
        double slot = (right - left) / node->slots, y = row_height(d, node);
        double room = node->slots > 1 ? fmax(slot - 9, slot / 2) : slot, x = left + slot * (node->slot + 0.5);
        double extent = fmin(room, fmin(2.2 * DOT_SPACING, room / node->dots) * (node->dots - 1));

        node->band = d->bands[node->column];
        if (node->bar) {
            place_bar(d, node);
            continue;
        }
        node->first = (struct point){ x - extent / 2, y };
        node->last = (struct point){ x + extent / 2, y };
    }
}

static void place_captions(struct deck *d)
{
    struct layout *layout = d->layout;

    for (uint32_t i = 0; i < layout->node_count; i++) {
        const struct layout_node *node = &layout->nodes[i];

        if (node->bar || node->slot)
            continue;
        layout->captions[layout->caption_count++] = (struct layout_caption){ .node = i,
                                                                             .count = node->slots,
                                                                             .x = card_left(d, node->column) + 7,
                                                                             .y = row_height(d, node) + 4,
                                                                             .room = d->strip - 11,
                                                                             .lines = d->lines };
    }
}

/* The name of attention is that of its values without its last part, and of that the last. */
static void name_bar(const char *values, struct layout_box *box)
{
    const char *end = strrchr(values, '.'), *begin = end;

    while (begin && begin > values && begin[-1] != '.')
        begin--;
    box->name = begin ? begin : layer_kind_of(ROLE_ATTENTION)->name;
    box->length = (uint32_t)(begin ? end - begin : (long)strlen(box->name));
}

/* Whether nothing but this bar stands under the row, so that no line has a way through it. */
static bool is_alone(const struct deck *d, uint32_t number)
{
    const struct layout_node *bar = &d->layout->nodes[number];

    for (uint32_t i = d->begins[bar->column]; i < d->begins[bar->column + 1]; i++) {
        const struct layout_node *node = &d->layout->nodes[i];

        if (node->row == bar->row && node != bar && !feeds_bar(d, node, bar))
            return false;
    }
    return true;
}

static void place_boxes(struct deck *d)
{
    struct layout *layout = d->layout;

    for (uint32_t i = 0; i < d->cards->count; i++)
        layout->boxes[layout->box_count++] = (struct layout_box){ .x = card_left(d, i),
                                                                  .y = d->tops[d->bands[i]],
                                                                  .x2 = card_right(d, i),
                                                                  .y2 = d->tops[d->bands[i]] + d->heights[d->bands[i]],
                                                                  .name = d->cards->list[i].name,
                                                                  .length = d->cards->list[i].length };
    for (uint32_t i = 0; i < layout->node_count; i++) {
        const struct layout_node *node = &layout->nodes[i];
        struct layout_box bar = { .bar = true };

        if (!node->bar)
            continue;
        if (is_alone(d, i))
            name_bar(d->graph->groups[node->group].name, &bar);
        bar.x = fmax(node->first.x - CLEAR, card_left(d, node->column) + d->strip - 2);
        bar.x2 = fmin(node->last.x + CLEAR, card_right(d, node->column) - d->right + 2);
        bar.y2 = node->first.y - 3;
        bar.y = bar.y2 - BAR_HEIGHT + 1;
        layout->boxes[layout->box_count++] = bar;
    }
}

static void route_trips(struct deck *d)
{
    struct lanes_frame frame = { .nearest = d->nearest,
                                 .left = d->left,
                                 .right = d->left + d->width * d->per_band - DECK_GAP };

    for (uint32_t i = 0; i < d->trip_count; i++) {
        const struct trip *trip = &d->trips[i];
        double aside = trip->kind == TRIP_NEXT ? 0 : TRIP_ASIDE;
        struct point from = { (card_left(d, trip->from) + card_right(d, trip->from)) / 2 + aside,
                              d->tops[trip->from_band] };
        struct point to = { (card_left(d, trip->to) + card_right(d, trip->to)) / 2 - aside, d->tops[trip->to_band] };

        if (trip->kind == TRIP_NEXT) {
            from = (struct point){ card_right(d, trip->from), d->tops[trip->from_band] + DECK_TITLE / 2.0 };
            to = (struct point){ card_left(d, trip->to), d->tops[trip->to_band] + DECK_TITLE / 2.0 };
        }
        layout_add_trip(d->layout, trip, from, to, &frame);
    }
    for (uint32_t i = 1; i < d->cards->count; i++) {
        double y = d->tops[d->bands[i]] + DECK_TITLE / 2.0;

        if (d->bands[i] == d->bands[i - 1] && deck_reads_on(d, i))
            layout_add_route(d->layout, ROUTE_NEXT,
                             (struct point[]){ { card_right(d, i - 1), y }, { card_left(d, i), y } }, 2);
    }
}

static bool has_bar(const struct deck *d, const struct layout_node *node)
{
    for (uint32_t i = d->begins[node->column]; i < d->begins[node->column + 1]; i++) {
        if (d->layout->nodes[i].bar && d->layout->nodes[i].row == node->row)
            return true;
    }
    return false;
}

/* Out of a node and to the lane, or from the lane into it: at its height, but past the nodes at its right, below or
 * above them; below there may be a bar. */
static uint32_t residual_end(const struct deck *d, const struct layout_node *node, double lane, bool out,
                             struct point points[3])
{
    double middle = (node->first.x + node->last.x) / 2, side = out && !has_bar(d, node) ? CLEAR : -CLEAR;
    double y = node->first.y;

    if (node->slot + 1 == node->slots) {
        points[0] = (struct point){ node->last.x + CLEAR, y };
        points[1] = (struct point){ lane, y };
        return 2;
    }
    points[0] = (struct point){ middle, y + side };
    points[1] = (struct point){ middle, y + 2.4 * side };
    points[2] = (struct point){ lane, y + 2.4 * side };
    return 3;
}

static void route_residual(struct deck *d, const struct residual *residual)
{
    const struct layout_node *from = residual->from, *to = residual->to;
    double lane = card_right(d, to->column) - d->right + RESIDUAL_MARGIN +
                  MIN(residual->lane, DECK_RESIDUALS - 1) * (double)RESIDUAL_STEP;
    double middle = (from->first.x + from->last.x) / 2, other = (to->first.x + to->last.x) / 2;
    double above = from->first.y - 2.5 * CLEAR;
    struct point points[TRIP_POINTS], end[3];
    uint32_t count;

    if (from->row == to->row) {
        points[0] = (struct point){ middle, from->first.y - CLEAR };
        points[1] = (struct point){ middle, above };
        points[2] = (struct point){ other, above };
        points[3] = (struct point){ other, to->first.y - CLEAR };
        count = 4;
    } else {
        count = residual_end(d, from, lane, true, points);
        for (uint32_t i = residual_end(d, to, lane, false, end); i--;)
            points[count++] = end[i];
    }
    layout_add_route(d->layout, residual->kind, points, count);
}

static void route_residuals(struct deck *d, struct residual *list)
{
    for (uint32_t card = 0; card < d->cards->count; card++) {
        uint32_t count = deck_residuals(d, card, list);

        for (uint32_t i = 0; i < count; i++)
            route_residual(d, &list[i]);
    }
}

/* Short arrows from queries, keys and values to their bar. */
static void route_attention(struct deck *d)
{
    const struct layout *layout = d->layout;

    for (uint32_t i = 0; i < layout->node_count; i++) {
        const struct layout_node *bar = &layout->nodes[i];

        for (uint32_t k = i; bar->bar && k-- > d->begins[bar->column];) {
            const struct layout_node *node = &layout->nodes[k];
            double x = (node->first.x + node->last.x) / 2;

            if (feeds_bar(d, node, bar))
                layout_add_route(d->layout, ROUTE_ATTEND,
                                 (struct point[]){ { x, node->first.y + CLEAR }, { x, bar->first.y - BAR_HEIGHT - 2 } },
                                 2);
        }
    }
}

void deck_place(struct deck *d, struct residual *residuals)
{
    size_page(d);
    place_bands(d);
    place_nodes(d);
    place_captions(d);
    place_boxes(d);
    route_trips(d);
    route_residuals(d, residuals);
    route_attention(d);
}
