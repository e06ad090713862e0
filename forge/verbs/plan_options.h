/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that make a plan, shared by the verbs that take them: --layers or --structure; one of --sparsity,
 * --density, --max-bytes, --max-flops and --min-accuracy; --method and the densities of single layers.
 */
#ifndef FORGE_VERBS_PLAN_OPTIONS_H
#define FORGE_VERBS_PLAN_OPTIONS_H

#include "base/options.h"
#include "forge/plan/plan.h"

struct assembly;

struct plan_options {
    const char *layers;
    const char *structure, *database;
    double sparsity, density;
    bool sparsity_given, density_given;
    const char *method, *granularity;
    const char *fixed;                /* a density for each layer */
    struct option_list layer_density; /* LAYER=D */
    const char *max_bytes, *budget, *max_flops;
    double min_accuracy;
    bool min_accuracy_given;
    bool edges_given; /* the connections of some layers are: of all, when nothing says how many others there are */
};

/* Appends their rows, which refer to *options. */
void plan_option_rows(struct option_table *table, struct plan_options *options);

/* The structure that the options name; processing may be NULL. 0, or the exit status after saying why. */
int structure_from_options(const char *verb, const struct plan_options *options, const char *processing,
                           struct structure *out);

/* Checks the options and solves the plan for a network of that processing type. Returns 0, or the exit status after
 * saying why on stderr. `processing` NULL: the structure's own, or "raw". */
int plan_from_options(const char *verb, const struct plan_options *options, const char *processing, struct plan *out);

/* Whether the options say how many connections there are to be: 0, or the exit status after saying what is missing or
 * said twice. */
int plan_options_check(const char *verb, const struct plan_options *options);

/* The same from the structure on, which it takes over on success and on failure alike. The assembly (may be NULL) tells
 * what else is in the file, and which connections are given; `sampling` (may be NULL), how the others are drawn. */
int plan_from_structure(const char *verb, const struct plan_options *options, struct structure *structure,
                        const struct assembly *assembly, const struct sampling *sampling, struct plan *out);

#endif
