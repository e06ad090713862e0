/* SPDX-License-Identifier: Apache-2.0 */
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/paint.h"

enum { PNG_WIDTH = 2000, PNG_PIXELS_MAX = 24000000 };

static const struct {
    double red, green, blue;
} colors[COLOR_COUNT] = {
    [COLOR_TEXT] = { 0.11, 0.15, 0.20 },    [COLOR_SOFT] = { 0.36, 0.41, 0.47 }, [COLOR_FAINT] = { 0.84, 0.86, 0.89 },
    [COLOR_DOT] = { 0.13, 0.20, 0.29 },     [COLOR_LINE] = { 0.10, 0.39, 0.65 }, [COLOR_DENSE] = { 0.80, 0.36, 0.06 },
    [COLOR_REPEAT] = { 0.69, 0.73, 0.78 },  [COLOR_LINK] = { 0.45, 0.50, 0.57 }, [COLOR_FLOW] = { 0.13, 0.20, 0.29 },
    [COLOR_CARD] = { 0.965, 0.973, 0.982 }, [COLOR_LEAF] = { 0.15, 0.50, 0.24 }, [COLOR_PLUM] = { 0.52, 0.25, 0.60 },
    [COLOR_ROSE] = { 0.79, 0.15, 0.33 },    [COLOR_SEA] = { 0.05, 0.55, 0.58 },
};

static void set_color(cairo_t *canvas, enum color color, double strength)
{
    cairo_set_source_rgba(canvas, colors[color].red, colors[color].green, colors[color].blue, strength);
}

static bool goes_on(const struct mark *line, const struct mark *next)
{
    return next->kind == MARK_LINE && next->color == line->color && next->x == line->x && next->y == line->y &&
           next->strength == line->strength && next->size == line->size;
}

/* Lines from one point are one stroke: they do not cross, and a file of them is half as long. */
static size_t paint_lines(cairo_t *canvas, const struct mark *first, size_t count)
{
    size_t at = 0;

    do {
        cairo_move_to(canvas, first->x, first->y);
        cairo_line_to(canvas, first[at].x2, first[at].y2);
        at++;
    } while (at < count && goes_on(first, &first[at]));
    set_color(canvas, first->color, first->strength);
    cairo_set_line_width(canvas, first->size);
    cairo_stroke(canvas);
    return at;
}

/* A stroke of no length with round ends is a dot; a column of them is one stroke. */
static size_t paint_dots(cairo_t *canvas, const struct mark *first, size_t count)
{
    size_t at = 0;

    do {
        cairo_move_to(canvas, first[at].x, first[at].y);
        cairo_line_to(canvas, first[at].x, first[at].y);
        at++;
    } while (at < count && first[at].kind == MARK_DOT && first[at].color == first->color &&
             first[at].size == first->size);
    set_color(canvas, first->color, 1);
    cairo_set_line_width(canvas, 2 * first->size);
    cairo_stroke(canvas);
    return at;
}

static void paint_ring(cairo_t *canvas, const struct mark *mark)
{
    cairo_new_sub_path(canvas);
    cairo_arc(canvas, mark->x, mark->y, mark->size, 0, 2 * M_PI);
    set_color(canvas, mark->color, 1);
    cairo_set_line_width(canvas, 1.4);
    cairo_stroke(canvas);
}

static void paint_box(cairo_t *canvas, const struct mark *mark)
{
    double radius = mark->strength, quarter = M_PI / 2;

    cairo_new_sub_path(canvas);
    cairo_arc(canvas, mark->x + radius, mark->y + radius, radius, 2 * quarter, 3 * quarter);
    cairo_arc(canvas, mark->x2 - radius, mark->y + radius, radius, 3 * quarter, 4 * quarter);
    cairo_arc(canvas, mark->x2 - radius, mark->y2 - radius, radius, 0, quarter);
    cairo_arc(canvas, mark->x + radius, mark->y2 - radius, radius, quarter, 2 * quarter);
    cairo_close_path(canvas);
    set_color(canvas, mark->color, 1);
    cairo_fill_preserve(canvas);
    set_color(canvas, COLOR_REPEAT, 1);
    cairo_set_line_width(canvas, 0.9);
    cairo_stroke(canvas);
}

/* `length` from `from` towards `to`, at most half of the way. */
static struct point towards(struct point from, struct point to, double length)
{
    double whole = hypot(to.x - from.x, to.y - from.y), part = whole > 0 ? fmin(0.5, length / whole) : 0;

    return (struct point){ from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part };
}

static void paint_head(cairo_t *canvas, struct point from, struct point tip)
{
    const double length = 8, half = 3.4;
    double whole = hypot(tip.x - from.x, tip.y - from.y);
    double dx = whole > 0 ? (tip.x - from.x) / whole : 1, dy = whole > 0 ? (tip.y - from.y) / whole : 0;

    cairo_move_to(canvas, tip.x, tip.y);
    cairo_line_to(canvas, tip.x - dx * length - dy * half, tip.y - dy * length + dx * half);
    cairo_line_to(canvas, tip.x - dx * length + dy * half, tip.y - dy * length - dx * half);
    cairo_close_path(canvas);
    cairo_fill(canvas);
}

static void paint_path(cairo_t *canvas, const struct scene *scene, const struct mark *mark)
{
    static const double dashes[] = { 5, 3 };
    struct point before = scene_path_point(scene, mark, 0), at = scene_path_point(scene, mark, 1);

    set_color(canvas, mark->color, 1);
    cairo_set_line_width(canvas, mark->size);
    if (mark->dashed)
        cairo_set_dash(canvas, dashes, ARRAY_SIZE(dashes), 0);
    cairo_move_to(canvas, before.x, before.y);
    for (uint32_t i = 2; i < mark->columns; i++) {
        struct point next = scene_path_point(scene, mark, i);
        struct point in = towards(at, before, mark->strength), out = towards(at, next, mark->strength);

        cairo_line_to(canvas, in.x, in.y);
        if (mark->strength > 0)
            cairo_curve_to(canvas, (in.x + 2 * at.x) / 3, (in.y + 2 * at.y) / 3, (out.x + 2 * at.x) / 3,
                           (out.y + 2 * at.y) / 3, out.x, out.y);
        before = at;
        at = next;
    }
    if (mark->arrow) { /* the line ends inside its head */
        struct point end = towards(at, before, 4);

        cairo_line_to(canvas, end.x, end.y);
    } else {
        cairo_line_to(canvas, at.x, at.y);
    }
    cairo_stroke(canvas);
    cairo_set_dash(canvas, NULL, 0, 0);
    if (mark->arrow)
        paint_head(canvas, before, at);
}

static void paint_text(cairo_t *canvas, const struct mark *mark, const char *text)
{
    scene_font(canvas, mark->size, mark->bold);
    set_color(canvas, mark->color, 1);
    cairo_move_to(canvas, mark->x, mark->y + mark->strength);
    cairo_show_text(canvas, text);
}

/* Cells are a picture in the picture: one pixel a cell, its color as dark as the cell says. */
static void paint_cells(cairo_t *canvas, const struct mark *mark, const unsigned char *cells)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)mark->columns, (int)mark->rows);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    unsigned char *pixels = cairo_image_surface_get_data(image);

    for (uint32_t row = 0; pixels && row < mark->rows; row++) {
        for (uint32_t column = 0; column < mark->columns; column++) {
            double dark = cells[(size_t)row * mark->columns + column] / 255.0;
            uint32_t red = (uint32_t)lround(255 * (1 - dark * (1 - colors[mark->color].red)));
            uint32_t green = (uint32_t)lround(255 * (1 - dark * (1 - colors[mark->color].green)));
            uint32_t blue = (uint32_t)lround(255 * (1 - dark * (1 - colors[mark->color].blue)));
            uint32_t pixel = red << 16 | green << 8 | blue;

            memcpy(pixels + row * stride + 4 * (size_t)column, &pixel, sizeof pixel);
        }
    }
    cairo_surface_mark_dirty(image);
    cairo_save(canvas);
    cairo_translate(canvas, mark->x, mark->y);
    cairo_scale(canvas, (mark->x2 - mark->x) / mark->columns, (mark->y2 - mark->y) / mark->rows);
    cairo_set_source_surface(canvas, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(canvas), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas, 0, 0, mark->columns, mark->rows);
    cairo_fill(canvas);
    cairo_restore(canvas);
    cairo_rectangle(canvas, mark->x, mark->y, mark->x2 - mark->x, mark->y2 - mark->y);
    set_color(canvas, COLOR_REPEAT, 1);
    cairo_set_line_width(canvas, 0.8);
    cairo_stroke(canvas);
    cairo_surface_destroy(image);
}

static void paint_scene(cairo_t *canvas, const struct scene *scene)
{
    cairo_set_source_rgb(canvas, 1, 1, 1);
    cairo_paint(canvas);
    cairo_set_line_cap(canvas, CAIRO_LINE_CAP_ROUND);
    for (size_t i = 0; i < scene->count;) {
        const struct mark *mark = &scene->marks[i];

        if (mark->kind == MARK_LINE || mark->kind == MARK_DOT) {
            i += (mark->kind == MARK_LINE ? paint_lines : paint_dots)(canvas, mark, scene->count - i);
            continue;
        }
        if (mark->kind == MARK_RING)
            paint_ring(canvas, mark);
        else if (mark->kind == MARK_PATH)
            paint_path(canvas, scene, mark);
        else if (mark->kind == MARK_BOX)
            paint_box(canvas, mark);
        else if (mark->kind == MARK_TEXT)
            paint_text(canvas, mark, scene->bytes + mark->content);
        else
            paint_cells(canvas, mark, (const unsigned char *)scene->bytes + mark->content);
        i++;
    }
}

struct buffer {
    unsigned char *data;
    size_t used, room;
};

static cairo_status_t take(void *closure, const unsigned char *data, unsigned int length)
{
    struct buffer *buffer = closure;

    if (length > buffer->room - buffer->used) {
        size_t room = MAX(buffer->room * 2, buffer->used + length + 65536);
        unsigned char *larger = realloc(buffer->data, room);

        if (!larger)
            return CAIRO_STATUS_NO_MEMORY;
        buffer->data = larger;
        buffer->room = room;
    }
    memcpy(buffer->data + buffer->used, data, length);
    buffer->used += length;
    return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *open_surface(const struct scene *scene, enum picture_format format, double scale,
                                     struct buffer *buffer)
{
    cairo_surface_t *surface;

    if (format == PICTURE_PNG)
        return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)lround(scene->width * scale),
                                          (int)lround(scene->height * scale));
    if (format == PICTURE_PDF) {
        surface = cairo_pdf_surface_create_for_stream(take, buffer, scene->width, scene->height);
        /* Otherwise it is the time of the call. */
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
        return surface;
    }
    surface = cairo_svg_surface_create_for_stream(take, buffer, scene->width, scene->height);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    return surface;
}

static cairo_status_t paint(const struct scene *scene, enum picture_format format, struct buffer *buffer)
{
    double scale = format == PICTURE_PNG
                       ? fmin(PNG_WIDTH / scene->width, sqrt(PNG_PIXELS_MAX / (scene->width * scene->height)))
                       : 1;
    cairo_surface_t *surface = open_surface(scene, format, scale, buffer);
    cairo_t *canvas = cairo_create(surface);
    cairo_status_t status;

    cairo_scale(canvas, scale, scale);
    paint_scene(canvas, scene);
    cairo_show_page(canvas);
    status = cairo_status(canvas);
    cairo_destroy(canvas);
    if (status == CAIRO_STATUS_SUCCESS && format == PICTURE_PNG)
        status = cairo_surface_write_to_png_stream(surface, take, buffer);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS && format != PICTURE_PNG)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status;
}

int picture_format_of(const char *path, enum picture_format *out, struct reason *why)
{
    static const char *const endings[PICTURE_FORMATS] = { ".svg", ".png", ".pdf" };
    const char *ending = strrchr(path, '.');

    for (int i = 0; ending && i < PICTURE_FORMATS; i++) {
        if (strcmp(ending, endings[i]) != 0)
            continue;
        *out = (enum picture_format)i;
        return 0;
    }
    return refuse(why, WISP_E_INVALID, "%s: a picture's name ends in .svg, .png or .pdf", path);
}

int paint_file(const struct scene *scene, enum picture_format format, const char *path, struct reason *why)
{
    struct buffer buffer = { .data = NULL };
    cairo_status_t status = scene->failed ? CAIRO_STATUS_NO_MEMORY : paint(scene, format, &buffer);
    cleanup_free unsigned char *data = buffer.data;

    if (status == CAIRO_STATUS_NO_MEMORY)
        return refuse_errno(why, -ENOMEM, "%s", path);
    if (status != CAIRO_STATUS_SUCCESS)
        return refuse(why, -EIO, "cannot paint %s: %s", path, cairo_status_to_string(status));
    return file_write(path, &(struct file_part){ data, buffer.used }, 1, why);
}
