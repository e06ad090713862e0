/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/draw/charts/axis.h"

/* Round numbers: of each step so many places, within a step of so long. Even axes have one a step; of a logarithm the
 * places are those of round sizes, or, of a density, of round densities. Finer ones last. */
struct steps {
    double step;
    double places[10];
    size_t count;
};

static const struct steps log_steps[] = {
    { 10, { 0 }, 1 },
    { 5, { 0 }, 1 },
    { 3, { 0 }, 1 },
    { 2, { 0 }, 1 },
    { 1, { 0 }, 1 },
    { 1, { 0, 0.4771213 }, 2 },
    { 1, { 0, 0.3010300, 0.6989700 }, 3 },
    { 1, { 0, 0.0791812, 0.1760913, 0.3010300, 0.3979400, 0.4771213, 0.6020600, 0.6989700, 0.7781513, 0.9030900 }, 10 }
};

/* Even steps are 5, 2 and 1 times a power of ten; finer than these thousandths only where values differ by as much. */
enum { EVEN_FIRST = 12, EVEN_LAST = -6 };
#define EVEN_FINE 0.001

/* Tick number `i` from a step on; of a density, which falls as its place rises, mirrored. */
static double tick_at(const struct steps *steps, double first, size_t i, bool mirrored)
{
    size_t turns = i / steps->count, place = i % steps->count;
    double step = first + (double)turns;

    return mirrored ? (step + 1) * steps->step - steps->places[steps->count - 1 - place]
                    : step * steps->step + steps->places[place];
}

/* The ticks from the last at or before `min` to the first at or after `max`; they stay as they were when these are too
 * many. */
static void take_ticks(const struct steps *steps, bool mirrored, double min, double max, struct axis *out)
{
    const double hair = 1e-6 * steps->step, first = floor((min + hair) / steps->step) - 1;
    double ticks[AXIS_TICKS_MAX];
    size_t count = 0;

    for (size_t i = 0; count < AXIS_TICKS_MAX; i++) {
        double tick = tick_at(steps, first, i, mirrored);

        if (tick <= min + hair)
            count = 0;
        ticks[count++] = tick;
        if (count > 1 && tick >= max - hair) {
            memcpy(out->ticks, ticks, sizeof ticks);
            out->count = count;
            return;
        }
    }
}

void axis_choose(enum axis_scale scale, double min, double max, axis_text *text, struct axis *out)
{
    static const double fives[] = { 5, 2, 1 };

    *out = (struct axis){ .text = text };
    for (int power = EVEN_FIRST; scale == AXIS_EVEN && power >= EVEN_LAST; power--) {
        for (size_t i = 0; i < ARRAY_SIZE(fives); i++) {
            const struct steps steps = { fives[i] * pow(10, power), { 0 }, 1 };

            if (steps.step > 0.9 * EVEN_FINE || steps.step <= max - min)
                take_ticks(&steps, false, min, max, out);
        }
    }
    for (size_t i = 0; scale != AXIS_EVEN && i < ARRAY_SIZE(log_steps); i++)
        take_ticks(&log_steps[i], scale == AXIS_DENSITY, min, max, out);
    out->min = out->ticks[0];
    out->max = out->ticks[out->count - 1];
}

void axis_text_even(double place, char out[CAPTION_MAX])
{
    snprintf(out, CAPTION_MAX, "%.9f", place);
    while (strchr(out, '.') && (out[strlen(out) - 1] == '0' || out[strlen(out) - 1] == '.'))
        out[strlen(out) - 1] = 0;
}

void axis_text_power(double place, char out[CAPTION_MAX])
{
    snprintf(out, CAPTION_MAX, "%.3g", pow(10, place));
}

void axis_text_short(double place, char out[CAPTION_MAX])
{
    caption_short(pow(10, place), out);
}

static double part_of(const struct axis *axis, double place)
{
    return (place - axis->min) / (axis->max - axis->min);
}

struct point frame_point(const struct frame *frame, double x, double y)
{
    return (struct point){ frame->left + part_of(&frame->x, x) * (frame->right - frame->left),
                           frame->bottom - part_of(&frame->y, y) * (frame->bottom - frame->top) };
}

void frame_put(struct scene *scene, const struct frame *frame, const char *name)
{
    struct type number = { .size = 11.5, .align = ALIGN_CENTRE, .color = COLOR_SOFT };
    struct type title = { .size = 13, .align = ALIGN_CENTRE, .color = COLOR_SOFT };
    char text[CAPTION_MAX];

    for (size_t i = 0; i < frame->x.count; i++) {
        double x = frame_point(frame, frame->x.ticks[i], frame->y.min).x;

        scene_line(scene, COLOR_FAINT, x, frame->top, x, frame->bottom, 0.8, 1);
        frame->x.text(frame->x.ticks[i], text);
        scene_text(scene, &number, x, frame->bottom + 20, "%s", text);
    }
    number.align = ALIGN_RIGHT;
    for (size_t i = 0; i < frame->y.count; i++) {
        double y = frame_point(frame, frame->x.min, frame->y.ticks[i]).y;

        scene_line(scene, COLOR_FAINT, frame->left, y, frame->right, y, 0.8, 1);
        frame->y.text(frame->y.ticks[i], text);
        scene_text(scene, &number, frame->left - 8, y + 4, "%s", text);
    }
    scene_text(scene, &title, (frame->left + frame->right) / 2, frame->bottom + 44, "%s", name);
}
