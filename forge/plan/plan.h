/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan: a structure and a density, solved: how many connections each weighted layer gets, and what that weighs.
 * Nothing is sampled yet; the same plan with another seed is another network.
 */
#ifndef FORGE_PLAN_PLAN_H
#define FORGE_PLAN_PLAN_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "forge/plan/sampling.h"
#include "sparse/construct/density.h"
#include "sparse/graph/structure.h"

/* What one plan is solved for. The arrays have an entry for each weighted layer, or are NULL. */
struct plan_wish {
    enum density_method method;
    double density;         /* not looked at for DENSITY_FIXED */
    const double *given;    /* densities that are given; 0: not given */
    const uint64_t *counts; /* connections that somebody has chosen already; 0: they are to be sampled */
    struct sampling sampling;
};

struct plan_layer {
    uint32_t place; /* in structure.layers */
    struct density_layer density;
    bool chosen; /* its connections are not sampled: somebody gave them */
};

/* What the density was chosen for. */
enum plan_budget { BUDGET_NONE, BUDGET_FILE, BUDGET_MEMORY, BUDGET_FLOPS };

struct plan {
    struct structure structure;
    enum density_method method;
    struct sampling sampling;
    double density;
    double sigma;              /* +infinity when every layer is fully connected */
    struct plan_layer *layers; /* the weighted ones */
    uint32_t layer_count;
    uint64_t potential, connections;
    uint64_t bytes; /* of all weights and vectors, in memory as in the file */
    enum plan_budget budget;
    double budget_limit;
};

#define PLAN_NULL ((struct plan){ .layers = NULL })

/* Takes the structure over, on success only. WISP_E_INVALID, WISP_E_FORMAT, -ENOMEM. */
int plan_solve(struct structure *structure, enum density_method method, double density, struct plan *out,
               struct reason *why);
/* The same with all that can be wished for. */
int plan_solve_wish(struct structure *structure, const struct plan_wish *wish, struct plan *out, struct reason *why);
void plan_deinit(struct plan *plan); /* idempotent */

/* A plan that is not solved yet; takes the structure over, on success only. */
int plan_prepare(struct structure *structure, struct plan *out, struct reason *why);

/* Solves it, or solves it anew for another density, in place. *beyond tells why it was refused: -1 the density is less,
 * +1 it is more than the given layers allow, 0 something else. */
int plan_again(struct plan *plan, const struct plan_wish *wish, int *beyond, struct reason *why);

/* Puts the counts of a model that was built from the plan in place of the planned ones. */
void plan_realise(struct plan *plan, const struct model *model);

/* The structure in one word: "784-1000-10" for a perceptron, its name or its hash for others. The caller frees it. */
char *plan_structure_text(const struct plan *plan);

/* Bytes of a weighted layer: values, column indices, row starts, vectors. */
uint64_t plan_layer_bytes(const struct plan *plan, uint32_t layer);
bool plan_layer_is_dense(const struct plan *plan, uint32_t layer);
/* Floating-point operations of one forward pass of one sample: two a multiply-add. */
double plan_flops(const struct plan *plan);
/* What one connection of a weighted layer adds to what a budget counts. */
double plan_connection_cost(const struct plan *plan, uint32_t layer, enum plan_budget budget);
const char *plan_budget_name(enum plan_budget budget); /* "file", "memory", "flops" */
const char *plan_budget_unit(enum plan_budget budget); /* "bytes of file", … */

/* The table for people, and {"sigma", "sparsity", …, "layers": […]} for programs (a new reference; NULL: no memory). */
void plan_print(const struct plan *plan, FILE *to);
/* Adds how it samples and what its density was chosen for. */
void plan_describe(const struct plan *plan, json_t *object);
json_t *plan_json(const struct plan *plan);

#endif
