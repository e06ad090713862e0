/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "forge/draw/charts/axis.h"
#include "forge/draw/charts/curves.h"
#include "forge/draw/legend.h"

enum { PAGE_WIDTH = 1280, PAGE_HEIGHT = 720, PANELS = 3, PANEL_GAP = 70, PANEL_TOP = 178, PANEL_BOTTOM = 590 };

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
 * nonsense. Sparsity grows to the right, each step a tenth of the connections. */
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

/* To three digits: ticks are at round ones, and logarithms are not exact. */
static double round_density(double density)
{
    double unit = pow(10, floor(log10(density) + 1e-6) - 2);

    return round(density / unit) * unit;
}

static void sparsity_text(double place, char out[CAPTION_MAX])
{
    axis_text_even(1 - round_density(pow(10, -place)), out);
}

static const struct {
    enum axis_scale scale;
    axis_text *text;
} axes[] = {
    [CONNECTIONS] = { AXIS_LOGARITHM, axis_text_short }, [DENSITY] = { AXIS_DENSITY, sparsity_text },
    [BYTES] = { AXIS_LOGARITHM, axis_text_short },       [SECONDS] = { AXIS_LOGARITHM, axis_text_power },
    [ACCURACY] = { AXIS_EVEN, axis_text_even },
};

static void widen(const struct curve_run *runs, size_t count, size_t panel, enum quantity quantity, double ends[2])
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(measure(&runs[i], panels[panel].x)) || isnan(measure(&runs[i], panels[panel].y)))
            continue;
        ends[0] = fmin(ends[0], measure(&runs[i], quantity));
        ends[1] = fmax(ends[1], measure(&runs[i], quantity));
    }
}

/* Around all runs and curves; false when there is nothing to be shown. */
static bool axis_of(const struct curves *curves, size_t panel, enum quantity quantity, struct axis *out)
{
    double ends[2] = { INFINITY, -INFINITY };

    widen(curves->runs, curves->run_count, panel, quantity, ends);
    for (size_t i = 0; i < curves->curve_count; i++)
        widen(curves->curves[i].points, curves->curves[i].count, panel, quantity, ends);
    if (!isfinite(ends[0]))
        return false;
    axis_choose(axes[quantity].scale, ends[0], ends[1], axes[quantity].text, out);
    return true;
}

static struct point place(const struct frame *frame, const struct curve_run *run, size_t panel)
{
    return frame_point(frame, measure(run, panels[panel].x), measure(run, panels[panel].y));
}

static bool is_guessed(const struct curve_run *point, size_t panel)
{
    return (panels[panel].y == SECONDS && point->seconds_guessed) ||
           (panels[panel].y == ACCURACY && point->accuracy_guessed);
}

static struct stroke stroke_of(bool trained, bool guessed)
{
    return (struct stroke){ .color = trained ? COLOR_DENSE : COLOR_LINE, .width = 1.6, .dashed = guessed };
}

/* One path for all points up to where it becomes, or ceases to be, a guess. */
static void put_curve(struct scene *scene, const struct frame *frame, const struct curve *curve, size_t panel)
{
    struct point path[CURVE_POINTS_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < curve->count && i < CURVE_POINTS_MAX; i++) {
        const struct curve_run *point = &curve->points[i];
        bool known = !isnan(measure(point, panels[panel].x)) && !isnan(measure(point, panels[panel].y));
        bool last = i + 1 == curve->count || !known;
        struct stroke stroke = stroke_of(point->trained, is_guessed(point, panel));

        if (known)
            path[count++] = place(frame, point, panel);
        if (count > 1 && (last || is_guessed(point, panel) != is_guessed(&curve->points[i + 1], panel))) {
            scene_path(scene, &stroke, path, count);
            path[0] = path[count - 1];
            count = 1;
        }
        if (!known)
            count = 0;
    }
}

/* Rings around dots: where both are, both are seen. */
static void put_run(struct scene *scene, const struct frame *frame, const struct curve_run *run, size_t panel)
{
    struct point at;

    if (isnan(measure(run, panels[panel].x)) || isnan(measure(run, panels[panel].y)))
        return;
    at = place(frame, run, panel);
    if (run->trained)
        scene_dot(scene, COLOR_DENSE, at.x, at.y, 2.6);
    else
        scene_ring(scene, COLOR_LINE, at.x, at.y, 4.4);
}

static void put_panel(struct scene *scene, const struct curves *curves, size_t panel)
{
    double width = (PAGE_WIDTH - 2.0 * PAGE_MARGIN - PANELS * PANEL_GAP) / PANELS;
    struct type title = { .size = 16, .bold = true, .color = COLOR_TEXT };
    struct type none = { .size = 14, .align = ALIGN_CENTRE, .color = COLOR_SOFT };
    struct frame frame = { .left = PAGE_MARGIN + PANEL_GAP + (double)panel * (width + PANEL_GAP),
                           .top = PANEL_TOP,
                           .bottom = PANEL_BOTTOM };

    frame.right = frame.left + width;
    scene_text(scene, &title, frame.left, PANEL_TOP - 22, "%s", panels[panel].title);
    if (!axis_of(curves, panel, panels[panel].x, &frame.x) || !axis_of(curves, panel, panels[panel].y, &frame.y)) {
        scene_text(scene, &none, (frame.left + frame.right) / 2, (PANEL_TOP + PANEL_BOTTOM) / 2.0, "not measured yet");
        return;
    }
    frame_put(scene, &frame, panels[panel].x == DENSITY ? "sparsity" : "connections");
    for (size_t i = 0; i < curves->curve_count; i++)
        put_curve(scene, &frame, &curves->curves[i], panel);
    for (size_t i = 0; i < curves->run_count; i++)
        put_run(scene, &frame, &curves->runs[i], panel);
}

/* Only what the page has: [0] of what was built, [1] of what was trained. */
static void put_legend(struct scene *scene, const struct curves *curves)
{
    static const char *const names[] = { "built", "trained" };
    struct legend legend = legend_at(scene, PAGE_HEIGHT - 26);
    bool runs[2] = { false }, estimated[2] = { false }, guessed = false;

    for (size_t i = 0; i < curves->run_count; i++)
        runs[curves->runs[i].trained] = true;
    for (size_t i = 0; i < curves->curve_count; i++) {
        for (size_t k = 0; k < curves->curves[i].count; k++) {
            const struct curve_run *point = &curves->curves[i].points[k];

            estimated[point->trained] = true;
            guessed |=
                (point->seconds > 0 && point->seconds_guessed) || (point->accuracy >= 0 && point->accuracy_guessed);
        }
    }
    for (int i = 0; i < 2; i++) {
        struct stroke stroke = stroke_of(i, false);
        char text[CAPTION_MAX];

        if (runs[i])
            (i ? legend_dot : legend_ring)(&legend, i ? COLOR_DENSE : COLOR_LINE, names[i]);
        snprintf(text, sizeof text, "estimated when %s", names[i]);
        if (estimated[i])
            legend_path(&legend, &stroke, text);
    }
    if (guessed)
        legend_path(&legend, &(struct stroke){ .color = COLOR_SOFT, .width = 1.6, .dashed = true },
                    "from the shapes alone, or beyond all runs");
}

int draw_curves(const struct curves *curves, struct scene *out, struct reason *why)
{
    struct type head = { .size = 28, .bold = true, .color = COLOR_TEXT, .room = PAGE_WIDTH - 2.0 * PAGE_MARGIN };
    struct type line = { .size = 15, .color = COLOR_SOFT };
    size_t trained = 0;
    int result = scene_init(out);

    if (result)
        return refuse_errno(why, result, "picture");
    out->width = PAGE_WIDTH;
    out->height = PAGE_HEIGHT;
    for (size_t i = 0; i < curves->run_count; i++)
        trained += curves->runs[i].trained;
    scene_text(out, &head, PAGE_MARGIN, 62, "%s", curves->title);
    scene_text(out, &line, PAGE_MARGIN, 90, "%zu built, %zu trained here", curves->run_count - trained, trained);
    for (size_t i = 0; i < PANELS; i++)
        put_panel(out, curves, i);
    put_legend(out, curves);
    if (!out->failed)
        return 0;
    scene_deinit(out);
    return refuse_errno(why, -ENOMEM, "picture");
}
