/* SPDX-License-Identifier: Apache-2.0
 *
 * Which layers share a card, and in which rows of it they stand.
 *
 * Layers whose names begin alike ("block1.attention.q", "block1.mlp1": attention counts as one layer) and that follow
 * each other are a block, and share a card; every other layer has one of its own. Row 0 of a card holds what the card
 * reads; a layer stands one row below the lowest of what it reads; queries, keys and values stand in one row.
 */
#ifndef FORGE_DRAW_CARDS_H
#define FORGE_DRAW_CARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "forge/draw/graph.h"

struct card {
    uint32_t first, end; /* groups */
    uint32_t rows;
    const char *name;
    uint32_t length; /* of the name */
};

struct cards {
    struct card *list;
    uint32_t count;
    uint32_t *cards; /* of each group; the input's is that of its first reader */
    uint32_t *rows;  /* of each group */
    bool *attended;  /* of each group: whether others are attended to through it */
};

#define CARDS_NULL ((struct cards){ .list = NULL })

/* -ENOMEM. */
int cards_make(const struct graph *graph, struct cards *out);
void cards_deinit(struct cards *cards); /* idempotent */

#endif
