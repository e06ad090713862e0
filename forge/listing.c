/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "forge/listing.h"

json_t *listing_entry(const struct store_structure *entry)
{
    return json_pack("{s:s s:s s:s s:I s:I s:I s:s}", "name", entry->name, "processing", entry->processing, "network",
                     entry->network, "depth", (json_int_t)entry->depth, "layers", (json_int_t)entry->layers,
                     "potential", (json_int_t)entry->potential, "hash", entry->hash);
}

static int add_entry(void *array, const struct store_structure *entry)
{
    return json_array_append_new(array, listing_entry(entry)) ? -ENOMEM : 0;
}

int listing_make(struct store *store, const struct store_query *query, json_t **out, struct reason *why)
{
    json_t *array = json_array();
    int result = array ? store_list(store, query, add_entry, array, why) : -ENOMEM;

    if (result == -ENOMEM)
        refuse_errno(why, -ENOMEM, "the listing");
    if (result)
        json_decref(array);
    else
        *out = array;
    return result;
}

bool listing_depths(const char *text, struct store_query *query)
{
    char least[24];
    const char *dash = strchr(text, '-');
    uint64_t a, b = 0;

    snprintf(least, sizeof least, "%.*s", (int)(dash ? dash - text : 20), text);
    if (!parse_count(least, &a) || (dash && dash[1] && !parse_count(dash + 1, &b)) || a > UINT32_MAX || b > UINT32_MAX)
        return false;
    query->depth_least = (uint32_t)a;
    query->depth_most = dash ? (uint32_t)b : (uint32_t)a;
    return true;
}
