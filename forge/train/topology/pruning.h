/* SPDX-License-Identifier: Apache-2.0
 *
 * Pruning at initialisation, from a network that is built with more connections than are wanted, as a rule with all:
 *
 *   snip        keeps those whose product of weight and gradient is the largest, over all layers (Lee et al. 2019)
 *   snip-ratio  keeps as many a layer as that, drawn anew at random (Liu et al. 2022)
 */
#ifndef FORGE_TRAIN_TOPOLOGY_PRUNING_H
#define FORGE_TRAIN_TOPOLOGY_PRUNING_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

enum pruning_method { PRUNING_NONE, PRUNING_SNIP, PRUNING_SNIP_RATIO };

struct pruning {
    enum pruning_method method;
    double sparsity;  /* of all potential connections, those that are not kept */
    uint64_t batches; /* that the gradient is of */
};

/* "snip=0.9", "snip-ratio=0.9,batches=4". WISP_E_INVALID, and says what there is. */
int pruning_parse(const char *text, struct pruning *out, struct reason *why);

/* New reference; NULL: out of memory. */
json_t *pruning_json(const struct pruning *pruning);

#endif
