/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes: the numbers that clients put into their submissions, and the models that they lead to.
 *
 * A client gets a number for a name (WIRE_DESCRIBE). There is one for each model's name, each processing type and each
 * modality, in this order of precedence; of several models with one processing type, the one marked `default: true`
 * answers for it, or else the one that stands first. Number 0 leads nowhere, so that a zeroed submission is refused.
 *
 * A number stands for a name and the identity of the model behind it, for as long as the daemon runs: a table takes
 * over the numbers of the one before. So who knows a model keeps its number when others change, and a number never
 * leads to another model than the client has found.
 */
#ifndef DAEMON_MODELS_ROUTES_H
#define DAEMON_MODELS_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/models/instance.h"

#define ROUTE_NONE 0

struct route {
    char name[MODEL_NAME_MAX];
    char identity[MODEL_IDENTITY_MAX];
    const struct instance *instance; /* NULL: no longer, or not now */
};

struct routes {
    struct route *entries; /* [0] leads nowhere */
    uint32_t count;
};

/* `before`: the table to take numbers over from; NULL: none. -ENOMEM. */
int routes_make(struct routes *routes, const struct instance *models, uint32_t count, const struct routes *before);
void routes_deinit(struct routes *routes);

/* The number of a name of `length` bytes that leads to a model; ROUTE_NONE. */
uint32_t routes_find(const struct routes *routes, const char *name, size_t length);

#endif
