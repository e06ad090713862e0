/* SPDX-License-Identifier: Apache-2.0
 *
 * The listing of a database as programs read it: an array of objects {"name", "processing", "network", "depth",
 * "layers", "potential", "hash", "trains", "serves"}, in the order type, depth, name. `wisp structure list --json`
 * prints it and a server answers it.
 */
#ifndef FORGE_CATALOG_LISTING_H
#define FORGE_CATALOG_LISTING_H

#include <jansson.h>

#include "forge/catalog/store/store.h"

json_t *listing_entry(const struct store_structure *entry); /* NULL: out of memory */

/* A new reference. */
int listing_make(struct store *store, const struct store_query *query, json_t **out, struct reason *why);

/* "8", "8-20", "8-" into least and most depth; false when it is none of these, or the first is the
 * larger. */
bool listing_depths(const char *text, struct store_query *query);

/* Whether there are the type and the kind of network that the query names, so that a slip is told from an empty answer.
 * WISP_E_NO_MODEL, and says what there is. */
int listing_check(struct store *store, const struct store_query *query, struct reason *why);

#endif
