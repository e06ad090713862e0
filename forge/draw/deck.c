/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/deck.h"

#define PAGE_SLACK 1.1

/* ---- nodes ---- */

/* What comes from another card is named by that: one looks for it there. */
static void name_node(const struct deck *d, struct layout_node *node)
{
    const struct card *card = &d->cards->list[d->cards->cards[node->group]];
    const char *name = d->graph->groups[node->group].name, *point = strrchr(name, '.');

    node->name = point && point[1] ? point + 1 : name;
    node->length = (uint32_t)strlen(node->name);
    if (!node->repeat || !node->group || d->cards->cards[node->group] == node->column)
        return;
    node->name = card->name;
    node->length = card->length;
}

static struct layout_node *add_node(struct deck *d, uint32_t group, uint32_t card, uint32_t row, bool repeat)
{
    struct layout_node *node = &d->layout->nodes[d->layout->node_count++];

    *node = (struct layout_node){ .group = group, .column = card, .row = row, .repeat = repeat };
    name_node(d, node);
    return node;
}

/* While nodes are still in the order in which they were made; `first` is the first that may be it. */
static void want_repeat(struct deck *d, uint32_t first, uint32_t group, uint32_t card, uint32_t row)
{
    for (uint32_t i = first; i < d->layout->node_count; i++) {
        const struct layout_node *node = &d->layout->nodes[i];

        if (node->repeat && !node->bar && node->group == group && node->row == row)
            return;
    }
    add_node(d, group, card, row, true);
}

static bool stands_above(const struct deck *d, uint32_t from, uint32_t to)
{
    return d->cards->cards[from] == d->cards->cards[to] && d->cards->rows[from] + 1 == d->cards->rows[to];
}

static void want_sources(struct deck *d, uint32_t first, uint32_t group)
{
    const struct graph_group *g = &d->graph->groups[group];
    uint32_t card = d->cards->cards[group], row = d->cards->rows[group];

    if (d->cards->attended[group])
        add_node(d, group, card, row, true)->bar = true;
    for (uint32_t i = g->first_feed; i < g->first_feed + g->feed_count; i++) {
        if (!stands_above(d, d->graph->feeds[i].from, group))
            want_repeat(d, first, d->graph->feeds[i].from, card, row - 1);
    }
}

static int by_place(const void *a, const void *b)
{
    const struct layout_node *x = a, *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->bar != y->bar)
        return x->bar - y->bar;
    if (x->repeat != y->repeat)
        return x->repeat - y->repeat;
    return (x->group > y->group) - (x->group < y->group);
}

/* Slots of the nodes of a row; a bar has all of it. */
static void set_slots(struct layout_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = i;

        while (end < count && nodes[end].row == nodes[i].row && !nodes[end].bar)
            end++;
        for (uint32_t k = i; k < end; k++) {
            nodes[k].slot = k - i;
            nodes[k].slots = end - i;
        }
        if (end == i)
            nodes[i].slots = 1;
        else
            i = end - 1;
    }
}

static void make_card(struct deck *d, uint32_t number)
{
    const struct card *card = &d->cards->list[number];
    uint32_t first = d->layout->node_count;

    d->begins[number] = first;
    if (d->cards->cards[0] == number)
        add_node(d, 0, number, 0, false);
    for (uint32_t i = card->first; i < card->end; i++)
        add_node(d, i, number, d->cards->rows[i], false);
    for (uint32_t i = card->first; i < card->end; i++)
        want_sources(d, first, i);
    for (uint32_t i = 0; i < d->graph->link_count; i++) {
        const struct graph_link *link = &d->graph->links[i];
        uint32_t row = d->cards->rows[link->to];

        if (d->cards->cards[link->to] == number && link->to && !deck_link_source(d, first, d->layout->node_count, link))
            want_repeat(d, first, link->from, number, link->kind == LINK_ATTENTION ? row : row - 1);
    }
    qsort(d->layout->nodes + first, d->layout->node_count - first, sizeof *d->layout->nodes, by_place);
    set_slots(d->layout->nodes + first, d->layout->node_count - first);
}

/* The node that a feed is drawn from: a row above its target; where attention happens, its bar. */
static uint32_t source_of(const struct deck *d, const struct graph_feed *feed)
{
    uint32_t card = d->cards->cards[feed->to], row = d->cards->rows[feed->to] - 1, found = 0;

    for (uint32_t i = d->begins[card]; i < d->begins[card + 1]; i++) {
        const struct layout_node *node = &d->layout->nodes[i];

        if (node->group == feed->from && node->row == row)
            found = i; /* bars are the last of a row */
    }
    return found;
}

static void make_nodes(struct deck *d)
{
    struct layout *layout = d->layout;

    for (uint32_t i = 0; i < d->cards->count; i++)
        make_card(d, i);
    d->begins[d->cards->count] = layout->node_count;
    for (uint32_t i = 0; i < layout->node_count; i++) {
        if (!layout->nodes[i].repeat)
            layout->homes[layout->nodes[i].group] = i;
    }
    for (uint32_t i = 0; i < d->graph->feed_count; i++)
        layout->sources[i] = source_of(d, &d->graph->feeds[i]);
}

/* ---- cards in bands ---- */

/* Into `bands` bands or fewer, evenly; but a band rather ends where the next card does not read on. */
static void break_cards(struct deck *d, uint32_t bands)
{
    uint32_t count = d->cards->count, max = MAX((count + bands - 1) / bands, 1), left = (count + max - 1) / max;

    d->per_band = 1;
    d->band_count = 0;
    for (uint32_t start = 0; start < count; left--) {
        uint32_t end = MIN(start + max, count);

        for (uint32_t i = end; i > start + 1 && count - i <= (left - 1) * max; i--) {
            if (i < count && !deck_reads_on(d, i)) {
                end = i;
                break;
            }
        }
        d->rows[d->band_count] = 1;
        for (uint32_t i = start; i < end; i++) {
            d->bands[i] = d->band_count;
            d->columns[i] = i - start;
            d->rows[d->band_count] = MAX(d->rows[d->band_count], d->cards->list[i].rows);
        }
        d->per_band = MAX(d->per_band, end - start);
        d->band_count++;
        start = end;
    }
}

/* As even as can be, and as few as need at most a little more than the smallest page. */
static void choose_bands(struct deck *d)
{
    uint32_t count = d->cards->count, bands = 0;
    double smallest = INFINITY;

    for (uint32_t i = 1; i <= count; i++) {
        break_cards(d, i);
        if (deck_min_width(d) <= LAYOUT_WIDTH_MAX)
            smallest = fmin(smallest, deck_page_width(d));
    }
    do
        break_cards(d, ++bands);
    while (bands < count && (deck_min_width(d) > LAYOUT_WIDTH_MAX || deck_page_width(d) > smallest * PAGE_SLACK));
}

/* ---- what leads from card to card, and within one ---- */

static void add_trip(struct deck *d, enum trip_kind kind, uint32_t from, uint32_t to)
{
    for (uint32_t i = d->trip_count; i-- && d->trips[i].to == to;) {
        if (d->trips[i].from == from)
            return;
    }
    d->trips[d->trip_count++] = (struct trip){ .kind = kind,
                                               .net = from,
                                               .from = from,
                                               .to = to,
                                               .from_band = d->bands[from],
                                               .from_column = d->columns[from],
                                               .to_band = d->bands[to],
                                               .to_column = d->columns[to] };
}

static void find_trips(struct deck *d)
{
    for (uint32_t i = 0; i < d->layout->node_count; i++) {
        const struct layout_node *node = &d->layout->nodes[i];
        uint32_t from = d->cards->cards[node->group], to = node->column;

        if (!node->repeat || from == to)
            continue;
        if (from + 1 != to)
            add_trip(d, TRIP_AGAIN, from, to);
        else if (d->bands[from] != d->bands[to])
            add_trip(d, TRIP_NEXT, from, to);
    }
}

static void count_residuals(struct deck *d, struct residual *list)
{
    for (uint32_t card = 0; card < d->cards->count; card++) {
        uint32_t count = deck_residuals(d, card, list);

        for (uint32_t i = 0; i < count; i++)
            d->residuals = MAX(d->residuals, MIN(list[i].lane + 1, DECK_RESIDUALS));
    }
}

static int place(struct deck *d, struct residual *residuals)
{
    int result;

    make_nodes(d);
    choose_bands(d);
    find_trips(d);
    count_residuals(d, residuals);
    result = lanes_assign(d->trips, d->trip_count, d->band_count, d->depths, &d->edges);
    if (result)
        return result;
    deck_place(d, residuals);
    return 0;
}

int layout_deck(const struct graph *graph, const struct cards *cards, struct layout *layout)
{
    size_t max = 2 * (size_t)graph->group_count + graph->feed_count + graph->link_count, count = cards->count;
    cleanup_free uint32_t *numbers = memory_zalloc(5 * (count + 1), sizeof *numbers);
    cleanup_free double *places = memory_zalloc(3 * count, sizeof *places);
    cleanup_free struct trip *trips = memory_zalloc(max, sizeof *trips);
    cleanup_free struct residual *residuals = memory_zalloc(max, sizeof *residuals);
    struct deck deck = { .graph = graph, .cards = cards, .layout = layout, .trips = trips };

    if (!numbers || !places || !trips || !residuals)
        return -ENOMEM;
    deck.begins = numbers;
    deck.bands = numbers + count + 1;
    deck.columns = numbers + 2 * (count + 1);
    deck.rows = numbers + 3 * (count + 1);
    deck.depths = numbers + 4 * (count + 1);
    deck.tops = places;
    deck.heights = places + count;
    deck.nearest = places + 2 * count;
    return place(&deck, residuals);
}
