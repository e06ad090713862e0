/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/catalog_renew.h"
#include "forge/catalog/documents/document.h"

/* Names and hashes as they will be. */
struct taken {
    char name[STORE_NAME_MAX], hash[STORE_HASH_MAX];
};

struct renewing {
    struct taken *taken;
    size_t count, capacity;
    bool full; /* no memory: the rest stays as it is */
};

static const struct taken *find_name(const struct renewing *renewing, const char *name)
{
    for (size_t i = 0; i < renewing->count; i++) {
        if (!strcmp(renewing->taken[i].name, name))
            return &renewing->taken[i];
    }
    return NULL;
}

static const struct taken *find_hash(const struct renewing *renewing, const char *hash)
{
    for (size_t i = 0; i < renewing->count; i++) {
        if (!strcmp(renewing->taken[i].hash, hash))
            return &renewing->taken[i];
    }
    return NULL;
}

/* The old name without what may not stand in it: "_lead" becomes "lead"; with a number when that is taken. */
static void rename_anew(const struct renewing *renewing, const char *old, char *out, size_t size)
{
    char plain[STORE_NAME_MAX - 16] = "";
    size_t used = 0;

    for (const char *c = old; *c && used + 1 < sizeof plain; c++) {
        if (isalnum((unsigned char)*c) || (used && strchr("._-", *c)))
            plain[used++] = *c;
    }
    plain[used] = 0;
    for (char *dot = strrchr(plain, '.'); dot && structure_name_check(plain, NULL); dot = strrchr(plain, '.'))
        *dot = '-'; /* the ending of a file */
    snprintf(out, size, "%s", *plain ? plain : "structure");
    for (unsigned number = 2; find_name(renewing, out); number++)
        snprintf(out, size, "%s-%u", *plain ? plain : "structure", number);
}

static int take_entry(void *argument, const struct structure *structure)
{
    return catalog_entry(structure, argument, NULL);
}

/* The document with that name in the place of its own, which is its first line. */
static int check(const char *document, const char *name, struct store_structure *out, struct reason *why)
{
    cleanup_free char *text = NULL;
    const char *rest = strchr(document, '\n');

    if (!rest || strncmp(document, "name: ", 6) != 0)
        return refuse(why, WISP_E_FORMAT, "it is no document");
    if (asprintf(&text, "name: \"%s\"%s", name, rest) < 0)
        return -ENOMEM;
    return document_parse("its document", text, strlen(text), take_entry, out, NULL, why);
}

static bool note(struct renewing *renewing, const char *name, const char *hash)
{
    if (renewing->count == renewing->capacity) {
        size_t capacity = MAX((size_t)256, 2 * renewing->capacity);
        struct taken *larger = realloc(renewing->taken, capacity * sizeof *larger);

        if (!larger)
            return false;
        renewing->taken = larger;
        renewing->capacity = capacity;
    }
    snprintf(renewing->taken[renewing->count].name, STORE_NAME_MAX, "%s", name);
    snprintf(renewing->taken[renewing->count].hash, STORE_HASH_MAX, "%s", hash);
    renewing->count++;
    return true;
}

/* First of all, the names that stay, and the hashes that do: to them the others give way. */
static int note_settled(void *argument, const struct store_structure *entry)
{
    struct renewing *renewing = argument;
    struct store_structure fresh = { .document = NULL };
    bool settled;

    if (structure_name_check(entry->name, NULL))
        return 0;
    settled = !check(entry->document, entry->name, &fresh, NULL) && !strcmp(fresh.hash, entry->hash);
    renewing->full |= !note(renewing, entry->name, settled ? entry->hash : "");
    store_structure_deinit(&fresh);
    return 0;
}

static enum store_renewal renew(void *argument, const struct store_structure *old, struct store_structure *out)
{
    struct renewing *renewing = argument;
    const struct taken *same;
    char name[STORE_NAME_MAX];
    struct reason why = { "" };

    if (renewing->full)
        return STORE_KEEP;
    if ((same = find_name(renewing, old->name)) && !strcmp(same->hash, old->hash))
        return check(old->document, old->name, out, NULL) ? STORE_KEEP : STORE_CHANGE;
    if (structure_name_check(old->name, NULL))
        rename_anew(renewing, old->name, name, sizeof name);
    else
        snprintf(name, sizeof name, "%s", old->name);
    if (check(old->document, name, out, &why)) {
        fprintf(stderr, "wisp structure: \"%s\" is of an older version and cannot be read: %s\n", old->name, why.text);
        return STORE_KEEP;
    }
    if ((same = find_hash(renewing, out->hash))) {
        fprintf(stderr, "wisp structure: \"%s\" is the same structure as %s, and is kept under that name alone\n",
                old->name, same->name);
        store_structure_deinit(out);
        return STORE_DROP;
    }
    if (strcmp(name, old->name) != 0)
        fprintf(stderr, "wisp structure: \"%s\" is no name any more; its structure is called %s now\n", old->name,
                name);
    renewing->full |= !note(renewing, name, out->hash);
    return STORE_CHANGE;
}

int catalog_renew(struct store *store, struct reason *why)
{
    struct renewing renewing = { .count = 0 };
    int result = store_begin(store, why);

    if (result)
        return result;
    result = store_list(store, &(struct store_query){ .documents = true }, note_settled, &renewing, why);
    if (!result && !(result = store_renew(store, renew, &renewing, why)))
        result = store_commit(store, why);
    else
        store_rollback(store, NULL);
    free(renewing.taken);
    return result;
}
