/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan: a structure and a density, solved: how many connections each weighted layer gets, and what that weighs.
 * Nothing is sampled yet; the same plan with another seed is another network.
 */
#ifndef FORGE_PLAN_H
#define FORGE_PLAN_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "sparse/density.h"
#include "sparse/structure.h"

struct plan {
    struct structure structure;
    enum density_method method;
    double density;
    double sigma; /* +infinity when every layer is fully connected */
    struct {
        uint32_t place; /* in structure.layers */
        struct density_layer density;
    } * layers; /* the weighted ones */
    uint32_t layer_count;
    uint64_t potential, connections;
    uint64_t bytes; /* of all weights and vectors, in memory as in the file */
};

#define PLAN_NULL ((struct plan){ .layers = NULL })

/* Takes the structure over, on success only. WISP_E_INVALID, WISP_E_FORMAT, -ENOMEM. */
int plan_solve(struct structure *structure, enum density_method method, double density, struct plan *out,
               struct reason *why);
void plan_deinit(struct plan *plan); /* idempotent */

/* The structure in one word: "784-1000-10" for a perceptron, its name or its hash for others. The caller frees it. */
char *plan_structure_text(const struct plan *plan);

/* Bytes of a weighted layer: values, column indices, row starts, vectors. */
uint64_t plan_layer_bytes(const struct plan *plan, uint32_t layer);
bool plan_layer_is_dense(const struct plan *plan, uint32_t layer);

/* The table for people, and {"sigma", "sparsity", …, "layers": […]} for programs (a new reference; NULL: no memory). */
void plan_print(const struct plan *plan, FILE *to);
json_t *plan_json(const struct plan *plan);

#endif
