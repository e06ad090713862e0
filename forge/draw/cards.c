/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/cards.h"

enum { LAYERS_MAX = 16 }; /* of a card */

/* Length of the name without its last part; 0 when it has one part. */
static uint32_t without_last(const char *name, uint32_t length)
{
    while (length && name[length - 1] != '.')
        length--;
    return length ? length - 1 : 0;
}

static bool attends(const struct graph *graph, uint32_t group)
{
    for (uint32_t i = 0; i < graph->link_count; i++) {
        if (graph->links[i].kind == LINK_ATTENTION &&
            (graph->links[i].from == group || graph->links[i].to == group ||
             graph->feeds[graph->groups[group].first_feed].from == graph->links[i].to))
            return true;
    }
    return false;
}

/* How much of a group's name is its block's. */
static uint32_t block_length(const struct graph *graph, uint32_t group)
{
    const char *name = graph->groups[group].name;
    uint32_t length = without_last(name, (uint32_t)strlen(name)), shorter = without_last(name, length);

    return shorter && attends(graph, group) ? shorter : length;
}

static void find_cards(const struct graph *graph, struct cards *cards)
{
    for (uint32_t first = 1; first < graph->group_count;) {
        const char *name = graph->groups[first].name;
        uint32_t length = block_length(graph, first), end = first + 1;

        while (length && end < graph->group_count && block_length(graph, end) == length &&
               !memcmp(graph->groups[end].name, name, length))
            end++;
        if (end - first > LAYERS_MAX)
            end = first + 1;
        if (end - first == 1)
            length = (uint32_t)strlen(name);
        for (uint32_t i = first; i < end; i++)
            cards->cards[i] = cards->count;
        cards->list[cards->count++] = (struct card){ .first = first, .end = end, .name = name, .length = length };
        first = end;
    }
}

static void place_input(const struct graph *graph, struct cards *cards)
{
    uint32_t reader = graph->group_count - 1;

    for (uint32_t i = graph->feed_count; i--;)
        reader = graph->feeds[i].from ? reader : graph->feeds[i].to;
    cards->cards[0] = cards->cards[reader];
}

/* One pass over a card's layers; whether one of them went down. */
static bool lower(const struct graph *graph, struct cards *cards, uint32_t group)
{
    const struct graph_group *g = &graph->groups[group];
    uint32_t row = MAX(cards->rows[group], 1);

    for (uint32_t i = g->first_feed; i < g->first_feed + g->feed_count; i++) {
        uint32_t from = graph->feeds[i].from;

        if (cards->cards[from] == cards->cards[group])
            row = MAX(row, cards->rows[from] + 1);
    }
    if (row == cards->rows[group])
        return false;
    cards->rows[group] = row;
    return true;
}

/* Both ends of a link of attention, in one card, stand in one row. */
static bool level(const struct graph *graph, struct cards *cards)
{
    bool moved = false;

    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        uint32_t row = MAX(cards->rows[link->from], cards->rows[link->to]);

        if (link->kind != LINK_ATTENTION || cards->cards[link->from] != cards->cards[link->to] || !link->from)
            continue;
        moved |= cards->rows[link->from] != row || cards->rows[link->to] != row;
        cards->rows[link->from] = cards->rows[link->to] = row;
    }
    return moved;
}

/* Rows only grow, and no way through a card is longer than its layers; a link between layers of which one reads the
 * other would push both down for ever, so there is an end to it. */
static void find_rows(const struct graph *graph, struct cards *cards)
{
    bool moved = true;

    for (uint32_t round = 0; moved && round < 2 * LAYERS_MAX; round++) {
        moved = false;
        for (uint32_t i = 1; i < graph->group_count; i++)
            moved |= lower(graph, cards, i);
        moved |= level(graph, cards);
    }
    for (uint32_t i = 1; i < graph->group_count; i++) {
        struct card *card = &cards->list[cards->cards[i]];

        card->rows = MAX(card->rows, cards->rows[i] + 1);
    }
}

int cards_make(const struct graph *graph, struct cards *out)
{
    struct cards cards = { .list = memory_zalloc(graph->group_count, sizeof *cards.list),
                           .cards = memory_zalloc(graph->group_count, sizeof *cards.cards),
                           .rows = memory_zalloc(graph->group_count, sizeof *cards.rows),
                           .attended = memory_zalloc(graph->group_count, sizeof *cards.attended) };

    if (!cards.list || !cards.cards || !cards.rows || !cards.attended) {
        cards_deinit(&cards);
        return -ENOMEM;
    }
    find_cards(graph, &cards);
    place_input(graph, &cards);
    find_rows(graph, &cards);
    for (uint32_t i = 0; i < graph->link_count; i++)
        cards.attended[graph->links[i].to] |= graph->links[i].kind == LINK_ATTENTION;
    *out = cards;
    return 0;
}

void cards_deinit(struct cards *cards)
{
    free(cards->list);
    free(cards->cards);
    free(cards->rows);
    free(cards->attended);
    *cards = CARDS_NULL;
}
