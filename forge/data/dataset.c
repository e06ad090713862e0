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

static void collect_cleanup(struct collect *collect)
{
    collect_deinit(collect);
}

/* How well a file of a folder fits a split: 3 "train.tsv.xz", 2 "NAME-train.tar.xz", 1 any archive, 0 not at all. */
static int fitness(const char *name, const char *split)
{
    size_t stem = strcspn(name, "."), length = strlen(split);
    bool tar = tar_has_name(name);

    if (*name == '.' || (!tar && !table_has_name(name) && !conllu_has_name(name)))
        return 0;
    if (stem == length && !strncmp(name, split, length))
        return 3;
    if (stem > length && strchr("-_", name[stem - length - 1]) && !strncmp(name + stem - length, split, length))
        return 2;
    return tar;
}

/* The file of the folder that holds the split; *out stays NULL when there is none. */
static int find_in_folder(const char *folder, const char *split, char **out, struct reason *why)
{
    cleanup_free char *best = NULL;
    DIR *open = opendir(folder);
    struct dirent *entry;
    int fits = 0, alike = 0, result = 0;

    if (!open)
        return refuse_errno(why, -errno, "cannot read the folder %s", folder);
    while (!result && (entry = readdir(open))) {
        int fit = fitness(entry->d_name, split);

        alike = fit > fits ? 1 : alike + (fit == fits);
        if (fit > fits) {
            free(best);
            best = path_join(folder, entry->d_name);
            result = best ? 0 : refuse_errno(why, -ENOMEM, "%s", folder);
            fits = fit;
        }
    }
    closedir(open);
    if (!result && fits && alike > 1)
        return refuse(why, WISP_E_FORMAT, "%s: %d files may hold the split \"%s\"; name the one that is meant", folder,
                      alike, split);
    *out = steal(&best);
    return result;
}

static const char *kind_name(enum media_kind kind)
{
    static const char *const names[] = {
        [MEDIA_RAW] = "raw values", [MEDIA_IMAGE] = "pictures", [MEDIA_TEXT] = "texts", [MEDIA_AUDIO] = "sounds"
    };

    return names[kind];
}

static int read_file(const char *path, struct collect *collect, struct reason *why)
{
    enum media_kind kind = collect->wish->kind;
    bool table = table_has_name(path);

    if (collect->wish->tags && collect->wish->tags != TAGS_KEPT && conllu_has_name(path))
        return conllu_read(path, collect, why);
    if (!table && !tar_has_name(path))
        return refuse(
            why, WISP_E_FORMAT,
            "%s: not a form of data that is known: a folder with idx files or with a folder for each class, a "
            ".csv or .tsv, a .tar (.gz, .xz) or a .zip",
            path);
    if (table != (kind == MEDIA_TEXT))
        return refuse(why, WISP_E_FORMAT, "%s holds %s, but the model takes %s", path, table ? "texts" : "files",
                      kind_name(kind));
    return table ? table_read(path, collect, why) : tar_read(path, collect, why);
}

static int read_folder(const char *path, struct collect *collect, struct reason *why)
{
    const char *split = collect->wish->split;
    enum media_kind kind = collect->wish->kind;
    cleanup_free char *inner = NULL;
    int result;

    if (idx_is_there(path)) {
        if (kind != MEDIA_IMAGE)
            return refuse(why, WISP_E_FORMAT, "%s holds pictures, but the model takes %s", path, kind_name(kind));
        return idx_read(path, collect, why);
    }
    result = find_in_folder(path, split, &inner, why);
    if (result)
        return result;
    if (inner)
        return read_file(inner, collect, why);
    if (kind == MEDIA_TEXT)
        return refuse(why, WISP_E_FORMAT, "%s: no %s.tsv or %s.csv in it, plain, .gz or .xz", path, split, split);
    result = tree_read(path, collect, why);
    return result == WISP_E_FORMAT && kind == MEDIA_IMAGE && !collect->set->count ? idx_explain(path, result, why)
                                                                                  : result;
}

/* The path without slashes at its end; and where its last part begins. */
static char *tidy(const char *path, const char **last)
{
    size_t length = strlen(path);
    char *copy, *slash;

    while (length > 1 && path[length - 1] == '/')
        length--;
    copy = strndup(path, length);
    slash = copy ? strrchr(copy, '/') : NULL;
    *last = slash && slash[1] ? slash + 1 : copy;
    return copy;
}

int dataset_read(const struct dataset_wish *wish, struct dataset **out, struct reason *why)
{
    cleanup(collect_cleanup) struct collect collect = { .set = NULL };
    const char *last;
    cleanup_free char *whole = tidy(wish->path, &last);
    struct stat status;
    int result;

    if (!whole)
        return refuse_errno(why, -ENOMEM, "%s", wish->path);
    if (wish->kind == MEDIA_RAW)
        return refuse(why, WISP_E_FORMAT, "%s: there is no reader of raw values", wish->path);
    if (stat(whole, &status) < 0)
        return refuse_errno(why, -errno, "cannot open %s", wish->path);
    result = collect_init(&collect, wish, why);
    if (!result && wish->scores && !wish->tags)
        result = transcripts_read(whole, S_ISDIR(status.st_mode), &collect, why);
    else if (!result && S_ISDIR(status.st_mode))
        result = read_folder(whole, &collect, why);
    else if (!result)
        result = read_file(whole, &collect, why);
    if (result)
        return result;
    result = collect_finish(&collect, last, S_ISDIR(status.st_mode) ? whole : NULL, out, why);
    return result ? refuse_in(why, result, "%s (%s)", wish->path, wish->split) : 0;
}
