/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps the connections of a network that matter most, by |gradient * weight|, over all layers together. Memory beside
 * the network's: 12 bytes a connection that is kept.
 */
#ifndef FORGE_TRAIN_TOPOLOGY_PRUNE_MODEL_H
#define FORGE_TRAIN_TOPOLOGY_PRUNE_MODEL_H

#include "sparse/graph/parameters.h"

/* `gradient` has the index of the parameters, which the model has as many of. Of equal connections the first are kept;
 * each keeps its weight. WISP_E_INVALID, and nothing has changed: there are no more than `keep`, or a layer would have
 * none. -ENOMEM: a layer may have fewer by now. */
int prune_model(struct model *model, const struct parameters *parameters, const float *gradient, uint64_t keep,
                struct reason *why);

#endif
