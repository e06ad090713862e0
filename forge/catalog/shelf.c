/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/listing.h"
#include "forge/catalog/shelf.h"

enum { NAMES_MAX = 64 };

struct hidden {
    char name[STORE_NAME_MAX], hash[STORE_HASH_MAX];
};

/* Entries that grow one by one. */
struct entries {
    struct store_structure *list;
    size_t count, capacity;
};

struct shelf {
    struct store *reader, *writer;     /* writer NULL: nothing is changed here */
    pthread_mutex_t reading, changing; /* guard reader and writer; who needs both takes changing first */
    struct hidden *hidden;             /* settled before the first thread comes */
    size_t hidden_count;
};

/* ---- what cannot be read ---- */

struct checking {
    const struct store_structure *entry;
    bool same;
};

static int compare(void *argument, const struct structure *structure)
{
    struct checking *checking = argument;
    char hash[STORE_HASH_MAX];

    structure_hash(structure, hash);
    checking->same = !strcmp(hash, checking->entry->hash) && !strcmp(structure->name, checking->entry->name);
    return 0;
}

static int hide(struct shelf *shelf, const struct store_structure *entry)
{
    struct hidden *larger = realloc(shelf->hidden, (shelf->hidden_count + 1) * sizeof *larger);

    if (!larger)
        return -ENOMEM;
    shelf->hidden = larger;
    snprintf(larger[shelf->hidden_count].name, STORE_NAME_MAX, "%s", entry->name);
    snprintf(larger[shelf->hidden_count].hash, STORE_HASH_MAX, "%s", entry->hash);
    shelf->hidden_count++;
    return 0;
}

/* What was checked when it was stored has its kinds of layers listed. */
static int check_entry(void *argument, const struct store_structure *listed)
{
    struct shelf *shelf = argument;
    struct store_structure entry;
    struct checking checking = { .entry = listed };
    struct reason why = { "" };
    int result;

    if (*listed->kinds)
        return 0;
    result = store_find(shelf->reader, listed->name, &entry, &why);
    if (result)
        return result;
    result = document_parse("its document", entry.document, strlen(entry.document), compare, &checking, NULL, &why);
    store_structure_deinit(&entry);
    if (result < 0 || (!result && checking.same))
        return result;
    fprintf(stderr, "wisp structure serve: \"%s\" is not served, because nobody could read it: %s\n", listed->name,
            result ? why.text : "it is another structure than it was stored as");
    return hide(shelf, listed);
}

static bool is_hidden(const struct shelf *shelf, const struct store_structure *entry)
{
    for (size_t i = 0; i < shelf->hidden_count; i++) {
        if (!strcmp(shelf->hidden[i].name, entry->name) && !strcmp(shelf->hidden[i].hash, entry->hash))
            return true;
    }
    return false;
}

/* ---- life ---- */

int shelf_open(const char *database, bool changes, struct shelf **out, struct reason *why)
{
    struct shelf *shelf = calloc(1, sizeof *shelf);
    int result;

    if (!shelf)
        return refuse_errno(why, -ENOMEM, "serve");
    pthread_mutex_init(&shelf->reading, NULL);
    pthread_mutex_init(&shelf->changing, NULL);
    result = catalog_open(database, changes, changes ? &shelf->writer : &shelf->reader, why);
    if (!result && changes)
        result = catalog_open(database, false, &shelf->reader, why);
    if (!result)
        result = store_list(shelf->reader, &(struct store_query){ .documents = false }, check_entry, shelf, why);
    if (result) {
        shelf_close(shelf);
        return result;
    }
    /* Whoever asks over the network need not know where the file lies. */
    store_call(shelf->reader, "this database");
    if (shelf->writer)
        store_call(shelf->writer, "this database");
    *out = shelf;
    return 0;
}

struct shelf *shelf_close(struct shelf *shelf)
{
    if (!shelf)
        return NULL;
    store_close(shelf->reader);
    store_close(shelf->writer);
    pthread_mutex_destroy(&shelf->reading);
    pthread_mutex_destroy(&shelf->changing);
    free(shelf->hidden);
    free(shelf);
    return NULL;
}

const char *shelf_path(const struct shelf *shelf)
{
    return store_path(shelf->reader);
}

/* ---- reading ---- */

struct listing {
    const struct shelf *shelf;
    json_t *array;
};

static int list_one(void *argument, const struct store_structure *entry)
{
    struct listing *listing = argument;

    if (is_hidden(listing->shelf, entry))
        return 0;
    return json_array_append_new(listing->array, listing_entry(entry)) ? -ENOMEM : 0;
}

int shelf_list(struct shelf *shelf, const struct store_query *query, json_t **out, struct reason *why)
{
    struct listing listing = { shelf, json_array() };
    int result = -ENOMEM;

    if (listing.array) {
        pthread_mutex_lock(&shelf->reading);
        result = store_list(shelf->reader, query, list_one, &listing, why);
        pthread_mutex_unlock(&shelf->reading);
    }
    if (result == -ENOMEM)
        refuse_errno(why, -ENOMEM, "the listing");
    if (result)
        json_decref(listing.array);
    else
        *out = listing.array;
    return result;
}

int shelf_document(struct shelf *shelf, const char *name, char **out, struct reason *why)
{
    struct store_structure entry;
    int result;

    pthread_mutex_lock(&shelf->reading);
    result = store_find(shelf->reader, name, &entry, why);
    pthread_mutex_unlock(&shelf->reading);
    if (result)
        return result;
    if (is_hidden(shelf, &entry))
        result = refuse(why, WISP_E_NO_MODEL, "\"%s\" is here, but cannot be read", entry.name);
    else
        *out = steal(&entry.document);
    store_structure_deinit(&entry);
    return result;
}

/* ---- changing ---- */

struct judging {
    struct entries entries;
    struct reason *why;
};

static int check_one(void *argument, const struct structure *structure)
{
    struct judging *judging = argument;
    struct entries *entries = &judging->entries;
    int result;

    if (structure->base)
        return refuse(judging->why, WISP_E_FORMAT,
                      "%s: \"base\" names a file of one machine, and a server is for many: leave it out, and give "
                      "--base when it is built",
                      structure->name);
    if (entries->count == entries->capacity) {
        size_t capacity = MAX((size_t)16, 2 * entries->capacity);
        struct store_structure *larger = realloc(entries->list, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(judging->why, -ENOMEM, "cannot keep the document");
        entries->list = larger;
        entries->capacity = capacity;
    }
    result = catalog_entry(structure, &entries->list[entries->count], judging->why);
    entries->count += !result;
    return result;
}

static json_t *describe(const struct store_structure *entry, const struct store_added *added)
{
    if (!added->stored)
        return json_pack("{s:s s:b s:s}", "name", entry->name, "stored", 0, "same_as", added->same_as);
    return json_pack("{s:s s:b s:s s:b}", "name", entry->name, "stored", 1, "processing", entry->processing, "new_type",
                     added->new_type);
}

static int store_all(struct store *store, const struct entries *entries, json_t *structures, json_int_t *stored,
                     struct reason *why)
{
    int result = store_begin(store, why);

    if (result)
        return result;
    for (size_t i = 0; i < entries->count && !result; i++) {
        struct store_added added;

        result = store_add(store, &entries->list[i], &added, why);
        if (!result && json_array_append_new(structures, describe(&entries->list[i], &added)))
            result = refuse_errno(why, -ENOMEM, "the answer");
        *stored += !result && added.stored;
    }
    if (!result)
        return store_commit(store, why);
    store_rollback(store, NULL);
    return result;
}

int shelf_add(struct shelf *shelf, const char *text, size_t size, json_t **out, struct reason *why)
{
    struct judging judging = { .why = why };
    json_t *structures = json_array();
    json_int_t stored = 0;
    int result = structures ? 0 : refuse_errno(why, -ENOMEM, "the answer");

    pthread_mutex_lock(&shelf->changing);
    if (!result)
        result = document_parse("the document", text, size, check_one, &judging, NULL, why);
    if (!result)
        result = store_all(shelf->writer, &judging.entries, structures, &stored, why);
    pthread_mutex_unlock(&shelf->changing);
    for (size_t i = 0; i < judging.entries.count; i++)
        store_structure_deinit(&judging.entries.list[i]);
    free(judging.entries.list);
    if (result) {
        json_decref(structures);
        return result;
    }
    *out = json_pack("{s:I s:I s:o}", "stored", stored, "known", (json_int_t)judging.entries.count - stored,
                     "structures", structures);
    return *out ? 0 : refuse_errno(why, -ENOMEM, "the answer");
}

static int remove_all(struct store *store, char *names, struct reason *why)
{
    unsigned count = 0;
    char *rest = NULL;
    int result = store_begin(store, why);

    if (result)
        return result;
    for (char *name = strtok_r(names, ",", &rest); name && !result; name = strtok_r(NULL, ",", &rest)) {
        result = ++count > NAMES_MAX ? refuse(why, WISP_E_INVALID, "at most %d names at once", NAMES_MAX)
                                     : store_remove(store, name, why);
    }
    if (!result && !count)
        result = refuse(why, WISP_E_INVALID, "DELETE takes /structures/NAME");
    if (!result)
        return store_commit(store, why);
    store_rollback(store, NULL);
    return result;
}

int shelf_remove(struct shelf *shelf, const char *names, struct reason *why)
{
    cleanup_free char *list = strdup(names);
    int result;

    if (!list)
        return refuse_errno(why, -ENOMEM, "remove");
    pthread_mutex_lock(&shelf->changing);
    result = remove_all(shelf->writer, list, why);
    pthread_mutex_unlock(&shelf->changing);
    return result;
}
