/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that are served, and the routes that lead to them.
 *
 * A route is a number that a client gets for a name (WIRE_DESCRIBE) and puts into its submissions. There is one for
 * each model's name, each processing type and each modality, in this order of precedence; of several models with one
 * processing type, the one marked `default: true` answers for it, or else the one that stands first. Route 0 leads
 * nowhere, so that a zeroed submission is refused.
 *
 * Loaded once at start, before any client; immutable afterwards.
 */
#ifndef DAEMON_MODELS_H
#define DAEMON_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "daemon/models/instance.h"

#define ROUTE_NONE 0

struct route {
    char name[MODEL_NAME_MAX];
    uint32_t model;
};

struct model_set {
    uint32_t holders; /* the control thread counts, and nobody else */
    const struct kernels *kernels;
    struct instance *models;
    uint32_t model_count;
    struct route *routes; /* [0] leads nowhere */
    uint32_t route_count;
    uint32_t batch_max; /* of all models */
    uint32_t rows_max;  /* of one request */
};

/* Reads, packs and warms every model of the configuration. WISP_E_CONFIG for what the configuration says wrong,
 * WISP_E_FORMAT for a damaged file: each is logged, with where it stands, and the reason sums them up. -ENOMEM. The
 * caller holds it. */
int model_set_load(const struct config *config, struct model_set **out, struct reason *why);

/* One more holder, which it returns the set for; one less, and with the last one it goes. Both accept NULL. */
struct model_set *model_set_hold(struct model_set *set);
struct model_set *model_set_release(struct model_set *set); /* returns NULL */

/* The route of a name of `length` bytes; ROUTE_NONE. */
uint32_t model_set_find(const struct model_set *set, const char *name, size_t length);

/* The model that a route leads to; NULL for a number that no client was given. */
static inline const struct instance *model_set_route(const struct model_set *set, uint32_t route)
{
    if (route == ROUTE_NONE || route >= set->route_count)
        return NULL;
    return &set->models[set->routes[route].model];
}

#endif
