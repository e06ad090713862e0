/* SPDX-License-Identifier: Apache-2.0
 *
 * Bringing what an older version stored under the rules of today. First all is read and checked, then all is written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/catalog/store/database.h"

bool store_is_old(const struct store *store)
{
    return store->version < DATABASE_RENEWED;
}

struct renewal {
    char name[STORE_NAME_MAX]; /* as it is stored */
    enum store_renewal what;
    struct store_structure fresh;
};

struct renewals {
    store_renew_visit *renew;
    void *argument;
    struct renewal *list;
    size_t count, capacity;
    struct reason *why;
};

static int check(void *argument, const struct store_structure *old)
{
    struct renewals *renewals = argument;
    struct renewal renewal = { .what = STORE_KEEP };

    snprintf(renewal.name, sizeof renewal.name, "%s", old->name);
    renewal.what = renewals->renew(renewals->argument, old, &renewal.fresh);
    if (renewal.what == STORE_KEEP)
        return 0;
    if (renewals->count == renewals->capacity) {
        size_t capacity = MAX((size_t)16, 2 * renewals->capacity);
        struct renewal *larger = realloc(renewals->list, capacity * sizeof *larger);

        if (!larger) {
            store_structure_deinit(&renewal.fresh);
            return refuse_errno(renewals->why, -ENOMEM, "bring the database up to date");
        }
        renewals->list = larger;
        renewals->capacity = capacity;
    }
    renewals->list[renewals->count++] = renewal;
    return 0;
}

static int run(struct store *store, const char *sql, const char *types, const struct renewal *renewal,
               struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    const struct store_structure *fresh = &renewal->fresh;
    int result = database_prepare(store, sql, &statement, why);

    if (!result)
        result = database_bind(store, statement, why, types, renewal->name, fresh->name, fresh->hash, fresh->kinds,
                               fresh->document);
    return result ? result : database_run(store, statement, "bring the database up to date", why);
}

static int write_all(struct store *store, const struct renewals *renewals, struct reason *why)
{
    int result = 0;

    /* What goes first: what stays may have its hash. */
    for (size_t i = 0; i < renewals->count && !result; i++) {
        if (renewals->list[i].what == STORE_DROP)
            result = run(store, "DELETE FROM structure WHERE name = ?1", "s", &renewals->list[i], why);
    }
    for (size_t i = 0; i < renewals->count && !result; i++) {
        if (renewals->list[i].what == STORE_CHANGE)
            result = run(store, "UPDATE structure SET name = ?2, hash = ?3, kinds = ?4, document = ?5 WHERE name = ?1",
                         "sssss", &renewals->list[i], why);
    }
    if (!result && sqlite3_exec(store->database, "PRAGMA user_version = 5", NULL, NULL, NULL) != SQLITE_OK)
        result = database_refuse(store, sqlite3_errcode(store->database), "bring the database up to date", why);
    return result;
}

int store_renew(struct store *store, store_renew_visit *renew, void *argument, struct reason *why)
{
    struct renewals renewals = { .renew = renew, .argument = argument, .why = why };
    bool mine;
    int result = database_begin(store, &mine, why);

    if (result)
        return result;
    result = store_list(store, &(struct store_query){ .documents = true }, check, &renewals, why);
    if (!result)
        result = write_all(store, &renewals, why);
    for (size_t i = 0; i < renewals.count; i++)
        store_structure_deinit(&renewals.list[i].fresh);
    free(renewals.list);
    result = database_end(store, mine, result, why);
    if (!result)
        store->version = DATABASE_RENEWED;
    return result;
}
