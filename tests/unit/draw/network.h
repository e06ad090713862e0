/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks to be drawn, and what every page must be.
 */
#ifndef TESTS_DRAW_NETWORK_H
#define TESTS_DRAW_NETWORK_H

#include "forge/draw/draw.h"

enum { LAYERS_MAX = 400 };

struct network {
    struct structure structure;
    struct density_layer layers[LAYERS_MAX];
    struct network_view view;
};

/* A perceptron; convolutions with residuals, and a concatenation with the first at the end. */
void make_mlp(struct network *network, const char *layers, double density);
void make_branches(struct network *network, unsigned blocks, double density);
void drop(struct network *network);

/* All of it inside a page of at most 2,000 points, and over no text another one, a line, a dot or a path. */
void check_page(const struct scene *scene);
size_t count_marks(const struct scene *scene, enum mark_kind kind);
bool says(const struct scene *scene, const char *text);

#endif
