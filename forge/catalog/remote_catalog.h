/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure database on a server, as verbs see it: to read, a copy of it on this machine, brought up to date first;
 * to change, requests that the server checks and does as a whole or not at all.
 *
 * Nothing that a server says is believed: every document is checked like a file, and its hash must be the one that the
 * listing gave. Only then does the copy change, in one transaction; so a hostile or broken answer loses nothing.
 */
#ifndef FORGE_CATALOG_REMOTE_CATALOG_H
#define FORGE_CATALOG_REMOTE_CATALOG_H

#include "forge/catalog/store/store.h"

/* The address that a verb works with: the option if it is one, or, without the option, $WISP_DB if that is one. */
const char *remote_address(const char *option);

/* The copy, up to date, for reading. When the server cannot be reached, the copy as it was, and one line on stderr that
 * says from when it is. */
int remote_open(const char *address, struct store **out, struct reason *why);

/* Stores the structures of a document (one, or a list), all or none; *out is what the server says of it: {"stored",
 * "known", "structures": [{"name", "stored", "same_as" | "processing", "new_type"}]}, freed by the caller. */
int remote_add(const char *address, const char *document, size_t size, char **out, struct reason *why);

/* Removes the structures of these names, all or none. WISP_E_NO_MODEL when one is not there. */
int remote_remove(const char *address, char *const *names, size_t count, struct reason *why);

#endif
