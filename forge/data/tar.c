/* SPDX-License-Identifier: Apache-2.0
 *
 * An archive of files, a tar (plain, gzipped or xz-packed) or a zip, in its own order. Nothing is written to disk, so a
 * path in it can do no harm.
 */
#include <string.h>

#include "base/size.h"
#include "forge/data/archive_walk.h"
#include "forge/data/place.h"
#include "forge/data/readers.h"

struct walk {
    struct collect *collect;
    bool has_other;
};

bool tar_has_name(const char *path)
{
    static const char *const endings[] = { ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".zip" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

static int add_entry(void *argument, const char *name, const void *data, size_t size, struct reason *why)
{
    struct walk *walk = argument;
    struct place_of found;
    int result = place_find(name, walk->collect->wish, &found, why);

    if (result)
        return collect_skip(walk->collect, result, why);
    walk->has_other |= found.place == PLACE_OTHER;
    if (found.place != PLACE_HERE)
        return 0;
    return reader_add_file(walk->collect, found.class, found.class_length, name, data, size, why);
}

int tar_read(const char *path, struct collect *collect, struct reason *why)
{
    struct walk walk = { .collect = collect };
    int result = archive_walk(path, MEDIA_FILE_MAX, add_entry, &walk, why);

    return result ? result : reader_check_split(collect, path, walk.has_other, why);
}
