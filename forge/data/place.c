/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "forge/data/place.h"
#include "media/spec/media.h"

static bool is_one_of(const char *word, size_t length, const char *const *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(known[i]) == length && !strncasecmp(word, known[i], length))
            return true;
    }
    return false;
}

static bool is_split(const char *folder, size_t length)
{
    static const char *const splits[] = { "train", "test", "validation", "val", "dev" };

    return is_one_of(folder, length, splits, ARRAY_SIZE(splits));
}

/* What file managers leave behind; hidden files are passed over anyway. */
static bool is_litter(const char *name, size_t length)
{
    static const char *const litter[] = { "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r", "__MACOSX", "@eaDir" };

    return is_one_of(name, length, litter, ARRAY_SIZE(litter));
}

/* Folders on the way, from the left: the last of them, and the last that is a split. False when one is hidden. */
static bool walk_folders(const char *path, const char *split, struct place_of *out, const char **file)
{
    const char *slash;

    for (; (slash = strchr(path, '/')); path = slash + 1) {
        size_t length = (size_t)(slash - path);

        if ((*path == '.' && length > 1) || is_litter(path, length))
            return false;
        if (!length || *path == '.')
            continue;
        if (is_split(path, length)) {
            out->place = strlen(split) == length && !strncasecmp(path, split, length) ? PLACE_HERE : PLACE_OTHER;
            out->class_length = 0;
        } else {
            out->class = path;
            out->class_length = length;
        }
    }
    *file = path;
    return *path && *path != '.' && !is_litter(path, strlen(path));
}

int place_find(const char *path, const struct dataset_wish *wish, struct place_of *out, struct reason *why)
{
    const char *file;

    *out = (struct place_of){ .place = PLACE_HERE };
    if (!walk_folders(path, wish->split, out, &file) || (!out->class_length && !media_ending_is_read(file))) {
        out->place = PLACE_NONE;
        return 0;
    }
    if (wish->unlabelled || out->class_length || out->place == PLACE_OTHER)
        return 0;
    out->class = file;
    out->class_length = strcspn(file, "_");
    if (!file[out->class_length] || !out->class_length)
        return refuse(why, WISP_E_FORMAT,
                      "%s: its class is not known; put it in a folder named for the class, or name it CLASS_REST",
                      path);
    return 0;
}
