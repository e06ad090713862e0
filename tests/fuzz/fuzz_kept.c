/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon before has left: the input is taken for the head of a journal, and for a table of routes. What is
 * accepted must be what the daemon relies on; anything else aborts.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/models/routes_file.h"
#include "daemon/service/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void try_journal(const uint8_t *data, size_t size)
{
    struct wire_layout layout;
    struct reason why = { "" };
    struct journal copy;

    if (size < sizeof copy)
        return;
    memcpy(&copy, data, sizeof copy);
    copy.request_size = sizeof(struct request); /* so that it comes further */
    if (journal_check(&copy, journal_size(copy.welcome.entries % (2 * WIRE_ENTRIES_MAX)), &layout, &why)) {
        must(why.text[0] != 0);
        return;
    }
    must(layout.entries >= WIRE_ENTRIES_MIN && layout.entries <= WIRE_ENTRIES_MAX);
    must(!(layout.entries & (layout.entries - 1)) && layout.entries == copy.welcome.entries);
    must(layout.request_arena <= WIRE_ARENA_MAX && layout.response_arena <= WIRE_ARENA_MAX);
    must(strnlen(copy.name, sizeof copy.name) < sizeof copy.name && !copy.asking);
}

static void try_routes(const uint8_t *data, size_t size)
{
    struct routes routes;
    struct reason why = { "" };

    if (routes_parse(&routes, data, size, &why)) {
        must(why.text[0] != 0 && !routes.entries);
        return;
    }
    for (uint32_t place = 0; place < routes.count; place++) {
        const struct route *entry = &routes.entries[place];

        must(!entry->instance && strnlen(entry->name, sizeof entry->name) < sizeof entry->name);
        must(strnlen(entry->identity, sizeof entry->identity) < sizeof entry->identity);
        must(!place || routes_at(&routes, entry->number) == entry);
    }
    routes_deinit(&routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_journal(data, size);
    try_routes(data, size);
    return 0;
}
