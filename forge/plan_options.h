/* SPDX-License-Identifier: Apache-2.0
 *
 * --layers, --sparsity or --density, --method: the options that make a plan, shared by the verbs that take them.
 */
#ifndef FORGE_PLAN_OPTIONS_H
#define FORGE_PLAN_OPTIONS_H

#include "base/options.h"
#include "forge/plan.h"

struct plan_options {
    const char *layers;
    double sparsity, density;
    bool sparsity_given, density_given;
    const char *method;
};

/* Appends their rows, which refer to *options. */
void plan_option_rows(struct option_table *table, struct plan_options *options);

/* Judges the options and solves the plan for a network of that processing type. Returns 0, or the exit status after
 * saying why on stderr. */
int plan_from_options(const char *verb, const struct plan_options *options, const char *processing, struct plan *out);

#endif
