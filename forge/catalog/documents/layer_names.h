/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers by name while a document is read: an open table of their numbers, so that a document of many layers and many
 * references takes time in proportion to its length.
 */
#ifndef FORGE_CATALOG_DOCUMENTS_LAYER_NAMES_H
#define FORGE_CATALOG_DOCUMENTS_LAYER_NAMES_H

#include "sparse/graph/structure.h"

enum { LAYER_NAMES_SLOTS = 4 * MODEL_LAYERS_MAX };

struct layer_names {
    uint16_t slots[LAYER_NAMES_SLOTS]; /* a layer's number from 1; 0: free */
};

_Static_assert(MODEL_LAYERS_MAX < UINT16_MAX, "a slot holds a layer's number");

/* Notes the structure's newest layer; of two with one name, the first is found. */
void layer_names_add(struct layer_names *names, const struct structure *structure);

/* The number, from 1, of the layer of that name; 0: none. */
uint32_t layer_names_find(const struct layer_names *names, const struct structure *structure, const char *name);

#endif
