/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of folders, one a class, of files; in the order of their names.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "forge/data/readers.h"

enum { PATH_BYTES = 2048 };

static int skip_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool is_folder(const char *path)
{
    struct stat status;

    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

static int read_file(const char *path, enum media_kind kind, uint32_t class, struct collect *collect,
                     struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size;
    int result = file_read(path, MEDIA_FILE_MAX, &data, &size, why);

    return result ? result : reader_add_file(collect, kind, class, path, data, size, why);
}

static int read_class(const char *folder, const char *name, enum media_kind kind, struct collect *collect,
                      struct reason *why)
{
    struct dirent **entries;
    char path[PATH_BYTES];
    uint32_t class;
    int count, result = collect_class(collect, name, strlen(name), &class, why);

    if (result)
        return refuse_in(why, result, "%s", folder);
    count = scandir(folder, &entries, skip_hidden, alphasort);
    if (count < 0)
        return refuse_errno(why, -errno, "cannot read the folder %s", folder);
    for (int i = 0; i < count && !result; i++) {
        if (snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) >= (int)sizeof path)
            result = refuse_errno(why, -ENAMETOOLONG, "%s", folder);
        else if (!is_folder(path))
            result = read_file(path, kind, class, collect, why);
    }
    free_entries(entries, count);
    return result;
}

int tree_read(const char *folder, const char *split, enum media_kind kind, struct collect *collect, struct reason *why)
{
    char root[PATH_BYTES], path[PATH_BYTES];
    struct dirent **entries;
    int count, result = 0, classes = 0;

    snprintf(root, sizeof root, "%s/%s", folder, split);
    if (!is_folder(root))
        snprintf(root, sizeof root, "%s", folder);
    count = scandir(root, &entries, skip_hidden, alphasort);
    if (count < 0)
        return refuse_errno(why, -errno, "cannot read the folder %s", root);
    for (int i = 0; i < count && !result; i++) {
        if (snprintf(path, sizeof path, "%s/%s", root, entries[i]->d_name) >= (int)sizeof path)
            result = refuse_errno(why, -ENAMETOOLONG, "%s", root);
        else if (is_folder(path) && ++classes)
            result = read_class(path, entries[i]->d_name, kind, collect, why);
    }
    free_entries(entries, count);
    if (!result && !classes)
        return refuse(why, WISP_E_FORMAT,
                      "%s: no folders in it: a folder a class is expected, or idx files, a .csv, "
                      ".tsv, or a .tar",
                      root);
    return result;
}
