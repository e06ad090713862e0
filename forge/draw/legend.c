/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/draw/legend.h"
#include "forge/draw/caption.h"

enum { SAMPLE = 26, GAP = 7, BETWEEN = 24, HALF = 4 };

struct legend legend_at(struct scene *scene, double y)
{
    return (struct legend){ .scene = scene, .x = PAGE_MARGIN, .y = y };
}

static void put_text(struct legend *legend, double sample, const char *text)
{
    struct type type = { .size = 12, .color = COLOR_SOFT };

    scene_text(legend->scene, &type, legend->x + sample + GAP, legend->y, "%s", text);
    legend->x += sample + GAP + scene_text_width(legend->scene, &type, text) + BETWEEN;
}

void legend_line(struct legend *legend, enum color color, const char *text)
{
    legend_path(legend, &(struct stroke){ .color = color, .width = 1.6 }, text);
}

void legend_path(struct legend *legend, const struct stroke *stroke, const char *text)
{
    scene_path(legend->scene, stroke,
               (struct point[]){ { legend->x, legend->y - HALF }, { legend->x + SAMPLE, legend->y - HALF } }, 2);
    put_text(legend, SAMPLE, text);
}

void legend_dot(struct legend *legend, enum color color, const char *text)
{
    scene_dot(legend->scene, color, legend->x + HALF, legend->y - HALF, HALF);
    put_text(legend, 2.0 * HALF, text);
}

void legend_ring(struct legend *legend, enum color color, const char *text)
{
    scene_ring(legend->scene, color, legend->x + HALF, legend->y - HALF, HALF);
    put_text(legend, 2.0 * HALF, text);
}
