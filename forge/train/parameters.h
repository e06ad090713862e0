/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores shaped like a model's trainable parameters: gradients, momentum, a copy of the best weights. Each is a
 * `struct gradient`, so that one walk over layers serves all of them.
 */
#ifndef FORGE_TRAIN_PARAMETERS_H
#define FORGE_TRAIN_PARAMETERS_H

#include "sparse/passes/backward.h"

/* One run of floats: a layer's connections or one of its vectors. */
struct parameter_run {
    float *values, *stored;
    uint64_t count;
    bool connections;
};

typedef void parameter_function(void *argument, const struct parameter_run *run);

/* Calls `function` for every run of parameters that the model and the store both have, in the order of layers. */
void parameters_walk(const struct model *model, const struct gradient *store, parameter_function *function,
                     void *argument);

void parameters_save(const struct model *model, struct gradient *store);
void parameters_load(const struct model *model, const struct gradient *store);
void parameters_zero(const struct model *model, struct gradient *store);
/* Bytes of one such store. */
uint64_t parameters_bytes(const struct model *model);

#endif
