/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange of connections in all layers of a network that is trained: in each, the weakest give way to as many that
 * it had not. A connection takes along whatever there is one of for each; what is new begins at 0, and so does what an
 * optimiser remembers of it. A layer's number of connections stays, and what has just gone does not come back at once.
 *
 * Memory, a layer after the other: 16 bytes a connection of it, 28 a connection that is exchanged; by gradient a tile
 * besides (sparse/passes/backward.h).
 */
#ifndef FORGE_TRAIN_TOPOLOGY_REGROW_MODEL_H
#define FORGE_TRAIN_TOPOLOGY_REGROW_MODEL_H

#include "sparse/passes/backward.h"

enum { REGROW_ARRAYS_MAX = 8 };

struct regrow_model {
    struct model *model; /* owns its indices and values */
    const struct parameters *parameters;
    struct forward *forward;
    struct backward *backward;        /* after its run: to grow where the gradient is largest. NULL: at random */
    float *arrays[REGROW_ARRAYS_MAX]; /* with the parameters' index, moved along: the values among them */
    unsigned array_count;
    double fraction;
    uint64_t seed, stream; /* layer i draws from stream + i */
};

/* -ENOMEM; WISP_E_FORMAT as forward_reconnect(): the model is some way between, and cannot be trained on. */
int regrow_model(const struct regrow_model *regrow, struct reason *why);

/* Whether any layer has a place without a connection. */
bool regrow_model_has_room(const struct model *model);

#endif
