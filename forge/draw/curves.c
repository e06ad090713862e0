/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/curves.h"

enum {
    PAGE_WIDTH = 1280,
    PAGE_HEIGHT = 720,
    PANELS = 3,
    PANEL_GAP = 70,
    PANEL_TOP = 178,
    PANEL_BOTTOM = 590,
    TICKS_MOST = 7
};

#define BEYOND 1e30 /* no run measures so much */

enum quantity { CONNECTIONS, DENSITY, BYTES, SECONDS, ACCURACY };

static const struct {
    const char *title;
    enum quantity x, y;
} panels[PANELS] = {
    { "Bytes of the file", CONNECTIONS, BYTES },
    { "Seconds: a build, an epoch", CONNECTIONS, SECONDS },
    { "Accuracy on validation", DENSITY, ACCURACY },
};

/* A quantity as a place on its axis: the logarithm of a size, the accuracy as it is; NAN when unknown or
 * nonsense. Sparsity grows
 * to the right, each step a tenth of the connections. */
static double measure(const struct curve_run *run, enum quantity quantity)
{
    double value = 0;

    switch (quantity) {
    case CONNECTIONS:
        value = run->connections;
        break;
    case DENSITY:
        return run->density > 1 / BEYOND && run->density <= 1 ? -log10(run->density) : NAN;
    case BYTES:
        value = run->bytes;
        break;
    case SECONDS:
        value = run->seconds;
        break;
    case ACCURACY:
        return run->accuracy >= 0 && run->accuracy <= 1 ? run->accuracy : NAN;
    }
    return value > 1 / BEYOND && value < BEYOND ? log10(value) : NAN;
}

struct axis {
    double least, most, step;
};

/* Round numbers around all values. */
static struct axis axis_of(const struct curve_run *runs, size_t count, size_t panel, enum quantity quantity)
{
    static const double steps[] = { 0.02, 0.05, 0.1, 0.2, 1, 2, 3, 5 };
    struct axis axis = { INFINITY, -INFINITY, 1 };
    size_t first = quantity == ACCURACY ? 0 : 4;

    for (size_t i = 0; i < count; i++) {
        if (isnan(measure(&runs[i], panels[panel].x)) || isnan(measure(&runs[i], panels[panel].y)))
            continue;
        axis.least = fmin(axis.least, measure(&runs[i], quantity));
        axis.most = fmax(axis.most, measure(&runs[i], quantity));
    }
    for (size_t i = first; i < ARRAY_SIZE(steps); i++) {
        axis.step = steps[i];
        if ((axis.most - axis.least) / axis.step < TICKS_MOST - 2)
            break;
    }
    axis.least = floor(axis.least / axis.step + 1e-9) * axis.step;
    axis.most = fmax(ceil(axis.most / axis.step - 1e-9) * axis.step, axis.least + axis.step);
    return axis;
}

static void tick_text(enum quantity quantity, double value, char out[CAPTION_MAX])
{
    if (quantity == ACCURACY)
        snprintf(out, CAPTION_MAX, "%.2f", value);
    else if (quantity == DENSITY)
        snprintf(out, CAPTION_MAX, "%.*f", (int)fmin(9, fmax(0, ceil(value))), 1 - pow(10, -value));
    else if (quantity == SECONDS)
        snprintf(out, CAPTION_MAX, "%.3g", pow(10, value));
    else
        caption_short(pow(10, value), out);
}

struct frame {
    double left, right;
    struct axis x, y;
};

static double place_x(const struct frame *frame, double value)
{
    return frame->left + (value - frame->x.least) / (frame->x.most - frame->x.least) * (frame->right - frame->left);
}

static double place_y(const struct frame *frame, double value)
{
    return PANEL_BOTTOM - (value - frame->y.least) / (frame->y.most - frame->y.least) * (PANEL_BOTTOM - PANEL_TOP);
}

static void put_frame(struct scene *scene, const struct frame *frame, size_t panel)
{
    struct type number = { .size = 11.5, .align = ALIGN_CENTRE, .ink = INK_SOFT };
    struct type name = { .size = 13, .align = ALIGN_CENTRE, .ink = INK_SOFT };
    struct type title = { .size = 16, .bold = true, .ink = INK_TEXT };
    char text[CAPTION_MAX];

    for (int i = 0; frame->x.least + i * frame->x.step < frame->x.most + 1e-9; i++) {
        double value = frame->x.least + i * frame->x.step, x = place_x(frame, value);

        scene_line(scene, INK_FAINT, x, PANEL_TOP, x, PANEL_BOTTOM, 0.8, 1);
        tick_text(panels[panel].x, value, text);
        scene_text(scene, &number, x, PANEL_BOTTOM + 20, "%s", text);
    }
    number.align = ALIGN_RIGHT;
    for (int i = 0; frame->y.least + i * frame->y.step < frame->y.most + 1e-9; i++) {
        double value = frame->y.least + i * frame->y.step, y = place_y(frame, value);

        scene_line(scene, INK_FAINT, frame->left, y, frame->right, y, 0.8, 1);
        tick_text(panels[panel].y, value, text);
        scene_text(scene, &number, frame->left - 8, y + 4, "%s", text);
    }
    scene_text(scene, &title, frame->left, PANEL_TOP - 22, "%s", panels[panel].title);
    scene_text(scene, &name, (frame->left + frame->right) / 2, PANEL_BOTTOM + 44, "%s",
               panels[panel].x == DENSITY ? "sparsity" : "connections");
}

static void put_panel(struct scene *scene, const struct curve_run *runs, size_t count, size_t panel)
{
    double width = (PAGE_WIDTH - 2.0 * PAGE_MARGIN - PANELS * PANEL_GAP) / PANELS;
    struct type none = { .size = 14, .align = ALIGN_CENTRE, .ink = INK_SOFT };
    struct frame frame = { .left = PAGE_MARGIN + PANEL_GAP + (double)panel * (width + PANEL_GAP) };

    frame.right = frame.left + width;
    frame.x = axis_of(runs, count, panel, panels[panel].x);
    frame.y = axis_of(runs, count, panel, panels[panel].y);
    if (!isfinite(frame.x.least)) {
        frame.x = frame.y = (struct axis){ 0, 1, 2 };
        scene_text(scene, &none, (frame.left + frame.right) / 2, (PANEL_TOP + PANEL_BOTTOM) / 2.0, "not measured yet");
        count = 0;
    } else {
        put_frame(scene, &frame, panel);
    }
    for (size_t i = 0; i < count; i++) {
        double x = measure(&runs[i], panels[panel].x), y = measure(&runs[i], panels[panel].y);

        if (!isnan(x) && !isnan(y))
            scene_dot(scene, runs[i].trained ? INK_DENSE : INK_LINE, place_x(&frame, x), place_y(&frame, y), 4);
    }
}

int draw_curves(const char *title, const struct curve_run *runs, size_t count, struct scene *out, struct reason *why)
{
    struct type head = { .size = 28, .bold = true, .ink = INK_TEXT, .room = PAGE_WIDTH - 2.0 * PAGE_MARGIN };
    struct type line = { .size = 15, .ink = INK_SOFT };
    struct type key = { .size = 12, .ink = INK_SOFT };
    size_t trained = 0;
    int result = scene_init(out);

    if (result)
        return refuse_errno(why, result, "picture");
    out->width = PAGE_WIDTH;
    out->height = PAGE_HEIGHT;
    for (size_t i = 0; i < count; i++)
        trained += runs[i].trained;
    scene_text(out, &head, PAGE_MARGIN, 62, "%s", title);
    scene_text(out, &line, PAGE_MARGIN, 90, "%zu built, %zu trained here", count - trained, trained);
    for (size_t i = 0; i < PANELS; i++)
        put_panel(out, runs, count, i);
    scene_dot(out, INK_LINE, PAGE_MARGIN + 4, PAGE_HEIGHT - 30, 4);
    scene_text(out, &key, PAGE_MARGIN + 14, PAGE_HEIGHT - 26, "built");
    scene_dot(out, INK_DENSE, PAGE_MARGIN + 74, PAGE_HEIGHT - 30, 4);
    scene_text(out, &key, PAGE_MARGIN + 84, PAGE_HEIGHT - 26, "trained");
    if (!out->failed)
        return 0;
    scene_deinit(out);
    return refuse_errno(why, -ENOMEM, "picture");
}
