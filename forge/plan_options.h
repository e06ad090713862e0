/* SPDX-License-Identifier: Apache-2.0
 *
 * --layers or --structure, --sparsity or --density, --method: the options that make a plan, shared by the verbs that
 * take them.
 */
#ifndef FORGE_PLAN_OPTIONS_H
#define FORGE_PLAN_OPTIONS_H

#include "base/options.h"
#include "forge/plan.h"

struct plan_options {
    const char *layers;
    const char *structure, *database;
    double sparsity, density;
    bool sparsity_given, density_given;
    const char *method;
};

/* Appends their rows, which refer to *options. */
void plan_option_rows(struct option_table *table, struct plan_options *options);

/* The structure that the options name; processing may be NULL. 0, or the exit status after saying why. */
int structure_from_options(const char *verb, const struct plan_options *options, const char *processing,
                           struct structure *out);

/* Judges the options and solves the plan for a network of that processing type. Returns 0, or the exit status after
 * saying why on stderr. `processing` NULL: the structure's own, or "raw". */
int plan_from_options(const char *verb, const struct plan_options *options, const char *processing, struct plan *out);

#endif
