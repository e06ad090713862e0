/* SPDX-License-Identifier: Apache-2.0
 *
 * Structures in the store: adding with matching, finding, listing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/suggest.h"
#include "forge/catalog/store/database.h"

#define COLUMNS "hash, name, processing, network, depth, layers, potential, kinds"
#define OLDER   "hash, name, processing, network, depth, layers, potential, ''" /* before there were kinds */

static const char *columns(const struct store *store)
{
    return store->version < DATABASE_KINDS ? OLDER : COLUMNS;
}

void store_structure_deinit(struct store_structure *structure)
{
    free(structure->document);
    structure->document = NULL;
}

static void read_row(sqlite3_stmt *row, struct store_structure *out)
{
    *out = (struct store_structure){ .depth = (uint32_t)sqlite3_column_int64(row, 4),
                                     .layers = (uint32_t)sqlite3_column_int64(row, 5),
                                     .potential = (uint64_t)sqlite3_column_int64(row, 6) };
    database_text(row, 0, out->hash, sizeof out->hash);
    database_text(row, 1, out->name, sizeof out->name);
    database_text(row, 2, out->processing, sizeof out->processing);
    database_text(row, 3, out->network, sizeof out->network);
    database_text(row, 7, out->kinds, sizeof out->kinds);
}

/* 0 found, 1 not there. */
static int look_up(struct store *store, const char *column_equals, const char *value, bool document,
                   struct store_structure *out, struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char sql[256];
    int result;

    snprintf(sql, sizeof sql, "SELECT %s%s FROM structure WHERE %s = ?", columns(store), document ? ", document" : "",
             column_equals);
    if ((result = database_prepare(store, sql, &statement, why)) ||
        (result = database_bind(store, statement, why, "s", value)))
        return result;
    result = sqlite3_step(statement);
    if (result == SQLITE_DONE)
        return 1;
    if (result != SQLITE_ROW)
        return database_refuse(store, result, "look a structure up", why);
    read_row(statement, out);
    if (document) {
        const char *text = (const char *)sqlite3_column_text(statement, 8);

        out->document = strdup(text ? text : "");
        if (!out->document)
            return refuse_errno(why, -ENOMEM, "cannot read %s", value);
    }
    return 0;
}

struct near_names {
    const char *word;
    char best[STORE_NAME_MAX];
};

static int keep_nearest(void *argument, const struct store_structure *structure)
{
    struct near_names *near = argument;
    const char *candidates[] = { structure->name, near->best };
    const char *found = suggest(near->word, candidates, near->best[0] ? 2 : 1);

    if (found == structure->name)
        snprintf(near->best, sizeof near->best, "%s", structure->name);
    return 0;
}

static int refuse_unknown(struct store *store, const char *name, struct reason *why)
{
    struct near_names near = { .word = name };

    store_list(store, &(struct store_query){ 0 }, keep_nearest, &near, NULL);
    if (near.best[0])
        return refuse(why, WISP_E_NO_MODEL, "no structure called \"%s\"; did you mean \"%s\"?", name, near.best);
    return refuse(why, WISP_E_NO_MODEL, "no structure called \"%s\" in %s: `wisp structure list` shows what there is",
                  name, database_called(store));
}

int store_find(struct store *store, const char *name, struct store_structure *out, struct reason *why)
{
    int result = look_up(store, "name", name, true, out, why);

    return result == 1 ? refuse_unknown(store, name, why) : result;
}

static int add_type(struct store *store, const char *processing, bool *is_new, struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result;

    if ((result = database_prepare(store, "INSERT OR IGNORE INTO type (name) VALUES (?)", &statement, why)) ||
        (result = database_bind(store, statement, why, "s", processing)) ||
        (result = database_run(store, statement, "add a processing type", why)))
        return result;
    *is_new = sqlite3_changes(store->database) > 0;
    return 0;
}

/* The same name for another structure, or the same structure under another name; `except` is the one being replaced. */
static int check_free(struct store *store, const struct store_structure *structure, const char *except,
                      struct store_added *added, struct reason *why)
{
    struct store_structure found;
    int result = look_up(store, "hash", structure->hash, false, &found, why);

    if (result < 0 || result > 1)
        return result;
    if (result == 0 && (!except || strcmp(found.name, except) != 0)) {
        snprintf(added->same_as, sizeof added->same_as, "%s", found.name);
        return 0;
    }
    result = look_up(store, "name", structure->name, false, &found, why);
    if (result == 0 && (!except || strcmp(found.name, except) != 0))
        return refuse(why, WISP_E_INVALID, "another structure is already called \"%s\": give this one another name",
                      structure->name);
    return result == 1 ? 0 : result;
}

static int write_row(struct store *store, const char *sql, const struct store_structure *from, const char *replaced,
                     struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result;

    if ((result = database_prepare(store, sql, &statement, why)) ||
        (result = database_bind(store, statement, why, replaced ? "ssssiiisss" : "ssssiiiss", from->hash, from->name,
                                from->processing, from->network, (int64_t)from->depth, (int64_t)from->layers,
                                (int64_t)from->potential, from->kinds, from->document, replaced)))
        return result;
    return database_run(store, statement, "save a structure", why);
}

int store_add(struct store *store, const struct store_structure *structure, struct store_added *added,
              struct reason *why)
{
    bool mine;
    int result = database_begin(store, &mine, why);

    if (result)
        return result;
    *added = (struct store_added){ 0 };
    result = check_free(store, structure, NULL, added, why);
    if (!result && !added->same_as[0]) {
        result = add_type(store, structure->processing, &added->new_type, why);
        if (!result)
            result =
                write_row(store, "INSERT INTO structure (" COLUMNS ", document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          structure, NULL, why);
        added->stored = !result;
    }
    return database_end(store, mine, result, why);
}

static int replace_row(struct store *store, const char *name, const struct store_structure *structure,
                       struct reason *why)
{
    struct store_structure old;
    struct store_added added = { 0 };
    bool new_type;
    int result = look_up(store, "name", name, false, &old, why);

    if (result == 1)
        return refuse_unknown(store, name, why);
    if (result || (result = check_free(store, structure, name, &added, why)))
        return result;
    if (added.same_as[0])
        return refuse(why, WISP_E_INVALID, "this structure is already there as \"%s\"", added.same_as);
    if ((result = add_type(store, structure->processing, &new_type, why)))
        return result;
    return write_row(store,
                     "UPDATE structure SET hash = ?, name = ?, processing = ?, network = ?, depth = ?, layers = ?, "
                     "potential = ?, kinds = ?, document = ? WHERE name = ?",
                     structure, name, why);
}

int store_replace(struct store *store, const char *name, const struct store_structure *structure, struct reason *why)
{
    bool mine;
    int result = database_begin(store, &mine, why);

    if (result)
        return result;
    return database_end(store, mine, replace_row(store, name, structure, why), why);
}

static int remove_row(struct store *store, const char *name, struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result;

    if ((result = database_prepare(store, "DELETE FROM structure WHERE name = ?", &statement, why)) ||
        (result = database_bind(store, statement, why, "s", name)) ||
        (result = database_run(store, statement, "remove a structure", why)))
        return result;
    return sqlite3_changes(store->database) ? 0 : refuse_unknown(store, name, why);
}

int store_remove(struct store *store, const char *name, struct reason *why)
{
    bool mine;
    int result = database_begin(store, &mine, why);

    if (result)
        return result;
    return database_end(store, mine, remove_row(store, name, why), why);
}

int store_list(struct store *store, const struct store_query *query, store_visit *visit, void *argument,
               struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char sql[512], below[STORE_NAME_MAX + 2] = "", past[STORE_NAME_MAX + 2] = "";
    int result;

    /* A type and a modality's tasks lie between "image" and "image/", since '/' follows '.': a range of the index, of
     * which what has another byte after "image", as "image-raw" has, is left out. */
    if (query->processing) {
        snprintf(below, sizeof below, "%s.", query->processing);
        snprintf(past, sizeof past, "%s/", query->processing);
    }
    snprintf(sql, sizeof sql,
             "SELECT %s%s FROM structure WHERE %s AND depth >= ?4 AND depth <= ?5%s ORDER BY processing, depth, name",
             columns(store), query->documents ? ", document" : "",
             query->processing ? "processing >= ?1 AND processing < ?3 AND (processing = ?1 OR processing >= ?2)"
                               : "?1 = ?1",
             query->network ? " AND network = ?6" : "");
    if ((result = database_prepare(store, sql, &statement, why)) ||
        (result = database_bind(store, statement, why, query->network ? "sssiis" : "sssii",
                                query->processing ? query->processing : "", below, past, (int64_t)query->depth_min,
                                query->depth_max ? (int64_t)query->depth_max : INT64_MAX, query->network)))
        return result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_structure row;

        read_row(statement, &row);
        /* The visitor borrows the text for the length of its call. */
        if (query->documents)
            row.document = (char *)(uintptr_t)sqlite3_column_text(statement, 8);
        if ((result = visit(argument, &row)))
            return result;
    }
    return result == SQLITE_DONE ? 0 : database_refuse(store, result, "list structures", why);
}

/* Names and counts. */
static int list_counts(struct store *store, const char *sql, store_visit_type *visit, void *argument,
                       struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result = database_prepare(store, sql, &statement, why);

    if (result)
        return result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        char name[STORE_NAME_MAX];

        database_text(statement, 0, name, sizeof name);
        if ((result = visit(argument, name, (uint64_t)sqlite3_column_int64(statement, 1))))
            return result;
    }
    return result == SQLITE_DONE ? 0 : database_refuse(store, result, "list what there is", why);
}

int store_types(struct store *store, store_visit_type *visit, void *argument, struct reason *why)
{
    return list_counts(store,
                       "SELECT type.name, count(structure.name) FROM type LEFT JOIN structure "
                       "ON structure.processing = type.name GROUP BY type.name ORDER BY type.name",
                       visit, argument, why);
}

int store_networks(struct store *store, store_visit_type *visit, void *argument, struct reason *why)
{
    return list_counts(store,
                       "SELECT network, count(*) FROM structure WHERE network != '' GROUP BY network ORDER BY network",
                       visit, argument, why);
}
