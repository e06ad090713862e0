/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of models that are served together, and the routes that lead to them.
 *
 * Immutable once it has been loaded; counted, so that it lasts as long as a shard has requests in it. The control
 * thread answers questions from the current one, and is the only one that counts sets; engines count by themselves.
 */
#ifndef DAEMON_MODELS_H
#define DAEMON_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "config/config.h"
#include "daemon/models/routes.h"
#include "daemon/schedule/policy.h"

struct model_set {
    uint32_t holders; /* the control thread counts, and nobody else */
    const struct kernels *kernels;
    struct instance *models;
    uint32_t model_count;
    struct routes routes;
    uint32_t batch_max;       /* of all models */
    uint32_t rows_max;        /* of one request */
    struct policies policies; /* what users may have of it */
};

/* Reads, packs and warms every model of the configuration, but for what the set before has of the same file, which is
 * shared. WISP_E_CONFIG for what the configuration says wrong, WISP_E_FORMAT for a damaged file: each is logged, with
 * where it stands, and goes to `errors` (may be NULL) as a line; the reason sums them up. -ENOMEM. The caller holds it;
 * any thread, while somebody holds the set before. */
int model_set_load(const struct config *config, const struct model_set *before, FILE *errors, struct model_set **out,
                   struct reason *why);

/* One more holder, which it returns the set for; one less, and with the last one it goes. Both accept NULL. */
struct model_set *model_set_hold(struct model_set *set);
struct model_set *model_set_release(struct model_set *set); /* returns NULL */

/* The route of a name of `length` bytes; ROUTE_NONE. */
static inline uint32_t model_set_find(const struct model_set *set, const char *name, size_t length)
{
    return routes_find(&set->routes, name, length);
}

/* The model that a route leads to; NULL: it leads nowhere. */
static inline const struct instance *model_set_route(const struct model_set *set, uint32_t route)
{
    const struct route *entry = routes_at(&set->routes, route);

    return entry ? entry->instance : NULL;
}

/* Why a route leads nowhere: WISP_E_CHANGED where another model stands behind its name now, else WISP_E_NO_MODEL. */
int model_set_missing(const struct model_set *set, uint32_t route);

#endif
