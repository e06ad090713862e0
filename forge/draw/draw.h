/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of a network: what is to be seen, and the pages and terminal texts that show it.
 *
 * A view refers to a planned structure and, for each of its weighted layers, to how many connections it has. The
 * connections are a model's, or those that `wisp build` samples from the seed. Memory follows the picture, and, for a
 * layer at a time, its connections up to PATTERN_REAL_MAX; never the potential ones.
 */
#ifndef FORGE_DRAW_DRAW_H
#define FORGE_DRAW_DRAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "forge/draw/graph.h"
#include "forge/draw/pattern.h"
#include "forge/draw/scene.h"
#include "sparse/construct/density.h"
#include "sparse/graph/model.h"
#include "sparse/graph/structure.h"

struct network_view {
    const struct structure *structure;
    const char *title;
    const char *method;                 /* "er"; NULL: nothing to say */
    const struct density_layer *layers; /* solved; structure_weighted() of them */
    bool sparse;                        /* false: the dense network, before a sparsity is chosen */
    uint64_t seed;
    bool kernels;              /* whole kernels are sampled */
    const struct model *model; /* its connections; NULL: sampled ones */
};

/* A page of the network; a page of its connection matrices. */
int draw_network(const struct network_view *view, struct scene *out, struct reason *why);
int draw_matrices(const struct network_view *view, struct scene *out, struct reason *why);

/* The weighted layer `layer` as pattern.h wants it. */
struct pattern_layer view_layer(const struct network_view *view, uint32_t layer);
/* Whether it has all its connections in a network that is sparse. */
static inline bool view_is_dense(const struct network_view *view, uint32_t layer)
{
    return view->sparse && view->layers[layer].connections == view->layers[layer].potential;
}

struct terminal {
    unsigned width; /* columns */
    bool unicode, colour;
};

/* What is known of where `to` leads: its width (80 when it is no terminal), the locale, NO_COLOR. */
struct terminal terminal_of(FILE *to);
int draw_terminal(const struct network_view *view, const struct terminal *terminal, FILE *to, struct reason *why);

#endif
