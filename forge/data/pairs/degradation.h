/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes a network's input of a clean picture, its target; or of a picture, its input, the target. One table, a row
 * a degradation:
 *   none          the picture itself, in the channels of the input
 *   noise=S       normal noise of deviation S, of 255; neither rounded nor cut off
 *   dark=F        255 F (x / 255)^1.4 and noise of deviation 3, as bytes: a photograph that was underexposed
 *   small=N       an Nth as wide and high, by the bicubic filter (a = -0.5) widened N times
 *   drawing=T     255 where the gradient (Sobel) of the grey picture, of 1, is longer than T, else 0
 *   oil=R         of the input the target: painted by a brush of R pixels, with dark lines along edges (paint.c)
 * What follows from the whole picture is made once; noise with every tile, anew.
 */
#ifndef FORGE_DATA_PAIRS_DEGRADATION_H
#define FORGE_DATA_PAIRS_DEGRADATION_H

#include <stdbool.h>

#include "base/error.h"
#include "media/spec/media.h"

/* What becomes of a byte, in numbers of 0 to 255, and what is added. */
struct noise {
    float levels[256];
    float deviation;
    bool rounded; /* to a byte again */
};

struct degradation {
    const char *name;
    double min, max; /* of the amount; 0, 0: there is none */
    /* One of them, or none. *out has room for the picture, and its channels; -ENOMEM. */
    void (*noise)(double amount, struct noise *out);
    int (*whole)(double amount, const struct media_picture *clean, struct media_picture *out);
    bool shrinks;   /* by the amount */
    bool counts;    /* the amount is a whole number */
    bool of_target; /* the picture is the input, and this makes the target of it */
};

/* With its amount. */
struct degrading {
    const struct degradation *degradation; /* NULL: nothing */
    double amount;
};

/* "noise=25". WISP_E_INVALID, and says what there is. */
int degradation_parse(const char *text, struct degrading *out, struct reason *why);

/* How many times as wide and high as its input a target is. */
uint32_t degradation_scale(const struct degrading *degrading);

/* An Nth of the picture, whose last rows and columns are left out where it is no multiple. -ENOMEM. */
int picture_shrink(const struct media_picture *in, uint32_t factor, struct media_picture *out);

/* Painted with a brush of so many pixels, and with dark lines (paint.c), of 1 or 3 channels. -ENOMEM. */
int picture_paint(const struct media_picture *in, uint32_t radius, struct media_picture *out);

#endif
