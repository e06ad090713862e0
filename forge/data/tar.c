/* SPDX-License-Identifier: Apache-2.0
 *
 * A tar of files, plain, gzipped or xz-packed, in its own order. Nothing is written to disk, so a path in it can do no
 * harm.
 */
#include <string.h>

#include "base/size.h"
#include "forge/data/archive_walk.h"
#include "forge/data/place.h"
#include "forge/data/readers.h"

struct walk {
    struct collect *collect;
    enum media_kind kind;
    const char *split;
    bool has_other;
};

bool tar_has_name(const char *path)
{
    static const char *const endings[] = { ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

static int add_entry(void *argument, const char *name, const void *data, size_t size, struct reason *why)
{
    struct walk *walk = argument;
    struct place_of found;
    uint32_t class;
    int result = place_find(name, walk->split, &found, why);

    if (result)
        return result;
    walk->has_other |= found.place == PLACE_OTHER;
    if (found.place != PLACE_HERE)
        return 0;
    if ((result = collect_class(walk->collect, found.class, found.class_length, &class, why)))
        return refuse_in(why, result, "%s", name);
    return reader_add_file(walk->collect, walk->kind, class, name, data, size, why);
}

int tar_read(const char *path, const char *split, enum media_kind kind, struct collect *collect, struct reason *why)
{
    struct walk walk = { .collect = collect, .kind = kind, .split = split };
    int result = archive_walk(path, MEDIA_FILE_MAX, add_entry, &walk, why);

    return result ? result : reader_check_split(collect, path, split, walk.has_other, why);
}
