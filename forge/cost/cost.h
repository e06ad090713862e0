/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan will cost, computed from its shapes and counts: the file, the memory to serve and to train, the
 * operations. Nothing is measured here; seconds are what history is for (estimate.h).
 */
#ifndef FORGE_COST_COST_H
#define FORGE_COST_COST_H

#include <jansson.h>

#include "forge/plan/assemble.h"
#include "forge/plan/plan.h"

/* What is to be done with the network. Defaults as `wisp train` and the daemon have them. */
struct cost_setting {
    uint64_t samples; /* of an epoch */
    uint64_t batch;   /* when it is trained */
    uint64_t threads;
    uint64_t serve_batch; /* when it is served */
    uint64_t slots;       /* numbers a connection that the optimiser keeps */
    bool sparse_input;    /* samples are mostly 0, and taken so where the structure does */
};

#define COST_SETTING                                                                                                   \
    ((struct cost_setting){ .samples = 10000, .batch = 128, .threads = 2, .serve_batch = 32, .slots = 1 })

struct cost {
    uint64_t file_bytes;  /* exactly, as it is before training */
    uint64_t serve_bytes; /* weights in one format, vectors, activations of serve_batch */
    uint64_t train_bytes; /* weights, gradients, the optimiser's slots, the best epoch's copy, activations both ways: of
                             `batch`, or of the groups of it that run at a time */
    uint64_t neurons;     /* elements of all values of one sample, the input's too */
    double flops;         /* one forward pass of one sample; a multiply-add is two */
    double epoch_flops;   /* forward, and twice that back, for all samples */
};

/* Batch and slots as `wisp train` takes them for a processing type; "" leaves the defaults. */
void cost_setting_suit(struct cost_setting *setting, const char *processing);

/* The assembly tells what else is in the file; NULL: nothing. -ENOMEM, or as assemble_outline(). */
int cost_of_plan(const struct plan *plan, const struct assembly *assembly, const struct cost_setting *setting,
                 struct cost *out, struct reason *why);

/* Sum of the elements of all values of a structure that is planned. */
uint64_t cost_neurons(const struct structure *structure);

json_t *cost_json(const struct cost *cost, const struct cost_setting *setting); /* NULL: out of memory */

/* "1.25 MB", "3.1 G": thousands, four digits. */
void cost_text(double value, const char *unit, char *out, size_t size);

#endif
