/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "daemon/models/routes.h"

uint32_t routes_find(const struct routes *routes, const char *name, size_t length)
{
    for (uint32_t route = 1; route < routes->count; route++) {
        const struct route *entry = &routes->entries[route];

        if (entry->instance && strlen(entry->name) == length && !memcmp(entry->name, name, length))
            return route;
    }
    return ROUTE_NONE;
}

/* The number that this name had with this model, or a new one. */
static struct route *entry_of(struct routes *routes, const char *name, size_t length, const char *identity)
{
    struct route *entry;

    for (uint32_t route = 1; route < routes->count; route++) {
        entry = &routes->entries[route];
        if (strlen(entry->name) == length && !memcmp(entry->name, name, length) && !strcmp(entry->identity, identity))
            return entry;
    }
    entry = &routes->entries[routes->count++];
    memcpy(entry->name, name, length);
    memcpy(entry->identity, identity, strlen(identity));
    return entry;
}

/* The first one to claim a name keeps it. */
static void add(struct routes *routes, const char *name, size_t length, const struct instance *instance)
{
    if (length && length < MODEL_NAME_MAX && routes_find(routes, name, length) == ROUTE_NONE)
        entry_of(routes, name, length, instance->model->identity)->instance = instance;
}

static void take_over(struct routes *routes, const struct routes *before)
{
    routes->count = 1;
    for (uint32_t route = 1; before && route < before->count; route++) {
        routes->entries[route] = before->entries[route];
        routes->entries[route].instance = NULL;
        routes->count++;
    }
}

int routes_make(struct routes *routes, const struct instance *models, uint32_t count, const struct routes *before)
{
    routes->entries = calloc((before ? before->count : 1) + 3 * (size_t)count, sizeof *routes->entries);
    if (!routes->entries)
        return -ENOMEM;
    take_over(routes, before);
    for (uint32_t i = 0; i < count; i++)
        add(routes, models[i].name, strlen(models[i].name), &models[i]);
    /* Processing types, then modalities; at each step those that are preferred come first. */
    for (int step = 0; step < 4; step++) {
        for (uint32_t i = 0; i < count; i++) {
            const char *processing = models[i].processing;
            size_t length = step < 2 ? strlen(processing) : strcspn(processing, ".");

            if (models[i].preferred == !(step & 1))
                add(routes, processing, length, &models[i]);
        }
    }
    return 0;
}

void routes_deinit(struct routes *routes)
{
    free(routes->entries);
    *routes = (struct routes){ .entries = NULL };
}
