/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes: the numbers that clients put into their submissions, and the models that they lead to.
 *
 * A client gets a number for a name (WIRE_DESCRIBE). There is one for each model's name, each processing type and each
 * modality, in this order of precedence; of several models with one processing type, the one marked `default: true`
 * answers for it, or else the one that stands first. Number 0 leads nowhere, so that a zeroed submission is refused.
 *
 * A number stands for a name and the identity of the model behind it: a table takes over the numbers of the one
 * before. So who knows a model keeps its number when others change, and a number never leads to another model than the
 * client has found. Of those that lead nowhere any more the latest ROUTES_GONE_MAX, and those of the table before, are
 * remembered, so that a daemon whose models change for years does not grow. A number is a place in the table and how
 * often that has been given away: it comes again after 65,536 times, of a place that each time was the one that had led
 * nowhere for longest.
 */
#ifndef DAEMON_MODELS_ROUTES_H
#define DAEMON_MODELS_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/models/instance.h"

#define ROUTE_NONE 0

enum { ROUTES_GONE_MAX = 1024, ROUTE_PLACE_BITS = 16 };

struct route {
    char name[MODEL_NAME_MAX];
    char identity[MODEL_IDENTITY_MAX];
    const struct instance *instance; /* NULL: no longer, or not now, */
    uint32_t led;                    /* since after this table */
    uint32_t number;
};

struct routes {
    struct route *entries; /* by place; [0] leads nowhere */
    uint32_t count;
    uint32_t table; /* how many there have been before */
};

/* `before`: the table to take numbers over from; NULL: none. -ENOMEM. */
int routes_make(struct routes *routes, const struct instance *models, uint32_t count, const struct routes *before);
void routes_deinit(struct routes *routes);

/* What a number stands for; NULL: nothing, or nothing that is remembered. */
static inline const struct route *routes_at(const struct routes *routes, uint32_t number)
{
    const uint32_t place = number & ((1u << ROUTE_PLACE_BITS) - 1);

    return place < routes->count && routes->entries[place].number == number ? &routes->entries[place] : NULL;
}

/* The number of a name of `length` bytes that leads to a model; ROUTE_NONE. */
uint32_t routes_find(const struct routes *routes, const char *name, size_t length);

#endif
