/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of files, read in the order of the names, whatever the locale. Links are followed; folders are not followed
 * for ever.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "forge/data/place.h"
#include "forge/data/readers.h"

enum { DEPTH_MAX = 8 };

struct walk {
    struct collect *collect;
    size_t root_length; /* of what stands before the relative path */
    bool has_other;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int skip_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int read_sample(struct walk *walk, const char *path, struct reason *why)
{
    cleanup_free void *data = NULL;
    struct place_of found;
    size_t size;
    int result = place_find(path + walk->root_length, walk->collect->wish, &found, why);

    if (result)
        return collect_skip(walk->collect, result, why);
    walk->has_other |= found.place == PLACE_OTHER;
    if (found.place != PLACE_HERE)
        return 0;
    if ((result = file_read(path, MEDIA_FILE_MAX, &data, &size, why)))
        return collect_skip(walk->collect, result, why);
    return reader_add_file(walk->collect, found.class, found.class_length, path, data, size, why);
}

static int read_folder(struct walk *walk, const char *folder, int depth, struct reason *why);

static int read_entry(struct walk *walk, const char *folder, const char *name, int depth, struct reason *why)
{
    cleanup_free char *path = path_join(folder, name);
    struct stat status;

    if (!path)
        return refuse_errno(why, -ENOMEM, "%s", folder);
    if (stat(path, &status) < 0)
        return collect_skip(walk->collect, refuse_errno(why, -errno, "cannot read %s", path), why);
    if (S_ISDIR(status.st_mode))
        return read_folder(walk, path, depth + 1, why);
    return read_sample(walk, path, why);
}

static int read_folder(struct walk *walk, const char *folder, int depth, struct reason *why)
{
    struct dirent **entries = NULL;
    int count, result = 0;

    if (depth > DEPTH_MAX)
        return refuse(why, WISP_E_FORMAT, "%s: more than %d folders deep", folder, DEPTH_MAX);
    count = scandir(folder, &entries, skip_hidden, by_name);
    if (count < 0)
        return refuse_errno(why, -errno, "cannot read the folder %s", folder);
    for (int i = 0; i < count; i++) {
        if (!result)
            result = read_entry(walk, folder, entries[i]->d_name, depth, why);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int tree_read(const char *folder, struct collect *collect, struct reason *why)
{
    struct walk walk = { .collect = collect, .root_length = strlen(folder) + 1 };
    int result = read_folder(&walk, folder, 0, why);

    return result ? result : reader_check_split(collect, folder, walk.has_other, why);
}
