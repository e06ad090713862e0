/* SPDX-License-Identifier: Apache-2.0
 *
 * The pictures of `wisp structure show`: which are wanted, and of what.
 */
#ifndef FORGE_VERBS_STRUCTURE_PICTURE_H
#define FORGE_VERBS_STRUCTURE_PICTURE_H

#include <stdio.h>

#include "base/options.h"
#include "forge/verbs/plan_options.h"

struct picture_options {
    const char *files[3]; /* by enum picture_format; NULL: not that */
    bool matrix, curves;
    uint64_t seed;
};

/* Appends their rows, which refer to *options. */
void picture_option_rows(struct option_table *table, struct picture_options *options);

/* Whether a picture is asked for. */
bool pictures_wanted(const struct picture_options *options);

/* Draws a structure, or the model file that --structure or the operand names; or the history. The exit status. */
int pictures_make(const char *verb, const struct plan_options *plan, const struct picture_options *options);
int curves_make(const char *verb, const struct plan_options *plan, const struct picture_options *options);

/* Writes a page to each file that is asked for. */
struct scene;
int pictures_write(const struct scene *scene, const struct picture_options *options, struct reason *why);

/* The drawing for a terminal: of the connections that seed 1 gets; of the dense network, without them. */
void drawing_of_plan(const struct plan *plan, FILE *to);
void drawing_of_structure(const struct structure *structure, FILE *to);

#endif
