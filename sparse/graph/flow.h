/* SPDX-License-Identifier: Apache-2.0
 *
 * What can flow through a sparse network: how many of its inputs lead to an output, along connections, and how many of
 * its outputs are reached from an input. What reaches nothing has no say, and what is not reached always says the same.
 *
 * Followed are the channels of each value (the neurons of a vector), not positions: a channel of a picture counts as
 * one. The input's elements count one by one where linear layers read them. Kinds that mix their channels pass
 * everything on. So a way that is there is always found.
 */
#ifndef SPARSE_GRAPH_FLOW_H
#define SPARSE_GRAPH_FLOW_H

#include <stdbool.h>

#include "sparse/graph/model.h"

struct flow {
    uint64_t inputs, leading;             /* and how many of them lead to an output */
    uint64_t outputs, reached;            /* and how many of them an input reaches */
    bool input_channels, output_channels; /* what is counted are channels, not elements */
};

/* Whether it is worth a warning: nothing passes, or outputs always say the same, or most inputs have no say. */
static inline bool flow_is_poor(const struct flow *flow)
{
    return flow->reached < flow->outputs || 2 * flow->leading < flow->inputs;
}

/* "9 of 784 inputs lead to an output, and 5 of 10 outputs are reached from an input" */
void flow_text(const struct flow *flow, char *text, size_t size);

/* Of a model that was checked. Looks at each connection once at most. -ENOMEM. */
int flow_count(const struct model *model, struct flow *out);

#endif
