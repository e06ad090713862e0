/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/remote/http.h"
#include "forge/catalog/remote_catalog.h"
#include "sparse/graph/structure_edit.h"

enum { LISTING_MAX = 32 << 20, LISTING_ENTRIES = 100000, LISTING_FIELDS = 16, ANSWER_MAX = 4 << 20, PLACE_MAX = 1024 };

const char *remote_address(const char *option)
{
    const char *named = option ? option : getenv("WISP_DB");

    return http_is_address(named) ? named : NULL;
}

static int refuse_status(const struct http *http, const struct http_answer *answer, struct reason *why)
{
    char said[200];

    http_plain_text(answer->body, answer->size, said, sizeof said);
    switch (answer->status) {
    case 401:
    case 403:
        return refuse(why, -EACCES, "%s: %s", http_address(http),
                      *said ? said : "not allowed; give a token in $WISP_TOKEN");
    case 404:
        return refuse(why, WISP_E_NO_MODEL, "%s: %s", http_address(http), *said ? said : "not there");
    default:
        return refuse(why, WISP_E_FORMAT, "%s answers %ld%s%s", http_address(http), answer->status, *said ? ": " : "",
                      said);
    }
}

/* ---- the copy's place ---- */

/* Of one user, so processes that update it take turns (lock_path). */
struct copy {
    char path[PLACE_MAX], etag_path[PLACE_MAX], lock_path[PLACE_MAX];
    char etag[128]; /* of the listing it was made from; "": there is no whole copy */
    time_t made;
};

static int make_folder(char *path, struct reason *why)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int code;

        *slash = 0;
        code = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
        if (code)
            return refuse_errno(why, code, "cannot make the folder %s", path);
        *slash = '/';
    }
    return 0;
}

static int find_copy(const char *address, struct copy *copy, struct reason *why)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    uint64_t hash = XXH3_64bits(address, strlen(address));
    int length;

    if (cache && *cache)
        length = snprintf(copy->path, sizeof copy->path, "%s/wisp/%016" PRIx64 ".db", cache, hash);
    else if (home && *home)
        length = snprintf(copy->path, sizeof copy->path, "%s/.cache/wisp/%016" PRIx64 ".db", home, hash);
    else
        return refuse(why, WISP_E_INVALID, "no place for a copy of %s: set XDG_CACHE_HOME or HOME", address);
    if (length + 8 > PLACE_MAX)
        return refuse(why, WISP_E_INVALID, "the path of the cache is too long");
    snprintf(copy->etag_path, sizeof copy->etag_path, "%.*s.etag", PLACE_MAX - 8, copy->path);
    snprintf(copy->lock_path, sizeof copy->lock_path, "%.*s.lock", PLACE_MAX - 8, copy->path);
    return make_folder(copy->path, why);
}

/* Of which listing the copy is. */
static void read_etag(struct copy *copy)
{
    cleanup_free void *text = NULL;
    struct stat status;
    size_t size;

    copy->etag[0] = 0;
    if (access(copy->path, R_OK) == 0 && stat(copy->etag_path, &status) == 0 &&
        !file_read(copy->etag_path, sizeof copy->etag - 1, &text, &size, NULL)) {
        snprintf(copy->etag, sizeof copy->etag, "%s", (const char *)text);
        copy->made = status.st_mtime;
    }
}

/* ---- bringing it up to date ---- */

struct known {
    char name[STORE_NAME_MAX], hash[STORE_HASH_MAX];
    bool listed; /* the server has it still */
};

struct update {
    struct http *http;
    struct store *store;
    struct known *known; /* what the copy has, by name */
    size_t known_count, capacity;
    size_t skipped, kept;
    struct reason *why;
};

enum { SKIPPED_SHOWN = 10 };

/* One entry that cannot be had is no reason to go without the others. */
static void skip(struct update *update, const char *name, const char *text)
{
    char shown[STORE_NAME_MAX];

    http_plain_text(name ? name : "", name ? strlen(name) : 0, shown, sizeof shown);
    if (++update->skipped <= SKIPPED_SHOWN)
        fprintf(stderr, "wisp structure: skipped \"%s\": %s\n", shown, text);
}

static int compare_known(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

static int remember(void *argument, const struct store_structure *entry)
{
    struct update *update = argument;
    struct known *known;

    if (update->known_count == update->capacity) {
        size_t capacity = MAX((size_t)256, 2 * update->capacity);
        struct known *larger = realloc(update->known, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(update->why, -ENOMEM, "the copy");
        update->known = larger;
        update->capacity = capacity;
    }
    known = &update->known[update->known_count++];
    *known = (struct known){ .listed = false };
    snprintf(known->name, sizeof known->name, "%s", entry->name);
    snprintf(known->hash, sizeof known->hash, "%s", entry->hash);
    return 0;
}

struct fetched {
    struct store_structure entry;
    unsigned count;
    struct reason *why;
};

static int take_document(void *argument, const struct structure *structure)
{
    struct fetched *fetched = argument;

    if (fetched->count++)
        return refuse(fetched->why, WISP_E_FORMAT, "the document has several structures");
    return catalog_entry(structure, &fetched->entry, fetched->why);
}

/* The document of a name, checked, and the same that was listed. *answered: what is wrong is wrong with it alone. */
static int fetch(struct update *update, const char *name, const char *hash, struct store_structure *out, bool *answered)
{
    struct fetched fetched = { .why = update->why };
    char path[STORE_NAME_MAX + 16], where[1400];
    struct http_answer answer;
    int result;

    snprintf(path, sizeof path, "/structures/%s", name);
    result = http_ask(update->http, &(struct http_request){ .path = path, .limit = STORE_DOCUMENT_MAX }, &answer,
                      update->why);
    if (result)
        return result;
    snprintf(where, sizeof where, "%s%s", http_address(update->http), path);
    *answered = true;
    if (answer.status != 200)
        result = refuse_status(update->http, &answer, update->why);
    else
        result = document_parse(where, answer.body, answer.size, take_document, &fetched, NULL, update->why);
    http_answer_deinit(&answer);
    if (!result &&
        (fetched.count != 1 || strcmp(fetched.entry.name, name) != 0 || strcmp(fetched.entry.hash, hash) != 0))
        result = refuse(update->why, WISP_E_FORMAT, "%s: this is not the structure that the listing names", where);
    if (result && fetched.entry.document)
        store_structure_deinit(&fetched.entry);
    if (!result)
        *out = fetched.entry;
    return result;
}

static struct known *find_known(const struct update *update, const char *name)
{
    struct known wanted;

    snprintf(wanted.name, sizeof wanted.name, "%s", name);
    return update->known_count ? bsearch(&wanted, update->known, update->known_count, sizeof wanted, compare_known)
                               : NULL;
}

static int update_entry(struct update *update, const char *name, const char *hash)
{
    const struct known *known = find_known(update, name);
    struct store_structure entry = { .document = NULL };
    struct store_added added;
    bool answered = false;
    int result;

    if (known && !strcmp(known->hash, hash)) {
        update->kept++;
        return 0;
    }
    result = fetch(update, name, hash, &entry, &answered);
    if (!result)
        result = store_add(update->store, &entry, &added, update->why);
    store_structure_deinit(&entry);
    if (result && answered && result > 0) {
        skip(update, name, update->why->text);
        return 0;
    }
    if (!result && !added.stored) {
        char text[2 * STORE_NAME_MAX];

        snprintf(text, sizeof text, "the listing has this structure already, as %s", added.same_as);
        skip(update, name, text);
        return 0;
    }
    update->kept += !result;
    return result;
}

/* What the listing says of an entry; false, and said, when that is nothing that can be had. */
static bool read_item(struct update *update, const json_t *item, const char **name, const char **hash)
{
    struct reason why = { "it has no name and hash" };

    *name = json_string_value(json_object_get(item, "name"));
    *hash = json_string_value(json_object_get(item, "hash"));
    return *name && *hash && !structure_name_check(*name, &why) && strlen(*hash) == STORE_HASH_MAX - 1
               ? true
               : (skip(update, *name, why.text), false);
}

/* First what has gone, because another name may have its structure now. */
static int remove_unlisted(struct update *update, json_t *listing)
{
    const char *name, *hash;
    int result = 0;

    for (size_t i = 0; i < json_array_size(listing);) {
        struct known *known;

        if (!read_item(update, json_array_get(listing, i), &name, &hash)) {
            json_array_remove(listing, i);
            continue;
        }
        known = find_known(update, name);
        if (known)
            known->listed = !strcmp(known->hash, hash);
        i++;
    }
    for (size_t i = 0; i < update->known_count && !result; i++) {
        if (!update->known[i].listed)
            result = store_remove(update->store, update->known[i].name, update->why);
        if (!update->known[i].listed)
            update->known[i].hash[0] = 0;
    }
    return result;
}

static int take_listing(struct update *update, const struct copy *copy, json_t *listing)
{
    const struct store_query all = { 0 };
    size_t index;
    json_t *item;
    int result;

    if (!json_is_array(listing) || json_array_size(listing) > LISTING_ENTRIES)
        return refuse(update->why, WISP_E_FORMAT, "%s: this is no listing of structures", http_address(update->http));
    result = store_list(update->store, &all, remember, update, update->why);
    if (result)
        return result;
    if (update->known_count)
        qsort(update->known, update->known_count, sizeof *update->known, compare_known);
    result = store_begin(update->store, update->why);
    if (!result)
        result = remove_unlisted(update, listing);
    json_array_foreach(listing, index, item)
    {
        if (!result)
            result = update_entry(update, json_string_value(json_object_get(item, "name")),
                                  json_string_value(json_object_get(item, "hash")));
    }
    if (!result && update->skipped > SKIPPED_SHOWN)
        fprintf(stderr, "wisp structure: and %zu more\n", update->skipped - SKIPPED_SHOWN);
    if (!result && update->skipped && !update->kept)
        result = refuse(update->why, WISP_E_FORMAT, "%s: none of the %zu structures of its listing can be read",
                        http_address(update->http), update->skipped);
    if (result) {
        store_rollback(update->store, NULL);
        return result;
    }
    unlink(copy->etag_path);
    return store_commit(update->store, update->why);
}

/* A copy that is damaged is no loss. */
static int open_copy(struct copy *copy, struct store **out, struct reason *why)
{
    int result = store_open(copy->path, true, out, why);

    if (result != WISP_E_FORMAT && result != WISP_E_VERSION)
        return result;
    unlink(copy->path);
    copy->etag[0] = 0;
    return store_open(copy->path, true, out, why);
}

/* An array of flat objects, not too many: told from the text, before anything as large as its tree is made. */
static bool may_be_listing(const char *text, size_t size)
{
    size_t arrays = 0, objects = 0, fields = 0;
    bool quoted = false;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            quoted = !quoted;
        if (quoted) {
            i += text[i] == '\\';
            continue;
        }
        arrays += text[i] == '[';
        objects += text[i] == '{';
        fields += text[i] == ',';
    }
    return arrays == 1 && objects <= LISTING_ENTRIES && fields <= (size_t)LISTING_FIELDS * LISTING_ENTRIES;
}

static int update_copy(struct http *http, struct copy *copy, const struct http_answer *answer, struct reason *why)
{
    struct update update = { .http = http, .why = why };
    json_t *listing = may_be_listing(answer->body, answer->size)
                          ? json_from_text(answer->body, answer->size, JSON_REJECT_DUPLICATES, NULL)
                          : NULL;
    struct file_part etag = { answer->etag, strlen(answer->etag) };
    static const char some[] = "\"some\"";
    int result;

    if (!listing)
        return refuse(why, WISP_E_FORMAT, "%s: this is no listing of structures", http_address(http));
    result = open_copy(copy, &update.store, why);
    if (!result) {
        /* From here until the new one is whole, there is no listing that the copy is of. */
        result = take_listing(&update, copy, listing);
        store_close(update.store);
    }
    free(update.known);
    json_decref(listing);
    if (update.skipped) /* no server's: what was skipped is asked for, and named, each time */
        etag = (struct file_part){ some, sizeof some - 1 };
    if (!result && *answer->etag)
        result = file_write(copy->etag_path, &etag, 1, why);
    return result;
}

static void say_old(const struct copy *copy, const struct reason *why)
{
    char when[32] = "";
    struct tm local;

    if (localtime_r(&copy->made, &local))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
    fprintf(stderr, "wisp structure: %s; what follows is the copy of %s\n", why->text, when);
}

/* Brings the copy up to date, or decides that it has to do as it is. */
static int refresh(const char *address, struct copy *copy, struct reason *why)
{
    struct http_answer answer = { .status = 0 };
    struct http *http;
    int result = http_new(address, &http, why);

    if (result)
        return result;
    result = http_ask(http, &(struct http_request){ .path = "/structures", .etag = copy->etag, .limit = LISTING_MAX },
                      &answer, why);
    if (result == -EHOSTUNREACH && copy->etag[0]) {
        say_old(copy, why);
        result = 0;
    } else if (!result && answer.status == 200) {
        result = update_copy(http, copy, &answer, why);
    } else if (!result && !(answer.status == 304 && copy->etag[0])) {
        result = refuse_status(http, &answer, why);
    }
    http_answer_deinit(&answer);
    http_free(http);
    return result;
}

int remote_open(const char *address, struct store **out, struct reason *why)
{
    struct copy copy;
    int result = find_copy(address, &copy, why), lock;

    if (result)
        return result;
    lock = open(copy.lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) < 0) {
        result = refuse_errno(why, -errno, "cannot lock %s", copy.lock_path);
        if (lock >= 0)
            close(lock);
        return result;
    }
    /* Twice when what is here turns out to be no database: a copy is no loss. */
    for (int attempt = 0; attempt < 2; attempt++) {
        read_etag(&copy);
        result = refresh(address, &copy, why);
        if (!result)
            result = store_open(copy.path, false, out, why);
        else
            break;
        if (result != WISP_E_FORMAT && result != WISP_E_VERSION)
            break;
        unlink(copy.path);
        unlink(copy.etag_path);
    }
    close(lock);
    return result;
}

/* ---- changes ---- */

static int change(const char *address, const struct http_request *request, char **out, struct reason *why)
{
    struct http_answer answer;
    struct http *http;
    int result = http_new(address, &http, why);

    if (result)
        return result;
    result = http_ask(http, request, &answer, why);
    if (!result) {
        if (answer.status != 200 && answer.status != 201)
            result = refuse_status(http, &answer, why);
        else if (out)
            *out = steal(&answer.body);
        http_answer_deinit(&answer);
    }
    http_free(http);
    return result;
}

int remote_add(const char *address, const char *document, size_t size, char **out, struct reason *why)
{
    return change(address,
                  &(struct http_request){
                      .path = "/structures", .body = document, .size = size, .limit = ANSWER_MAX, .changes = true },
                  out, why);
}

int remote_remove(const char *address, char *const *names, size_t count, struct reason *why)
{
    char path[2000] = "/structures/";

    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(path);

        if (structure_name_check(names[i], why))
            return WISP_E_NO_MODEL;
        if (snprintf(path + used, sizeof path - used, "%s%s", i ? "," : "", names[i]) >= (int)(sizeof path - used))
            return refuse(why, WISP_E_INVALID, "these are too many names for one request");
    }
    return change(address,
                  &(struct http_request){ .method = "DELETE", .path = path, .limit = ANSWER_MAX, .changes = true },
                  NULL, why);
}
