/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the store: the connection, and SQLite's conditions in wisp's terms.
 */
#ifndef FORGE_CATALOG_STORE_DATABASE_H
#define FORGE_CATALOG_STORE_DATABASE_H

#include <sqlite3.h>

#include "base/cleanup.h"
#include "forge/catalog/store/store.h"

struct store {
    sqlite3 *database;
    char *path;
    const char *called; /* what reasons call it that others read; NULL: its path */
    bool opened;        /* so that it is not the file that cannot be opened */
    bool writable;
    bool in_transaction;
    int64_t version; /* of the schema; older than DATABASE_HISTORY only when it may not be written */
};

/* What a condition's reason calls the store; a failure's is for the log of who has it, and names the path. */
static inline const char *database_called(const struct store *store)
{
    return store->called ? store->called : store->path;
}

#define DATABASE_HISTORY 2 /* since when there is a history */
#define DATABASE_KINDS   4 /* since when kinds of layers are listed */
#define DATABASE_RENEWED 5 /* since when names and hashes are by the rules of today */

static inline void database_finalize_at_exit(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

#define cleanup_statement cleanup(database_finalize_at_exit)

/* Turns an SQLite result into an error of ours, and says what to do. `doing` completes "cannot …". */
int database_refuse(const struct store *store, int result, const char *doing, struct reason *why);

int database_prepare(const struct store *store, const char *sql, sqlite3_stmt **out, struct reason *why);

/* Binds the values that `types` names, in order: 's' const char *, 'i' int64_t, 'd' double. */
int database_bind(const struct store *store, sqlite3_stmt *statement, struct reason *why, const char *types, ...);

/* Steps a statement that returns no rows. */
int database_run(const struct store *store, sqlite3_stmt *statement, const char *doing, struct reason *why);

/* Begins a transaction unless the caller has one; database_end() commits or, on failure, rolls back what it began. */
int database_begin(struct store *store, bool *mine, struct reason *why);
int database_end(struct store *store, bool mine, int result, struct reason *why);

/* Copies a text column, cut to the buffer. */
void database_text(sqlite3_stmt *statement, int column, char *buffer, size_t size);

#endif
