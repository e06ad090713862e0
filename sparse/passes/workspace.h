/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass keeps for its layers beside their values: the room that each asked for in prepare().
 *
 * One block of memory: scratch, which every layer has in its turn and which is as large as the greediest wants; a
 * scratch area for each thread of the pool, likewise; and what each layer saves on the way forward for its way back.
 */
#ifndef SPARSE_PASSES_WORKSPACE_H
#define SPARSE_PASSES_WORKSPACE_H

#include "sparse/graph/model.h"
#include "sparse/layers/layer.h"

struct workspace {
    uint64_t scratch, scratch_part; /* bytes, multiples of CACHE_LINE */
    uint64_t *saved_at;             /* by layer: where in memory; a layer that saves nothing has its end */
    uint64_t *gathered;             /* by layer: bytes that it gathers */
    uint64_t bytes;                 /* in all */
    unsigned char *memory;
};

struct workspace_setup {
    const struct model *model; /* checked; its weights may be missing */
    enum layer_mode mode;
    size_t batch;
    unsigned parts;
    bool sparse_input;   /* the model's input comes as vectors */
    bool input_gradient; /* the model's inputs have a gradient, as any value */
    const bool *values;  /* by value: whose layers run; NULL: all */
    uint32_t length;     /* of steps: positions of a sequence at most */
};

#define WORKSPACE_NULL ((struct workspace){ .memory = NULL })

/* Asks every layer. -ENOMEM; WISP_E_FORMAT from a kind. */
int workspace_measure(const struct workspace_setup *setup, struct workspace *out, struct reason *why);
/* Makes the memory of a workspace that was measured. -ENOMEM. */
int workspace_allocate(struct workspace *workspace);
void workspace_deinit(struct workspace *workspace); /* leaves WORKSPACE_NULL; idempotent */

/* Lends a layer its areas for one call; those of the part by workspace_lend_part(). */
void workspace_lend(const struct workspace *workspace, uint32_t layer, struct layer_run *run);
void workspace_lend_part(const struct workspace *workspace, struct layer_run *run);

#endif
