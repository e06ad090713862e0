/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of cards (cards.h) while it is made. Nodes are kept by card and row, so that those of a row are adjacent.
 *
 *     +- name ------------+
 *     | captions  . . . . |-+
 *     |            lines  | |   lines between rows; captions at their left, residuals at their right
 *     | captions  . . . . |<+
 *     +-------------------+
 *
 * deck.c decides which nodes there are, what leads from card to card and within one, and how cards break into bands;
 * deck_page.c gives all of it a place on the page.
 */
#ifndef FORGE_DRAW_DECK_H
#define FORGE_DRAW_DECK_H

#include <stdbool.h>

#include "forge/draw/caption.h"
#include "forge/draw/cards.h"
#include "forge/draw/layout.h"

enum {
    DECK_CARD_MIN = 126,
    DECK_GAP = 20,
    DECK_PITCH_MIN = 50, /* from row to row */
    DECK_TITLE = 40,
    DECK_FOOT = 12,
    DECK_BAND_GAP = 16,
    DECK_RESIDUALS = 4,
};

#define DECK_TEXT 10.5
#define DECK_LINE (DECK_TEXT * LAYOUT_LINE)

struct deck {
    const struct graph *graph;
    const struct cards *cards;
    struct layout *layout;
    uint32_t *begins;          /* of each card: its first node */
    uint32_t *bands, *columns; /* of each card */
    uint32_t *rows, *depths;   /* of each band: of its highest card; lanes */
    double *tops, *heights, *nearest;
    struct trip *trips;
    uint32_t trip_count, band_count, per_band, edges, residuals;
    double left, pitch, width; /* of a card, with its gap */
    double strip, right;       /* of a card, for captions and residuals */
    uint32_t lines;
};

/* Residuals and repetitions within a card, one beside the other where their rows overlap. */
struct residual {
    enum layout_route_kind kind;
    const struct layout_node *from, *to;
    uint32_t lane;
};

/* Those of one card; `list` has room for all links and nodes. How many. */
uint32_t deck_residuals(const struct deck *deck, uint32_t card, struct residual *list);

/* The node from which a link leads within the card of its target, of those from `first` to `end`; NULL: none yet. */
const struct layout_node *deck_link_source(const struct deck *deck, uint32_t first, uint32_t end,
                                           const struct graph_link *link);

/* Whether a card reads the one before it. */
bool deck_reads_on(const struct deck *deck, uint32_t card);

/* Of a card of so many rows, whose last caption needs room as well. */
static inline double deck_card_height(double rows, double pitch, double lines)
{
    return DECK_TITLE + (rows - 1) * pitch + lines * DECK_LINE + DECK_FOOT;
}

/* The width of a page of the deck as it is broken: the least that it can have, and what it takes. */
double deck_min_width(const struct deck *deck);
double deck_page_width(const struct deck *deck);

/* Everything's place, once bands and lanes are known. */
void deck_place(struct deck *deck, struct residual *residuals);

#endif
