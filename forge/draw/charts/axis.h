/* SPDX-License-Identifier: Apache-2.0
 *
 * An axis with round numbers around what is to be seen, and a frame of two of them.
 */
#ifndef FORGE_DRAW_CHARTS_AXIS_H
#define FORGE_DRAW_CHARTS_AXIS_H

#include <stddef.h>

#include "forge/draw/caption.h"
#include "forge/draw/scene.h"

enum { AXIS_TICKS_MAX = 8 };

/* Where a value is on an axis: at itself, at its decimal logarithm, or, of a density, at minus that. */
enum axis_scale { AXIS_EVEN, AXIS_LOGARITHM, AXIS_DENSITY };

/* Writes what stands at a tick, of which it is told the place. */
typedef void axis_text(double place, char out[CAPTION_MAX]);

struct axis {
    double min, max;
    double ticks[AXIS_TICKS_MAX];
    size_t count;
    axis_text *text;
};

/* Around places from min to max. */
void axis_choose(enum axis_scale scale, double min, double max, axis_text *text, struct axis *out);

/* Texts: the number as it is, with as many digits as it needs; of a logarithm, to three digits, or as "1.00 M". */
void axis_text_even(double place, char out[CAPTION_MAX]);
void axis_text_power(double place, char out[CAPTION_MAX]);
void axis_text_short(double place, char out[CAPTION_MAX]);

struct frame {
    double left, right, top, bottom;
    struct axis x, y;
};

struct point frame_point(const struct frame *frame, double x, double y);

/* The lines at the ticks, with their texts, and below what the x axis is. */
void frame_put(struct scene *scene, const struct frame *frame, const char *name);

#endif
