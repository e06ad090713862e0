/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "daemon/models/routes.h"

uint32_t routes_find(const struct routes *routes, const char *name, size_t length)
{
    for (uint32_t place = 1; place < routes->count; place++) {
        const struct route *entry = &routes->entries[place];

        if (entry->instance && strlen(entry->name) == length && !memcmp(entry->name, name, length))
            return entry->number;
    }
    return ROUTE_NONE;
}

/* Of those that lead nowhere, and did not in the table before, the one that has for longest; NULL: they are not too
 * many to be remembered. */
static struct route *find_forgotten(const struct routes *routes)
{
    struct route *oldest = NULL;
    uint32_t gone = 0;

    for (uint32_t place = 1; place < routes->count; place++) {
        struct route *entry = &routes->entries[place];

        if (entry->instance || entry->led + 1 >= routes->table)
            continue;
        gone++;
        if (!oldest || entry->led < oldest->led)
            oldest = entry;
    }
    return gone >= ROUTES_GONE_MAX ? oldest : NULL;
}

static struct route *take_place(struct routes *routes)
{
    struct route *entry = find_forgotten(routes);

    if (entry) {
        const uint32_t number = entry->number + (1u << ROUTE_PLACE_BITS);

        *entry = (struct route){ .number = number };
        return entry;
    }
    insist(routes->count < 1u << ROUTE_PLACE_BITS, "%u", routes->count);
    entry = &routes->entries[routes->count];
    entry->number = routes->count++;
    return entry;
}

/* The one that this name had with this model, or a new one. */
static struct route *entry_of(struct routes *routes, const char *name, size_t length, const char *identity)
{
    struct route *entry;

    for (uint32_t place = 1; place < routes->count; place++) {
        entry = &routes->entries[place];
        if (strlen(entry->name) == length && !memcmp(entry->name, name, length) && !strcmp(entry->identity, identity))
            return entry;
    }
    insist(strlen(identity) < MODEL_IDENTITY_MAX);
    entry = take_place(routes);
    memcpy(entry->name, name, length);
    memcpy(entry->identity, identity, strlen(identity));
    return entry;
}

/* The first one to claim a name keeps it. */
static void add(struct routes *routes, const char *name, size_t length, const struct instance *instance)
{
    struct route *entry;

    if (!length || length >= MODEL_NAME_MAX || routes_find(routes, name, length) != ROUTE_NONE)
        return;
    entry = entry_of(routes, name, length, instance->model->identity);
    entry->instance = instance;
    entry->led = routes->table;
}

static void take_over(struct routes *routes, const struct routes *before)
{
    routes->count = before ? before->count : 1;
    routes->table = before ? before->table + 1 : 0;
    if (!before)
        return;
    insist(before->count > 0 && before->count <= 1u << ROUTE_PLACE_BITS, "%u", before->count);
    memcpy(routes->entries, before->entries, before->count * sizeof *routes->entries);
    for (uint32_t place = 1; place < routes->count; place++)
        routes->entries[place].instance = NULL;
}

/* In one table: each model, and its other half, with a name, a type and a modality; those that led somewhere in the one
 * before; and what is remembered besides. */
_Static_assert(2 * 2 * 3 * CONFIG_MODELS_MAX + ROUTES_GONE_MAX < 1 << ROUTE_PLACE_BITS, "a number has its place");

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
