/* SPDX-License-Identifier: Apache-2.0
 *
 * The history of what was built and trained here; estimates read it.
 */
#include <time.h>

#include "forge/catalog/store/database.h"

#define COLUMNS                                                                                                        \
    "event, hash, machine, method, density, potential, connections, arrays, layers, neurons, bytes, memory, flops, "   \
    "seconds, accuracy, samples, epochs, batch, threads, time"

int store_record(struct store *store, const struct store_record *record, struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    bool mine;
    int result = database_begin(store, &mine, why);

    if (result)
        return result;
    result = database_prepare(
        store, "INSERT INTO history (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &statement, why);
    if (!result)
        result = database_bind(store, statement, why, "isssdiiiiiiidddiiiii", (int64_t)record->event, record->hash,
                               record->machine, record->method, record->density, (int64_t)record->potential,
                               (int64_t)record->connections, (int64_t)record->arrays, (int64_t)record->layers,
                               (int64_t)record->neurons, (int64_t)record->bytes, (int64_t)record->memory, record->flops,
                               record->seconds, record->accuracy, (int64_t)record->samples, (int64_t)record->epochs,
                               (int64_t)record->batch, (int64_t)record->threads,
                               record->time ? record->time : (int64_t)time(NULL));
    if (!result)
        result = database_run(store, statement, "record history", why);
    return database_end(store, mine, result, why);
}

static void read_row(sqlite3_stmt *row, struct store_record *out)
{
    *out = (struct store_record){
        .event = (enum store_event)sqlite3_column_int(row, 0),
        .density = sqlite3_column_double(row, 4),
        .potential = (uint64_t)sqlite3_column_int64(row, 5),
        .connections = (uint64_t)sqlite3_column_int64(row, 6),
        .arrays = (uint64_t)sqlite3_column_int64(row, 7),
        .layers = (uint64_t)sqlite3_column_int64(row, 8),
        .neurons = (uint64_t)sqlite3_column_int64(row, 9),
        .bytes = (uint64_t)sqlite3_column_int64(row, 10),
        .memory = (uint64_t)sqlite3_column_int64(row, 11),
        .flops = sqlite3_column_double(row, 12),
        .seconds = sqlite3_column_double(row, 13),
        .accuracy = sqlite3_column_double(row, 14),
        .samples = (uint64_t)sqlite3_column_int64(row, 15),
        .epochs = (uint64_t)sqlite3_column_int64(row, 16),
        .batch = (uint64_t)sqlite3_column_int64(row, 17),
        .threads = (uint64_t)sqlite3_column_int64(row, 18),
        .time = sqlite3_column_int64(row, 19),
    };
    database_text(row, 1, out->hash, sizeof out->hash);
    database_text(row, 2, out->machine, sizeof out->machine);
    database_text(row, 3, out->method, sizeof out->method);
}

int store_history(struct store *store, enum store_event event, const char *hash, store_visit_record *visit,
                  void *argument, struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result;

    if (store->version < DATABASE_HISTORY) /* read-only, and older than histories */
        return 0;
    if ((result = database_prepare(store,
                                   "SELECT " COLUMNS " FROM history WHERE event = ?1 AND (?2 = '' OR hash = ?2) "
                                   "ORDER BY time, rowid",
                                   &statement, why)) ||
        (result = database_bind(store, statement, why, "is", (int64_t)event, hash ? hash : "")))
        return result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_record record;

        read_row(statement, &record);
        if ((result = visit(argument, &record)))
            return result;
    }
    return result == SQLITE_DONE ? 0 : database_refuse(store, result, "read the history", why);
}
