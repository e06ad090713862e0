/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands beside a group on the page of a network: its name, how many neurons it has, its probability and
 * connections.
 */
#ifndef FORGE_DRAW_LAYER_CAPTION_H
#define FORGE_DRAW_LAYER_CAPTION_H

#include "forge/draw/draw.h"
#include "forge/draw/layout.h"

void caption_layer(const struct network_view *view, const struct graph *graph, const struct layout *layout,
                   const struct layout_caption *caption, struct scene *scene);

#endif
