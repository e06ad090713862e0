/* SPDX-License-Identifier: Apache-2.0
 *
 * Which reader a path wants, told by what is there.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "forge/data/readers.h"

enum { PATH_BYTES = 4096 };

int reader_add_file(struct collect *collect, enum media_kind kind, uint32_t class, const char *name, const void *bytes,
                    size_t length, struct reason *why)
{
    struct media_picture picture;
    struct media_sound sound;
    int result;

    if (kind == MEDIA_IMAGE) {
        if ((result = media_decode_picture(name, bytes, length, &picture, why)) ||
            (result = collect_own(collect, picture.pixels, why)))
            return result;
        return collect_picture(collect, class, picture, why);
    }
    if (kind != MEDIA_AUDIO)
        return refuse(why, WISP_E_FORMAT, "%s: this form of data holds pictures or sounds", name);
    if ((result = media_decode_sound(name, bytes, length, &sound, why)) ||
        (result = collect_own(collect, sound.samples, why)))
        return result;
    return collect_sound(collect, class, sound, why);
}

/* "train.tsv.xz" for the split "train": a table or archive of the folder whose name begins with the split; or the only
 * archive there. Empty when there is none. */
static void find_in_folder(const char *folder, const char *split, char *path)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    size_t length = strlen(split);
    unsigned archives = 0;

    *path = 0;
    while (open && (entry = readdir(open))) {
        bool named = !strncmp(entry->d_name, split, length) && entry->d_name[length] == '.';
        bool tar = tar_has_name(entry->d_name);

        archives += tar;
        if ((named && (tar || table_has_name(entry->d_name))) || (tar && archives == 1 && !*path))
            snprintf(path, PATH_BYTES, "%s/%s", folder, entry->d_name);
        if (named && *path)
            break;
    }
    if (open)
        closedir(open);
}

static int read_kind(const char *path, const char *split, enum media_kind kind, struct collect *collect,
                     struct reason *why)
{
    char inner[PATH_BYTES];
    struct stat status;

    if (stat(path, &status) < 0)
        return refuse_errno(why, -errno, "cannot open %s", path);
    if (!S_ISDIR(status.st_mode)) {
        if (table_has_name(path))
            return kind == MEDIA_TEXT ? table_read(path, collect, why)
                                      : refuse(why, WISP_E_FORMAT,
                                               "%s is a table of text, which this model does not "
                                               "take",
                                               path);
        if (tar_has_name(path))
            return tar_read(path, split, kind, collect, why);
        return refuse(why, WISP_E_FORMAT,
                      "%s: not a form of data that is known: a folder with idx files or with a "
                      "folder a class, a .csv or .tsv, or a .tar",
                      path);
    }
    if (idx_is_there(path))
        return kind == MEDIA_IMAGE
                   ? idx_read(path, split, collect, why)
                   : refuse(why, WISP_E_FORMAT, "%s holds pictures, which this model does not take", path);
    find_in_folder(path, split, inner);
    if (*inner)
        return read_kind(inner, split, kind, collect, why);
    if (kind == MEDIA_TEXT)
        return refuse(why, WISP_E_FORMAT, "%s: no %s.tsv or %s.csv in it, plain, .gz or .xz", path, split, split);
    return tree_read(path, split, kind, collect, why);
}

/* The last part of the path that says something: "fashion-mnist" of "data/fashion-mnist/". */
static void name_of(const char *path, char *name, size_t size)
{
    size_t length = strlen(path), start;

    while (length > 1 && path[length - 1] == '/')
        length--;
    for (start = length; start && path[start - 1] != '/'; start--)
        ;
    snprintf(name, size, "%.*s", (int)(length - start), path + start);
}

int dataset_read(const char *path, const char *split, enum media_kind kind, char *const *labels, size_t label_count,
                 struct dataset **out, struct reason *why)
{
    char name[128], beside[PATH_BYTES];
    struct collect collect;
    struct stat status;
    int result = collect_init(&collect, kind, why);

    if (result)
        return result;
    name_of(path, name, sizeof name);
    snprintf(beside, sizeof beside, "%s", path);
    if (!stat(path, &status) && !S_ISDIR(status.st_mode))
        beside[strrchr(beside, '/') ? strrchr(beside, '/') - beside : 0] = 0;
    result = read_kind(path, split, kind, &collect, why);
    if (!result) {
        result = collect_finish(&collect, name, *beside ? beside : ".", labels, label_count, out, why);
        if (result)
            result = refuse_in(why, result, "%s (%s)", path, split);
    }
    collect_deinit(&collect);
    return result;
}
