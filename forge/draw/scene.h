/* SPDX-License-Identifier: Apache-2.0
 *
 * A scene: what is on a page, as marks in the order of painting. A layout writes it, a painter paints it, a test
 * measures it. Lengths are points of a page whose origin is its upper left corner.
 */
#ifndef FORGE_DRAW_SCENE_H
#define FORGE_DRAW_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum color {
    COLOR_TEXT,
    COLOR_SOFT,
    COLOR_FAINT,
    COLOR_DOT,
    COLOR_LINE,
    COLOR_DENSE,
    COLOR_REPEAT,
    COLOR_LINK,
    COLOR_FLOW,
    COLOR_CARD,
    COLOR_LEAF,
    COLOR_PLUM,
    COLOR_ROSE,
    COLOR_SEA,
    COLOR_COUNT
};
enum mark_kind { MARK_LINE, MARK_DOT, MARK_RING, MARK_PATH, MARK_BOX, MARK_TEXT, MARK_CELLS };
enum align { ALIGN_LEFT, ALIGN_CENTRE, ALIGN_RIGHT };

enum { SCENE_TEXT_MAX = 300 };

struct mark {
    enum mark_kind kind;
    enum color color;
    float x, y, x2, y2; /* a line's ends; a dot's or ring's centre; the box of all others */
    float size;         /* a line's or path's width, a dot's or ring's radius, a font */
    float strength;     /* opacity of a line, 0 .. 1; where in its box a text's baseline is; how round corners are */
    bool bold, dashed, arrow;
    uint32_t columns, rows; /* of cells; columns: points of a path */
    size_t content; /* in scene.bytes: of a text, of a path (its points), of cells (one byte each, 0 white .. 255) */
};

struct point {
    double x, y;
};

struct scene {
    double width, height;
    struct mark *marks;
    size_t count, capacity;
    char *bytes; /* texts and cells */
    size_t used, room;
    struct _cairo *ruler; /* measures texts */
    bool failed;          /* out of memory: what was added since is missing */
};

/* -ENOMEM. */
int scene_init(struct scene *scene);
void scene_deinit(struct scene *scene); /* idempotent */

void scene_line(struct scene *scene, enum color color, double x, double y, double x2, double y2, double width,
                double strength);
void scene_dot(struct scene *scene, enum color color, double x, double y, double radius);
void scene_ring(struct scene *scene, enum color color, double x, double y, double radius);
/* A filled box with an edge and round corners. */
void scene_box(struct scene *scene, enum color color, double x, double y, double x2, double y2);
/* How a path looks. */
struct stroke {
    enum color color;
    double width, corner; /* how far from it a corner is rounded */
    bool dashed, arrow;   /* arrow: a head at its end */
};
void scene_path(struct scene *scene, const struct stroke *stroke, const struct point *points, uint32_t count);
struct point scene_path_point(const struct scene *scene, const struct mark *path, uint32_t number);
/* Makes `canvas` write so: for who measures, and who paints. */
void scene_font(struct _cairo *canvas, double size, bool bold);
/* Room for columns * rows bytes, zeroed; NULL when the scene has failed. */
unsigned char *scene_cells(struct scene *scene, enum color color, double x, double y, double width, double height,
                           uint32_t columns, uint32_t rows);

/* A text with its baseline at y. When it is wider than `room` (0: any width) it becomes smaller, down to `least` (0:
 * not smaller); then its middle goes, for names begin and end in what tells them apart. */
struct type {
    double size;
    bool bold;
    enum align align;
    enum color color;
    double room, min;
};
void scene_text(struct scene *scene, const struct type *type, double x, double y, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
double scene_text_width(struct scene *scene, const struct type *type, const char *text);

#endif
