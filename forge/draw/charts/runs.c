/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/draw/charts/axis.h"
#include "forge/draw/charts/runs.h"
#include "forge/draw/legend.h"

enum {
    PAGE_WIDTH = 1280,
    PANELS = 3,
    PANEL_GAP = 70,
    PANEL_TOP = 158,
    PANEL_BOTTOM = 570,
    LEGEND_TOP = PANEL_BOTTOM + 84,
    LEGEND_ROW = 24,
    LEGEND_COLUMNS = 3,
    LEGEND_SAMPLE = 26,
    POINTS_MAX = 1000 /* of a path: more are no wider than a line */
};

static const enum color palette[] = { COLOR_LINE, COLOR_DENSE, COLOR_LEAF, COLOR_PLUM, COLOR_ROSE, COLOR_SEA };
static const double widths[] = { 1.6, 0.7, 3 };

/* Colours first, then the same ones in another width. */
static struct stroke stroke_of(size_t run, bool training)
{
    return (struct stroke){ .color = palette[run % ARRAY_SIZE(palette)],
                            .width = widths[run / ARRAY_SIZE(palette) % ARRAY_SIZE(widths)],
                            .dashed = training };
}

enum quantity { LOSS, ACCURACY, RATE, VALIDATION_LOSS, VALIDATION_ACCURACY };

/* As a place on its axis: of a loss the logarithm. NAN: unknown, or nowhere there. */
static double measure(const struct run_epoch *e, enum quantity quantity)
{
    switch (quantity) {
    case LOSS:
        return e->loss > 0 ? log10(e->loss) : NAN;
    case VALIDATION_LOSS:
        return e->validation_loss > 0 ? log10(e->validation_loss) : NAN;
    case ACCURACY:
        return e->accuracy;
    case VALIDATION_ACCURACY:
        return e->validation_accuracy;
    case RATE:
        return e->rate;
    }
    return NAN;
}

static const struct panel {
    const char *title;
    enum quantity quantities[2]; /* of training, which is dashed, and of validation */
    size_t count;
    enum axis_scale scale;
    axis_text *text;
} panels[PANELS] = {
    { "Loss", { LOSS, VALIDATION_LOSS }, 2, AXIS_LOGARITHM, axis_text_power },
    { "Accuracy", { ACCURACY, VALIDATION_ACCURACY }, 2, AXIS_EVEN, axis_text_even },
    { "Rate", { RATE }, 1, AXIS_EVEN, axis_text_even },
};

struct ends {
    double min, max;
};

static void widen(struct ends *ends, double value)
{
    if (!isfinite(value))
        return;
    ends->min = fmin(ends->min, value);
    ends->max = fmax(ends->max, value);
}

/* Axes around all that is to be seen; false when that is nothing. */
static bool choose_axes(const struct panel *panel, const struct run *runs, size_t count, struct frame *frame)
{
    struct ends x = { INFINITY, -INFINITY }, y = { INFINITY, -INFINITY };

    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < runs[r].count; i++) {
            widen(&x, (double)runs[r].epochs[i].epoch);
            for (size_t q = 0; q < panel->count; q++)
                widen(&y, measure(&runs[r].epochs[i], panel->quantities[q]));
        }
    }
    if (!isfinite(y.min) || (panel->scale == AXIS_EVEN && y.max <= 0))
        return false;
    axis_choose(AXIS_EVEN, x.min, fmax(x.max, x.min + 1), axis_text_even, &frame->x);
    axis_choose(panel->scale, panel->count > 1 ? y.min : 0, y.max, panel->text, &frame->y);
    return true;
}

static void put_path(struct scene *scene, const struct stroke *stroke, const struct point *path, size_t count)
{
    if (count > 1)
        scene_path(scene, stroke, path, (uint32_t)count);
    else if (count)
        scene_dot(scene, stroke->color, path[0].x, path[0].y, 1.5 + stroke->width / 2);
}

/* One path up to where something is unknown. */
static void put_run(struct scene *scene, const struct frame *frame, const struct run *run, enum quantity quantity,
                    const struct stroke *stroke)
{
    size_t stride = (run->count + POINTS_MAX - 1) / POINTS_MAX, count = 0;
    cleanup_free struct point *path = calloc(POINTS_MAX + 1, sizeof *path);

    if (!path) {
        scene->failed = true;
        return;
    }
    for (size_t i = 0; i < run->count; i = i + stride < run->count ? i + stride : MAX(i + 1, run->count - 1)) {
        double value = measure(&run->epochs[i], quantity);

        if (isfinite(value)) {
            path[count++] = frame_point(frame, (double)run->epochs[i].epoch, value);
            continue;
        }
        put_path(scene, stroke, path, count);
        count = 0;
    }
    put_path(scene, stroke, path, count);
}

static void put_panel(struct scene *scene, size_t number, const struct run *runs, size_t count)
{
    double width = (PAGE_WIDTH - 2.0 * PAGE_MARGIN - PANELS * PANEL_GAP) / PANELS;
    struct type title = { .size = 16, .bold = true, .color = COLOR_TEXT };
    struct type none = { .size = 14, .align = ALIGN_CENTRE, .color = COLOR_SOFT };
    struct frame frame = { .left = PAGE_MARGIN + PANEL_GAP + (double)number * (width + PANEL_GAP),
                           .top = PANEL_TOP,
                           .bottom = PANEL_BOTTOM };
    const struct panel *panel = &panels[number];

    frame.right = frame.left + width;
    scene_text(scene, &title, frame.left, PANEL_TOP - 22, "%s", panel->title);
    if (!choose_axes(panel, runs, count, &frame)) {
        scene_text(scene, &none, (frame.left + frame.right) / 2, (PANEL_TOP + PANEL_BOTTOM) / 2.0, "not measured");
        return;
    }
    frame_put(scene, &frame, "epoch");
    for (size_t r = 0; r < count; r++) {
        for (size_t q = 0; q < panel->count; q++) {
            struct stroke stroke = stroke_of(r, panel->count > 1 && !q);

            put_run(scene, &frame, &runs[r], panel->quantities[q], &stroke);
        }
    }
}

/* A row for what dashes mean, then the runs' names. */
static void put_legend(struct scene *scene, const struct run *runs, size_t count)
{
    struct legend legend = legend_at(scene, LEGEND_TOP);
    double width = (PAGE_WIDTH - 2.0 * PAGE_MARGIN) / LEGEND_COLUMNS;
    struct type name = { .size = 12, .color = COLOR_SOFT, .room = width - LEGEND_SAMPLE - 30, .min = 9 };

    legend_path(&legend, &(struct stroke){ .color = COLOR_SOFT, .width = 1.6, .dashed = true }, "training");
    legend_path(&legend, &(struct stroke){ .color = COLOR_SOFT, .width = 1.6 }, "validation");
    for (size_t r = 0; r < count; r++) {
        double x = PAGE_MARGIN + (double)(r % LEGEND_COLUMNS) * width;
        size_t row = r / LEGEND_COLUMNS + 1;
        double y = LEGEND_TOP + (double)row * LEGEND_ROW;
        struct stroke stroke = stroke_of(r, false);

        scene_path(scene, &stroke, (struct point[]){ { x, y - 4 }, { x + LEGEND_SAMPLE, y - 4 } }, 2);
        scene_text(scene, &name, x + LEGEND_SAMPLE + 7, y, "%s", runs[r].name);
    }
}

int draw_runs(const char *title, const struct run *runs, size_t count, struct scene *out, struct reason *why)
{
    struct type head = { .size = 28, .bold = true, .color = COLOR_TEXT, .room = PAGE_WIDTH - 2.0 * PAGE_MARGIN };
    size_t rows = (count + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
    int result = scene_init(out);

    if (result)
        return refuse_errno(why, result, "picture");
    out->width = PAGE_WIDTH;
    out->height = LEGEND_TOP + (double)rows * LEGEND_ROW + 30;
    scene_text(out, &head, PAGE_MARGIN, 62, "%s", title);
    for (size_t i = 0; i < PANELS; i++)
        put_panel(out, i, runs, count);
    put_legend(out, runs, count);
    if (!out->failed)
        return 0;
    scene_deinit(out);
    return refuse_errno(why, -ENOMEM, "picture");
}
