/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients are told of a model, as JSON (docs/protocol.md): all but a few counters is the same for ever, so it is
 * made once, with the set. No path, no address.
 */
#ifndef DAEMON_MODELS_DESCRIBE_H
#define DAEMON_MODELS_DESCRIBE_H

#include "daemon/models/instance.h"

/* Makes instance->summary and instance->full, the latter with its labels if that fits a reply: objects that still lack
 * their counters and the closing brace. `rows_max`: of one request. -ENOMEM. */
int instance_describe(struct instance *instance, const struct kernels *kernels, uint32_t rows_max);

#endif
