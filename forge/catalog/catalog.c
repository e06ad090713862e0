/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/catalog_renew.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/remote_catalog.h"
#include "sparse/graph/structure_edit.h"

/* ---- seeds ---- */

enum { SEED_PATH_MAX = 2048 };

/* Where the seeds lie: named, installed beside the program, or in the source tree around a build tree. */
static bool seed_folder(char folder[static SEED_PATH_MAX])
{
    static const char *const beside[] = { "../share/wisp/structures", "../../../config/structures" };
    const char *named = getenv("WISP_STRUCTURES");
    char program[SEED_PATH_MAX - 64];
    ssize_t length;

    if (named && *named) {
        snprintf(folder, SEED_PATH_MAX, "%s", named);
        return true;
    }
    length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0)
        return false;
    program[length] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
        snprintf(folder, SEED_PATH_MAX, "%s/%s", program, beside[i]);
        if (!access(folder, R_OK | X_OK))
            return true;
    }
    return false;
}

struct seeding {
    struct store *store;
    struct reason *why;
};

static int seed_one(void *argument, const struct structure *structure)
{
    struct seeding *seeding = argument;
    struct store_structure entry;
    struct store_added added;
    int result = catalog_entry(structure, &entry, seeding->why);

    if (result)
        return result;
    result = store_add(seeding->store, &entry, &added, seeding->why);
    store_structure_deinit(&entry);
    return result;
}

static int is_document(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot && !strcmp(dot, ".yaml");
}

static int seed(struct store *store, struct reason *why)
{
    struct seeding seeding = { store, why };
    struct dirent **entries;
    char folder[SEED_PATH_MAX], path[SEED_PATH_MAX];
    int count, result;

    if (!seed_folder(folder) || (count = scandir(folder, &entries, is_document, alphasort)) < 0)
        return 0; /* a database without seeds is a database */
    result = store_begin(store, why);
    for (int i = 0; i < count; i++) {
        if (!result && snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path)
            result = document_read(path, seed_one, &seeding, NULL, why);
        free(entries[i]);
    }
    free(entries);
    if (!result)
        return store_commit(store, why);
    store_rollback(store, NULL);
    return refuse_in(why, result, "cannot seed the structure database");
}

static int count_type(void *argument, const char *processing, uint64_t structures)
{
    (void)processing, (void)structures;
    *(bool *)argument = true;
    return 0;
}

/* Brings what an older version stored up to date; a reader does it where it may, and goes without where it may not. The
 * store is closed on failure. */
static int mend(const char *path, bool write, struct store **store, struct reason *why)
{
    int result = 0;

    if (!store_is_old(*store) || (!write && access(store_path(*store), W_OK) < 0))
        return 0;
    if (!write) {
        *store = store_close(*store);
        if (store_open(path, true, store, NULL))
            return store_open(path, false, store, why);
    }
    result = catalog_renew(*store, why);
    if (result)
        *store = store_close(*store);
    return result;
}

int catalog_open(const char *path, bool write, struct store **out, struct reason *why)
{
    const char *address = remote_address(path);
    struct store *store;
    bool used = false;
    int result;

    if (address && write)
        return refuse(why, WISP_E_INVALID,
                      "%s is on a server, where structures are changed by `wisp structure add`, `import` and `rm` only",
                      address);
    if (address)
        return remote_open(address, out, why);
    result = store_open(path, write, &store, why);
    if (result == -ENOENT && !write)
        result = store_open(path, true, &store, why);
    if (result)
        return result;
    if ((result = mend(path, write, &store, why)))
        return result;
    /* A type stays when its structures go, so one without any has never been seeded. */
    result = store_types(store, count_type, &used, why);
    if (!result && !used) {
        if (!write) {
            store_close(store);
            if ((result = store_open(path, true, &store, why)))
                return result;
        }
        result = seed(store, why);
    }
    if (result) {
        store_close(store);
        return result;
    }
    *out = store;
    return 0;
}

/* ---- finding ---- */

struct found {
    struct structure *out;
    unsigned count;
    struct reason *why;
};

/* The visitor only borrows: a copy of what it is shown. */
static int take(void *argument, const struct structure *structure)
{
    struct found *found = argument;
    struct structure copy;

    if (found->count++)
        return refuse(found->why, WISP_E_FORMAT,
                      "the file holds several structures: `wisp structure import` it, and name one");
    if (structure_copy(structure, &copy))
        return refuse_errno(found->why, -ENOMEM, "cannot read %s", structure->name);
    *found->out = copy;
    return 0;
}

int catalog_parse(const char *document, struct structure *out, struct reason *why)
{
    struct found found = { .out = out, .why = why };

    *out = STRUCTURE_NULL;
    return document_parse("structure", document, strlen(document), take, &found, NULL, why);
}

int catalog_find(const char *database, const char *name, struct structure *out, struct reason *why)
{
    struct found found = { .out = out, .why = why };
    struct store_structure entry;
    struct store *store;
    const char *dot = strrchr(name, '.');
    int result;

    *out = STRUCTURE_NULL;
    if (!strcmp(name, "-") || (dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")))) {
        result = document_read(name, take, &found, stderr, why);
        if (result)
            structure_deinit(out);
        return result;
    }
    if ((result = catalog_open(database, false, &store, why)))
        return result;
    result = store_find(store, name, &entry, why);
    store_close(store);
    if (result)
        return result;
    result = catalog_parse(entry.document, out, why);
    store_structure_deinit(&entry);
    return result;
}
