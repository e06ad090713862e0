/* SPDX-License-Identifier: Apache-2.0
 *
 * A trained model goes from one rank to all: its values, and its connections, which training may have exchanged.
 */
#ifndef FORGE_EXPERIMENT_BROADCAST_H
#define FORGE_EXPERIMENT_BROADCAST_H

#include "forge/ranks/ranks.h"
#include "sparse/graph/model.h"

/* Everybody's `model` is of the same structure, with as many connections. -ENOMEM. */
int broadcast_model(const struct ranks *ranks, unsigned from, struct model *model, struct reason *why);

#endif
