/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure as one draws it: groups of neurons, what feeds them through connections, and what reaches them without.
 *
 * Group 0 is the input, or all of them; group l + 1 is what weighted layer l gives. All other layers vanish: what reads
 * a rectifier reads the group before it. A group's rank is the number of weighted layers on the longest way to it. The
 * inputs of a weighted layer are split among its feeds in the order of its inputs: [low, high) of them come from group
 * `from`; a recurrent layer's own neurons, the last of its inputs, come from none.
 */
#ifndef FORGE_DRAW_GRAPH_H
#define FORGE_DRAW_GRAPH_H

#include <stdint.h>

#include "base/error.h"
#include "sparse/graph/structure.h"

struct graph_group {
    const char *name; /* the layer's, or "input" */
    const char *unit; /* "neuron", "channel", "gate", "input", "word" */
    uint64_t neurons;
    uint32_t rank;
    uint32_t place; /* in structure.layers; of no meaning for the input */
    uint32_t first_feed, feed_count;
};

struct graph_feed {
    uint32_t from, to; /* groups */
    double low, high;  /* its part of the inputs of `to`, 0 .. 1 */
};

enum graph_link_kind { LINK_ADD, LINK_ATTENTION };

/* What reaches a group without connections of its own: a residual, the queries and keys of attention. */
struct graph_link {
    uint32_t from, to;
    enum graph_link_kind kind;
};

struct graph {
    struct graph_group *groups;
    struct graph_feed *feeds; /* those of one group adjacent */
    struct graph_link *links;
    uint32_t group_count, feed_count, link_count;
    uint32_t rank_count; /* highest rank + 1 */
};

#define GRAPH_NULL ((struct graph){ .groups = NULL })

/* Of a planned structure with at least one weighted layer; borrows its names. -ENOMEM; WISP_E_INVALID when a layer
 * joins more than 64 others. */
int graph_make(const struct structure *structure, struct graph *out, struct reason *why);
void graph_deinit(struct graph *graph); /* idempotent */

#endif
