/* SPDX-License-Identifier: Apache-2.0 */
#include <cairo.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/scene.h"

#ifdef __SANITIZE_ADDRESS__
/* fontconfig keeps the patterns that cairo asked it for until the process ends; they are no leak of ours. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}

const char *__lsan_default_options(void) __attribute__((visibility("default")));
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

int scene_init(struct scene *scene)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);

    *scene = (struct scene){ .ruler = cairo_create(surface) };
    cairo_surface_destroy(surface);
    if (cairo_status(scene->ruler) == CAIRO_STATUS_SUCCESS)
        return 0;
    scene_deinit(scene);
    return -ENOMEM;
}

void scene_deinit(struct scene *scene)
{
    if (scene->ruler)
        cairo_destroy(scene->ruler);
    free(scene->marks);
    free(scene->bytes);
    *scene = (struct scene){ .marks = NULL };
}

static struct mark *add(struct scene *scene, const struct mark *mark)
{
    if (scene->count == scene->capacity) {
        size_t capacity = scene->capacity ? scene->capacity * 2 : 1024;
        struct mark *marks = scene->failed ? NULL : realloc(scene->marks, capacity * sizeof *marks);

        if (!marks) {
            scene->failed = true;
            return NULL;
        }
        scene->marks = marks;
        scene->capacity = capacity;
    }
    scene->marks[scene->count] = *mark;
    return &scene->marks[scene->count++];
}

/* `size` bytes of the scene's own, zeroed. */
static char *add_bytes(struct scene *scene, size_t size)
{
    if (size > scene->room - scene->used) {
        size_t room = MAX(scene->room * 2, scene->used + size + 4096);
        char *bytes = scene->failed ? NULL : realloc(scene->bytes, room);

        if (!bytes) {
            scene->failed = true;
            return NULL;
        }
        scene->bytes = bytes;
        scene->room = room;
    }
    scene->used += size;
    return memset(scene->bytes + scene->used - size, 0, size);
}

void scene_line(struct scene *scene, enum color color, double x, double y, double x2, double y2, double width,
                double strength)
{
    add(scene, &(struct mark){ .kind = MARK_LINE,
                               .color = color,
                               .x = (float)x,
                               .y = (float)y,
                               .x2 = (float)x2,
                               .y2 = (float)y2,
                               .size = (float)width,
                               .strength = (float)strength });
}

void scene_dot(struct scene *scene, enum color color, double x, double y, double radius)
{
    add(scene, &(struct mark){ .kind = MARK_DOT, .color = color, .x = (float)x, .y = (float)y, .size = (float)radius });
}

void scene_ring(struct scene *scene, enum color color, double x, double y, double radius)
{
    add(scene,
        &(struct mark){ .kind = MARK_RING, .color = color, .x = (float)x, .y = (float)y, .size = (float)radius });
}

void scene_box(struct scene *scene, enum color color, double x, double y, double x2, double y2)
{
    add(scene, &(struct mark){ .kind = MARK_BOX,
                               .color = color,
                               .x = (float)x,
                               .y = (float)y,
                               .x2 = (float)x2,
                               .y2 = (float)y2,
                               .strength = 6 });
}

void scene_path(struct scene *scene, const struct stroke *stroke, const struct point *points, uint32_t count)
{
    char *content = add_bytes(scene, count * sizeof *points);
    struct mark mark = { .kind = MARK_PATH,
                         .color = stroke->color,
                         .x = INFINITY,
                         .y = INFINITY,
                         .x2 = -INFINITY,
                         .y2 = -INFINITY,
                         .size = (float)stroke->width,
                         .strength = (float)stroke->corner,
                         .dashed = stroke->dashed,
                         .arrow = stroke->arrow,
                         .columns = count };

    if (!content)
        return;
    memcpy(content, points, count * sizeof *points);
    mark.content = (size_t)(content - scene->bytes);
    for (uint32_t i = 0; i < count; i++) {
        mark.x = fminf(mark.x, (float)points[i].x);
        mark.y = fminf(mark.y, (float)points[i].y);
        mark.x2 = fmaxf(mark.x2, (float)points[i].x);
        mark.y2 = fmaxf(mark.y2, (float)points[i].y);
    }
    add(scene, &mark);
}

void scene_font(cairo_t *canvas, double size, bool bold)
{
    cairo_font_options_t *options = cairo_font_options_create();

    /* The same widths on a page of points as on one of pixels. */
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(canvas, options);
    cairo_font_options_destroy(options);
    cairo_select_font_face(canvas, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas, size);
}

struct point scene_path_point(const struct scene *scene, const struct mark *path, uint32_t number)
{
    struct point point;

    memcpy(&point, scene->bytes + path->content + number * sizeof point, sizeof point);
    return point;
}

unsigned char *scene_cells(struct scene *scene, enum color color, double x, double y, double width, double height,
                           uint32_t columns, uint32_t rows)
{
    char *cells = add_bytes(scene, (size_t)columns * rows);

    if (!cells || !add(scene, &(struct mark){ .kind = MARK_CELLS,
                                              .color = color,
                                              .x = (float)x,
                                              .y = (float)y,
                                              .x2 = (float)(x + width),
                                              .y2 = (float)(y + height),
                                              .columns = columns,
                                              .rows = rows,
                                              .content = (size_t)(cells - scene->bytes) }))
        return NULL;
    return (unsigned char *)cells;
}

double scene_text_width(struct scene *scene, const struct type *type, const char *text)
{
    cairo_text_extents_t extents;

    scene_font(scene->ruler, type->size, type->bold);
    cairo_text_extents(scene->ruler, text, &extents);
    return extents.x_advance;
}

static bool inside_character(char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* `keep` bytes of a text, most of them its end, around an ellipsis; rounded down to whole characters of UTF-8. */
static void shorten(const char *text, size_t keep, char *out, size_t size)
{
    size_t begin = keep * 2 / 5, end = strlen(text) - (keep - begin);

    while (begin && inside_character(text[begin]))
        begin--;
    while (inside_character(text[end]))
        end++;
    snprintf(out, size, "%.*s\u2026%s", (int)begin, text, text + end);
}

/* Brings the text and its size into the room; its width. */
static double fit(struct scene *scene, struct type *type, char *text, size_t size)
{
    double width = scene_text_width(scene, type, text);
    char shorter[SCENE_TEXT_MAX + 4];

    while (type->room > 0 && width > type->room && type->min > 0 && type->size > type->min) {
        type->size = fmax(type->min, type->size - 0.5);
        width = scene_text_width(scene, type, text);
    }
    if (!(type->room > 0) || width <= type->room)
        return width;
    for (size_t keep = strlen(text); keep-- && width > type->room;) {
        shorten(text, keep, shorter, sizeof shorter);
        width = scene_text_width(scene, type, shorter);
    }
    snprintf(text, size, "%s", shorter);
    return width;
}

void scene_text(struct scene *scene, const struct type *wanted, double x, double y, const char *format, ...)
{
    struct type fitted = *wanted, *type = &fitted;
    char text[SCENE_TEXT_MAX + 4], *content;
    double width, left;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, SCENE_TEXT_MAX, format, arguments);
    va_end(arguments);
    width = fit(scene, type, text, sizeof text);
    left = x - width * (type->align == ALIGN_CENTRE ? 0.5 : type->align == ALIGN_RIGHT ? 1 : 0);
    content = add_bytes(scene, strlen(text) + 1);
    if (!content)
        return;
    memcpy(content, text, strlen(text) + 1);
    add(scene, &(struct mark){ .kind = MARK_TEXT,
                               .color = type->color,
                               .x = (float)left,
                               .y = (float)(y - type->size * 0.8),
                               .x2 = (float)(left + width),
                               .y2 = (float)(y + type->size * 0.25),
                               .size = (float)type->size,
                               .strength = (float)(type->size * 0.8),
                               .bold = type->bold,
                               .content = (size_t)(content - scene->bytes) });
}
