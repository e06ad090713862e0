/* SPDX-License-Identifier: Apache-2.0
 *
 * A network through which nothing passes can learn nothing and always says the same.
 */
#ifndef FORGE_VERBS_FLOW_CHECK_H
#define FORGE_VERBS_FLOW_CHECK_H

#include "sparse/graph/flow.h"
#include "sparse/graph/model.h"

/* What passes through a network that was sampled, and a warning where that is little. 0, or the exit status after
 * saying why: nothing does, and it is not forced. */
int flow_check(const char *verb, const struct model *model, bool force, struct flow *flow);

#endif
