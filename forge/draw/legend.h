/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of samples and what they mean, from left to right at the foot of a page.
 */
#ifndef FORGE_DRAW_LEGEND_H
#define FORGE_DRAW_LEGEND_H

#include "forge/draw/scene.h"

struct legend {
    struct scene *scene;
    double x, y;
};

struct legend legend_at(struct scene *scene, double y);
void legend_line(struct legend *legend, enum color color, const char *text);
void legend_path(struct legend *legend, const struct stroke *stroke, const char *text);
void legend_dot(struct legend *legend, enum color color, const char *text);
void legend_ring(struct legend *legend, enum color color, const char *text);

#endif
