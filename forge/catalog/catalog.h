/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog: the structure database as verbs use it. A new database begins with the seeds, the documents of
 * config/structures as installed (or as they lie beside a build tree; $WISP_STRUCTURES names another folder).
 */
#ifndef FORGE_CATALOG_CATALOG_H
#define FORGE_CATALOG_CATALOG_H

#include "forge/catalog/store/store.h"
#include "sparse/graph/structure.h"

/* Opens the database for reading or writing, making and seeding it when there is none. An address, which `path` or
 * $WISP_DB may be, is opened for reading only: as a copy that is brought up to date first (remote_catalog.h). */
int catalog_open(const char *path, bool write, struct store **out, struct reason *why);

/* What the database keeps of a structure, which reads back from it; document is to be freed with
 * store_structure_deinit(). WISP_E_FORMAT; -ENOMEM. */
int catalog_entry(const struct structure *structure, struct store_structure *out, struct reason *why);

/* What this version can do with a network of that structure, as far as its entry says; without an obstacle. */
struct structure_support catalog_support(const struct store_structure *entry);

/* A structure by its name in the database, or, when `name` ends in .yaml or .yml or is "-", from that file (one only).
 */
int catalog_find(const char *database, const char *name, struct structure *out, struct reason *why);

/* Of a document that is known to be right. */
int catalog_parse(const char *document, struct structure *out, struct reason *why);

#endif
