/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <xxhash.h>

#include "forge/catalog/documents/layer_names.h"

/* The slot where the name stands, or the free one where it would. */
static uint32_t find_slot(const struct layer_names *names, const struct structure *structure, const char *name)
{
    uint32_t slot = (uint32_t)(XXH3_64bits(name, strlen(name)) % LAYER_NAMES_SLOTS);

    /* There are never as many layers as slots. */
    while (names->slots[slot] && strcmp(structure->layers[names->slots[slot] - 1].name, name) != 0)
        slot = (slot + 1) % LAYER_NAMES_SLOTS;
    return slot;
}

void layer_names_add(struct layer_names *names, const struct structure *structure)
{
    uint32_t slot = find_slot(names, structure, structure->layers[structure->layer_count - 1].name);

    if (!names->slots[slot])
        names->slots[slot] = (uint16_t)structure->layer_count;
}

uint32_t layer_names_find(const struct layer_names *names, const struct structure *structure, const char *name)
{
    return names->slots[find_slot(names, structure, name)];
}
