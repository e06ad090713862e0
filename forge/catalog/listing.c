/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/suggest.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/listing.h"

json_t *listing_entry(const struct store_structure *entry)
{
    struct structure_support support = catalog_support(entry);

    return json_pack("{s:s s:s s:s s:I s:I s:I s:s s:b s:b}", "name", entry->name, "processing", entry->processing,
                     "network", entry->network, "depth", (json_int_t)entry->depth, "layers", (json_int_t)entry->layers,
                     "potential", (json_int_t)entry->potential, "hash", entry->hash, "trains", support.trains, "serves",
                     support.serves);
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
    char min[24];
    const char *dash = strchr(text, '-');
    uint64_t a, b = 0;

    snprintf(min, sizeof min, "%.*s", (int)(dash ? dash - text : 20), text);
    if (!parse_count(min, &a) || (dash && dash[1] && !parse_count(dash + 1, &b)) || a > UINT32_MAX || b > UINT32_MAX)
        return false;
    if (b && b < a)
        return false;
    query->depth_min = (uint32_t)a;
    query->depth_max = dash ? (uint32_t)b : (uint32_t)a;
    return true;
}

/* What there is of something: "a, b, c", as much as has room. */
struct existing {
    const char *wanted;
    bool found, more;
    char names[300];
    char nearest[STORE_NAME_MAX];
};

/* Of a type also its modality, which stands for all of its tasks. */
static int note_existing(void *argument, const char *name, uint64_t structures)
{
    struct existing *existing = argument;
    size_t used = strlen(existing->names);
    char modality[STORE_NAME_MAX];
    const char *candidates[] = { name, modality, existing->nearest }, *near;

    (void)structures; /* a type stays when its structures go */
    snprintf(modality, sizeof modality, "%.*s", (int)strcspn(name, "."), name);
    existing->found |= !strcmp(name, existing->wanted) || !strcmp(modality, existing->wanted);
    near = suggest(existing->wanted, candidates, *existing->nearest ? 3 : 2);
    if (near && near != existing->nearest)
        snprintf(existing->nearest, sizeof existing->nearest, "%s", near);
    if (used + strlen(name) + 8 < sizeof existing->names)
        snprintf(existing->names + used, sizeof existing->names - used, "%s%s", used ? ", " : "", name);
    else
        existing->more = true;
    return 0;
}

static int check_one(const char *what, const struct existing *existing, struct reason *why)
{
    if (existing->found)
        return 0;
    return refuse(why, WISP_E_NO_MODEL, "there is no %s \"%.60s\"%s%s%s (there are %s%s)", what, existing->wanted,
                  *existing->nearest ? "; did you mean \"" : "", existing->nearest, *existing->nearest ? "\"?" : "",
                  existing->names, existing->more ? ", …" : "");
}

int listing_check(struct store *store, const struct store_query *query, struct reason *why)
{
    struct existing types = { .wanted = query->processing }, networks = { .wanted = query->network };
    int result = 0;

    if (query->processing && !(result = store_types(store, note_existing, &types, why)))
        result = check_one("processing type", &types, why);
    if (!result && query->network && !(result = store_networks(store, note_existing, &networks, why)))
        result = check_one("kind of network", &networks, why);
    return result;
}
