/* SPDX-License-Identifier: Apache-2.0
 *
 * The database behind a server, as its threads use it: each of them may call each of these at any time.
 *
 * What is read goes through one connection to the file, what is changed through another, each behind its lock, so that
 * who reads does not wait for who writes. A document that is sent is checked before any lock of the readers is taken,
 * one document at a time, so that what many send costs the memory of one. What clients could not read (an older version
 * stored it) is found once, at the beginning, said, and never served.
 */
#ifndef FORGE_CATALOG_SHELF_H
#define FORGE_CATALOG_SHELF_H

#include <jansson.h>

#include "forge/catalog/store/store.h"

struct shelf;

int shelf_open(const char *database, bool changes, struct shelf **out, struct reason *why);
struct shelf *shelf_close(struct shelf *shelf); /* accepts NULL; returns NULL */
const char *shelf_path(const struct shelf *shelf);

/* The listing (forge/catalog/listing.h), a new reference; a document, freed by the caller. WISP_E_NO_MODEL. */
int shelf_list(struct shelf *shelf, const struct store_query *query, json_t **out, struct reason *why);
int shelf_document(struct shelf *shelf, const char *name, char **out, struct reason *why);

/* All structures of a document or none, and what became of each: a new reference. */
int shelf_add(struct shelf *shelf, const char *text, size_t size, json_t **out, struct reason *why);

/* "NAME,NAME…": all or none. */
int shelf_remove(struct shelf *shelf, const char *names, struct reason *why);

#endif
