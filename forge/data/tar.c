/* SPDX-License-Identifier: Apache-2.0
 *
 * A tar of samples: SPLIT/CLASS/FILE, SPLIT/CLASS_REST.wav, or either without the split.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/archive_walk.h"
#include "forge/data/readers.h"

struct walk {
    struct collect *collect;
    enum media_kind kind;
    const char *split;
};

bool tar_has_name(const char *path)
{
    static const char *const endings[] = { ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz" };
    size_t length = strlen(path);

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t tail = strlen(endings[i]);

        if (length > tail && !strcmp(path + length - tail, endings[i]))
            return true;
    }
    return false;
}

static bool is_split(const char *name, size_t length)
{
    static const char *const splits[] = { "train", "test", "validation" };

    for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
        if (strlen(splits[i]) == length && !memcmp(splits[i], name, length))
            return true;
    }
    return false;
}

static bool is_sample(const char *name, enum media_kind kind)
{
    static const struct {
        const char *ending;
        enum media_kind kind;
    } known[] = { { ".wav", MEDIA_AUDIO }, { ".flac", MEDIA_AUDIO }, { ".ogg", MEDIA_AUDIO },
                  { ".png", MEDIA_IMAGE }, { ".jpg", MEDIA_IMAGE },  { ".jpeg", MEDIA_IMAGE } };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < ARRAY_SIZE(known); i++) {
        if (known[i].kind == kind && !strcasecmp(dot, known[i].ending))
            return true;
    }
    return false;
}

static int add_entry(void *argument, const char *name, const void *data, size_t size, struct reason *why)
{
    struct walk *walk = argument;
    const char *file = strrchr(name, '/'), *class = name, *slash;
    size_t length;
    uint32_t number;
    int result;

    while (!strncmp(class, "./", 2))
        class += 2;
    slash = strchr(class, '/');
    if (slash && is_split(class, (size_t)(slash - class))) {
        if (strlen(walk->split) != (size_t)(slash - class) || strncmp(class, walk->split, (size_t)(slash - class)))
            return 0;
        class = slash + 1;
        slash = strchr(class, '/');
    }
    file = file ? file + 1 : name;
    if (!is_sample(file, walk->kind))
        return 0;
    length = slash ? (size_t)(slash - class) : strcspn(class, "_.");
    if ((result = collect_class(walk->collect, class, length, &number, why)))
        return refuse_in(why, result, "%s", name);
    return reader_add_file(walk->collect, walk->kind, number, name, data, size, why);
}

int tar_read(const char *path, const char *split, enum media_kind kind, struct collect *collect, struct reason *why)
{
    struct walk walk = { .collect = collect, .kind = kind, .split = split };

    return archive_walk(path, MEDIA_FILE_MAX, add_entry, &walk, why);
}
