/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the groups of a graph stand on a page: ranks as columns from left to right, and in as many bands under each
 * other as keep the page near 16:9. Groups of one rank stand above each other in slots.
 *
 * Connections are drawn between neighbouring columns of one band. A feed that comes from farther away (over a
 * concatenation, or the end of a band) comes from a ghost: the same group again, in the column before its target.
 *
 *     band b, column c shows rank b * per_band + c; column 0 of all bands but the first holds ghosts only.
 */
#ifndef FORGE_DRAW_LAYOUT_H
#define FORGE_DRAW_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/draw/graph.h"

struct layout_node {
    uint32_t group;
    bool ghost;
    uint32_t band, column, slot, slots; /* slots: in its column */
    double x, top, bottom;              /* of its first and last dot */
    double caption;                     /* baseline of its first line */
    uint32_t dots;
};

struct layout {
    double width, height;
    double cell; /* from column to column */
    double band_height, slot_height;
    double text; /* size of captions */
    uint32_t per_band, bands, slots;
    struct layout_node *nodes; /* node g is group g; ghosts after them */
    uint32_t node_count;
    uint32_t *sources; /* of each feed: the node it is drawn from */
};

#define LAYOUT_NULL ((struct layout){ .nodes = NULL })

enum { LAYOUT_CAPTION_LINES = 4, LAYOUT_FOOT = 54, LAYOUT_ARCS = 22 };

int layout_make(const struct graph *graph, struct layout *out, struct reason *why);
void layout_deinit(struct layout *layout); /* idempotent */

double layout_dot(const struct layout_node *node, uint32_t number); /* its y */

#endif
