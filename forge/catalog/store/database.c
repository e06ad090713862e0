/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening the file, its schema, and transactions.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "forge/catalog/store/database.h"

#define APPLICATION_ID 0x77697370 /* "wisp", where file(1) and we look */
#define SCHEMA_VERSION DATABASE_RENEWED
#define SCHEMA_TABLES  DATABASE_KINDS /* the version of the tables; DATABASE_RENEWED says more of what is in them */

#define HISTORY_TABLE                                                                                                  \
    "CREATE TABLE history ("                                                                                           \
    "  event INTEGER NOT NULL, hash TEXT NOT NULL, machine TEXT NOT NULL, method TEXT NOT NULL, density REAL NOT "     \
    "NULL,"                                                                                                            \
    "  potential INTEGER NOT NULL, connections INTEGER NOT NULL, arrays INTEGER NOT NULL, layers INTEGER NOT NULL,"    \
    "  neurons INTEGER NOT NULL, bytes INTEGER NOT NULL, memory INTEGER NOT NULL, flops REAL NOT NULL,"                \
    "  seconds REAL NOT NULL, accuracy REAL NOT NULL, samples INTEGER NOT NULL, epochs INTEGER NOT NULL,"              \
    "  batch INTEGER NOT NULL, threads INTEGER NOT NULL, time INTEGER NOT NULL);"                                      \
    "CREATE INDEX history_place ON history (event, hash, time);"

/* All that a listing shows, so that a query reads no row, and with it no document. */
#define LISTED_COLUMNS "name, hash, network, layers, potential, kinds"
#define STRUCTURE_INDEXES                                                                                              \
    "CREATE INDEX structure_place ON structure (processing, depth, " LISTED_COLUMNS ");"                               \
    "CREATE INDEX structure_depth ON structure (depth, processing, " LISTED_COLUMNS ");"

static const char schema[] =
    "CREATE TABLE type (name TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE structure ("
    "  hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,"
    "  processing TEXT NOT NULL REFERENCES type(name), network TEXT NOT NULL,"
    "  depth INTEGER NOT NULL, layers INTEGER NOT NULL, potential INTEGER NOT NULL, kinds TEXT NOT NULL,"
    "  document TEXT NOT NULL);" STRUCTURE_INDEXES HISTORY_TABLE
    "PRAGMA application_id = 2003399536;" /* APPLICATION_ID; a pragma takes no expression */
    "PRAGMA user_version = 5;";

/* What brings a file of the version before up to each; nothing ever wrote to a history of version 1; some files of
 * version 3 have the indexes that are 4's. */
static const struct {
    int version;
    const char *sql;
} steps[] = {
    { 2, "DROP TABLE history;" HISTORY_TABLE },
    { 4, "ALTER TABLE structure ADD COLUMN kinds TEXT NOT NULL DEFAULT '';"
         "DROP INDEX structure_place; DROP INDEX structure_depth;" STRUCTURE_INDEXES },
};

_Static_assert(APPLICATION_ID == 2003399536 && SCHEMA_VERSION == 5, "as the schema says");

/* Whether a process died in the middle of a change: its journal lies beside the file, and has yet to be rolled back. */
static bool is_interrupted(const struct store *store)
{
    char journal[PATH_MAX + 16];
    struct stat status;

    snprintf(journal, sizeof journal, "%s-journal", store->path);
    return stat(journal, &status) == 0 && status.st_size > 0;
}

/* The file or its folder takes no change from this process. */
static int refuse_place(const struct store *store, const char *doing, struct reason *why)
{
    bool elsewhere = access(store->path, W_OK) == 0;

    if (is_interrupted(store) && !store->writable)
        return refuse(why, -EACCES,
                      "cannot %s: a process died while it changed %s, and what it left is undone first, but %s is not "
                      "writable for you: nothing is lost; `wisp structure list` of somebody who may write it mends it",
                      doing, store->path, elsewhere ? "its folder" : "the file");
    if (!elsewhere && errno == EROFS)
        return refuse(why, -EROFS, "cannot %s: %s is on a file system that is read-only", doing, store->path);
    return refuse(why, -EACCES, "cannot %s: %s%s is not writable for you", doing, elsewhere ? "the folder of " : "",
                  store->path);
}

int database_refuse(const struct store *store, int result, const char *doing, struct reason *why)
{
    switch (result & 0xff) {
    case SQLITE_NOTADB:
        return refuse(why, WISP_E_FORMAT, "%s is not a structure database: move it away, or name another with --db",
                      database_called(store));
    case SQLITE_CORRUPT:
        return refuse(why, WISP_E_FORMAT,
                      "the database %s is damaged (%s); nothing was changed: move it away and `wisp structure import` "
                      "an export, or recover it with `sqlite3 %s .recover`",
                      database_called(store), sqlite3_errmsg(store->database), database_called(store));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return refuse(why, WISP_E_BUSY, "cannot %s: another process has been writing %s for %d s; try again", doing,
                      database_called(store), STORE_WAIT_MS / 1000);
    case SQLITE_FULL:
        return refuse(why, -ENOSPC, "cannot %s: no space left for %s; nothing was changed", doing, store->path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return refuse_place(store, doing, why);
    case SQLITE_CANTOPEN:
        if (store->opened)
            return refuse_place(store, doing, why); /* it is the journal that cannot be */
        return refuse(why, -EACCES, "cannot open %s: %s", store->path, sqlite3_errmsg(store->database));
    case SQLITE_NOMEM:
        return refuse_errno(why, -ENOMEM, "cannot %s", doing);
    default:
        if (is_interrupted(store) && !store->writable)
            return refuse_place(store, doing, why);
        return refuse(why, -EIO, "cannot %s: %s: %s", doing, store->path, sqlite3_errmsg(store->database));
    }
}

int database_prepare(const struct store *store, const char *sql, sqlite3_stmt **out, struct reason *why)
{
    int result = sqlite3_prepare_v2(store->database, sql, -1, out, NULL);

    return result == SQLITE_OK ? 0 : database_refuse(store, result, "read the database", why);
}

int database_bind(const struct store *store, sqlite3_stmt *statement, struct reason *why, const char *types, ...)
{
    va_list values;
    int result = SQLITE_OK;

    va_start(values, types);
    for (int i = 0; types[i] && result == SQLITE_OK; i++) {
        if (types[i] == 's')
            result = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_STATIC);
        else if (types[i] == 'd')
            result = sqlite3_bind_double(statement, i + 1, va_arg(values, double));
        else
            result = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
    }
    va_end(values);
    return result == SQLITE_OK ? 0 : database_refuse(store, result, "ask the database", why);
}

int database_run(const struct store *store, sqlite3_stmt *statement, const char *doing, struct reason *why)
{
    int result = sqlite3_step(statement);

    return result == SQLITE_DONE ? 0 : database_refuse(store, result, doing, why);
}

static int execute(const struct store *store, const char *sql, const char *doing, struct reason *why)
{
    int result = sqlite3_exec(store->database, sql, NULL, NULL, NULL);

    return result == SQLITE_OK ? 0 : database_refuse(store, result, doing, why);
}

int store_begin(struct store *store, struct reason *why)
{
    /* IMMEDIATE takes the write lock now, where it can be waited for; a deferred one fails half-way instead. */
    int result = execute(store, "BEGIN IMMEDIATE", "begin a change", why);

    store->in_transaction = !result;
    return result;
}

int store_commit(struct store *store, struct reason *why)
{
    int result = execute(store, "COMMIT", "save the change", why);

    if (result)
        store_rollback(store, NULL);
    store->in_transaction = false;
    return result;
}

int store_rollback(struct store *store, struct reason *why)
{
    store->in_transaction = false;
    return execute(store, "ROLLBACK", "undo the change", why);
}

int database_begin(struct store *store, bool *mine, struct reason *why)
{
    *mine = !store->in_transaction;
    return *mine ? store_begin(store, why) : 0;
}

int database_end(struct store *store, bool mine, int result, struct reason *why)
{
    if (!mine)
        return result;
    if (!result)
        return store_commit(store, why);
    store_rollback(store, NULL);
    return result;
}

void database_text(sqlite3_stmt *statement, int column, char *buffer, size_t size)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    size_t length = text ? MIN((size_t)sqlite3_column_bytes(statement, column), size - 1) : 0;

    if (length)
        memcpy(buffer, text, length);
    buffer[length] = 0;
}

/* ---- opening ---- */

static int make_folders(char *path, struct reason *why)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST) {
            int code = -errno;

            return refuse_errno(why, code, "cannot make the folder %s", path);
        }
        *slash = '/';
    }
    return 0;
}

static int default_path(char *buffer, size_t size, struct reason *why)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME"), *file = getenv("WISP_DB"),
               *state = getenv("STATE_DIRECTORY");

    if (file && *file && !strstr(file, "://"))
        snprintf(buffer, size, "%s", file);
    else if (data && *data)
        snprintf(buffer, size, "%s/wisp/structures.db", data);
    else if (state && *state) /* of a service: systemd.exec(5); of several folders the first */
        snprintf(buffer, size, "%.*s/structures.db", (int)strcspn(state, ":"), state);
    else if (home && *home)
        snprintf(buffer, size, "%s/.local/share/wisp/structures.db", home);
    else
        return refuse(why, WISP_E_INVALID, "no place for the structure database: set WISP_DB or HOME, or give --db");
    return 0;
}

static int pragma_number(const struct store *store, const char *sql, int64_t *out, struct reason *why)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result = database_prepare(store, sql, &statement, why);

    if (result)
        return result;
    result = sqlite3_step(statement);
    if (result != SQLITE_ROW)
        return database_refuse(store, result, "read the database", why);
    *out = sqlite3_column_int64(statement, 0);
    return 0;
}

/* Besides the conditions of base/error.h, from here to store_open(). */
enum { SCHEMA_NONE = 1000, SCHEMA_OLD };

struct schema_facts {
    int64_t application, version, tables;
};

/* All of one moment: somebody may be creating the file right now. */
static int read_facts(struct store *store, struct schema_facts *out, struct reason *why)
{
    bool alone = !store->in_transaction;
    int result = alone ? execute(store, "BEGIN", "read the database", why) : 0;

    if (result)
        return result;
    if (!(result = pragma_number(store, "PRAGMA application_id", &out->application, why)) &&
        !(result = pragma_number(store, "PRAGMA user_version", &out->version, why)))
        result = pragma_number(store, "SELECT count(*) FROM sqlite_schema", &out->tables, why);
    if (alone)
        execute(store, "ROLLBACK", "read the database", NULL);
    return result;
}

/* A fresh file becomes ours; any other must be ours already. Under the write lock, since two may create it at once. */
static int check_schema(struct store *store, struct reason *why)
{
    struct schema_facts facts = { 0 };
    int result = read_facts(store, &facts, why);

    if (result)
        return result;
    store->version = facts.version;
    if (facts.application == APPLICATION_ID && facts.version >= SCHEMA_TABLES && facts.version <= SCHEMA_VERSION)
        return 0;
    if (facts.application == APPLICATION_ID && facts.version >= 1 && facts.version < SCHEMA_TABLES)
        return store->writable ? SCHEMA_OLD : 0;
    if (facts.application == APPLICATION_ID && facts.version > SCHEMA_VERSION)
        return refuse(why, WISP_E_VERSION, "%s was made by a newer wisp (schema %" PRId64 ", this one knows %d)",
                      store->path, facts.version, SCHEMA_VERSION);
    if (facts.tables || facts.application)
        return database_refuse(store, SQLITE_NOTADB, "open", why);
    if (!store->writable) /* an empty file, which may be one that somebody is about to fill */
        return refuse_errno(why, -ENOENT, "there is no structure database in %s yet", store->path);
    return SCHEMA_NONE;
}

static int take_steps(struct store *store, struct reason *why)
{
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(steps) && !result; i++) {
        if (steps[i].version > store->version)
            result = execute(store, steps[i].sql, "bring the database up to date", why);
    }
    return result ? result : execute(store, "PRAGMA user_version = 4;", "bring the database up to date", why);
}

static int create_schema(struct store *store, struct reason *why)
{
    int result = store_begin(store, why);

    if (result)
        return result;
    result = check_schema(store, why); /* somebody may have been faster */
    if (result == SCHEMA_NONE) {
        result = execute(store, schema, "create the database", why);
        store->version = SCHEMA_VERSION;
    } else if (result == SCHEMA_OLD) {
        result = take_steps(store, why);
        store->version = SCHEMA_TABLES;
    }
    return database_end(store, true, result, why);
}

int store_open(const char *path, bool write, struct store **out, struct reason *why)
{
    char name[PATH_MAX];
    struct store *store;
    int result;

    if (path)
        snprintf(name, sizeof name, "%s", path);
    else if ((result = default_path(name, sizeof name, why)))
        return result;
    if (write && (result = make_folders(name, why)))
        return result;
    if (!write && access(name, F_OK) < 0)
        return refuse_errno(why, -errno, "cannot open the structure database %s", name);
    store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(name))) {
        free(store);
        return refuse_errno(why, -ENOMEM, "cannot open %s", name);
    }
    store->writable = write;
    /* A reader must be able to undo what a process that died left half done. Where the file is not writable, SQLite
     * opens it for reading all the same. */
    result = sqlite3_open_v2(name, &store->database,
                             SQLITE_OPEN_READWRITE | (write ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        result = database_refuse(store, result, "open", why);
    } else {
        store->opened = true;
        sqlite3_busy_timeout(store->database, STORE_WAIT_MS);
        /* A hostile file must not run anything: no triggers, views or functions of its own. */
        sqlite3_db_config(store->database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_db_config(store->database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        result = write ? 0 : execute(store, "PRAGMA query_only = 1", "open", why);
        if (!result)
            result = check_schema(store, why);
        if (result == SCHEMA_NONE || result == SCHEMA_OLD)
            result = create_schema(store, why);
    }
    if (result) {
        store_close(store);
        return result;
    }
    *out = store;
    return 0;
}

struct store *store_close(struct store *store)
{
    if (!store)
        return NULL;
    if (store->in_transaction)
        store_rollback(store, NULL);
    sqlite3_close(store->database);
    free(store->path);
    free(store);
    return NULL;
}

const char *store_path(const struct store *store)
{
    return store->path;
}

void store_call(struct store *store, const char *name)
{
    store->called = name;
}
