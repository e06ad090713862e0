/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a deck while it is broken into bands, and while it is placed.
 */
#include <math.h>

#include "base/size.h"
#include "forge/draw/deck.h"

const struct layout_node *deck_link_source(const struct deck *d, uint32_t first, uint32_t end,
                                           const struct graph_link *link)
{
    uint32_t row = d->cards->rows[link->to] + (link->kind == LINK_ATTENTION);

    for (uint32_t i = first; i < end; i++) {
        const struct layout_node *node = &d->layout->nodes[i];

        if (node->group == link->from && !node->bar && (!node->repeat || node->row < row))
            return node;
    }
    return NULL;
}

static void add_residual(struct residual *list, uint32_t *count, enum layout_route_kind kind,
                         const struct layout_node *from, const struct layout_node *to)
{
    struct residual added = { kind, from, to, 0 };

    for (uint32_t i = 0; i < *count; i++) {
        if (list[i].from->row < to->row && from->row < list[i].to->row)
            added.lane = MAX(added.lane, list[i].lane + 1);
    }
    list[(*count)++] = added;
}

uint32_t deck_residuals(const struct deck *d, uint32_t card, struct residual *list)
{
    const struct layout *layout = d->layout;
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->graph->link_count; i++) {
        const struct graph_link *link = &d->graph->links[i];
        const struct layout_node *from, *to = &layout->nodes[layout->homes[link->to]];

        if (link->kind != LINK_ADD || d->cards->cards[link->to] != card)
            continue;
        from = deck_link_source(d, d->begins[card], d->begins[card + 1], link);
        if (from)
            add_residual(list, &count, ROUTE_ADD, from, to);
    }
    for (uint32_t i = d->begins[card]; i < d->begins[card + 1]; i++) {
        const struct layout_node *node = &layout->nodes[i];

        if (node->repeat && !node->bar && d->cards->cards[node->group] == card)
            add_residual(list, &count, ROUTE_AGAIN, &layout->nodes[layout->homes[node->group]], node);
    }
    return count;
}

bool deck_reads_on(const struct deck *d, uint32_t card)
{
    for (uint32_t i = d->begins[card]; i < d->begins[card + 1]; i++) {
        if (d->layout->nodes[i].repeat && d->cards->cards[d->layout->nodes[i].group] + 1 == card)
            return true;
    }
    return false;
}

double deck_min_width(const struct deck *d)
{
    return 2.0 * PAGE_MARGIN + d->per_band * (double)(DECK_CARD_MIN + DECK_GAP) + d->edges * (double)LANE_STEP;
}

double deck_page_width(const struct deck *d)
{
    double height = PAGE_HEAD + LAYOUT_FOOT;

    for (uint32_t i = 0; i < d->band_count; i++)
        height += deck_card_height(d->rows[i], DECK_PITCH_MIN, 3) + DECK_BAND_GAP + 2 * LANE_STEP;
    return fmax(fmax(deck_min_width(d), LAYOUT_WIDTH), height * LAYOUT_RATIO);
}
