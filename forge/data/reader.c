/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of files share.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forge/data/readers.h"

char *path_join(const char *folder, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

bool name_ends(const char *name, const char *const *endings, size_t count)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < count; i++) {
        size_t tail = strlen(endings[i]);

        if (length > tail && !strcmp(name + length - tail, endings[i]))
            return true;
    }
    return false;
}

static int add_picture(struct collect *collect, uint32_t class, const char *path, const void *bytes, size_t length,
                       struct reason *why)
{
    struct media_picture picture;
    int result = media_decode_picture(path, bytes, length, &picture, why);

    if (!result)
        result = collect_own(collect, picture.pixels, why);
    return result ? result : collect_picture(collect, class, picture, why);
}

/* Whether the model can take it: one that is silent is known only by trying. */
static int try_sound(struct collect *collect, const char *path, const struct media_sound *sound, struct reason *why)
{
    const struct media *media = collect->wish->media;
    int result;

    if (!collect->wish->skip_bad || !media)
        return 0;
    if (!collect->scratch)
        collect->scratch = memory_alloc(media_elements(media), sizeof *collect->scratch);
    if (!collect->scratch)
        return refuse_errno(why, -ENOMEM, "%s", path);
    result = media_encode_sound(media, sound, collect->scratch, NULL, why);
    return result ? refuse_in(why, result, "%s", path) : 0;
}

static int add_sound(struct collect *collect, uint32_t class, const char *path, const void *bytes, size_t length,
                     struct reason *why)
{
    struct media_sound sound;
    int result = media_decode_sound(path, bytes, length, &sound, why);

    if (result)
        return result;
    result = try_sound(collect, path, &sound, why);
    if (result) {
        free(sound.samples);
        return result;
    }
    result = collect_own(collect, sound.samples, why);
    return result ? result : collect_sound(collect, class, sound, why);
}

int reader_add_file(struct collect *collect, const char *class, size_t class_length, const char *path,
                    const void *bytes, size_t length, struct reason *why)
{
    uint32_t number = 0;
    int result = collect->wish->unlabelled ? 0 : collect_class(collect, class, class_length, &number, why);

    if (result)
        return collect_skip(collect, refuse_in(why, result, "%s", path), why);
    if (collect->wish->kind == MEDIA_IMAGE)
        result = add_picture(collect, number, path, bytes, length, why);
    else
        result = add_sound(collect, number, path, bytes, length, why);
    return result ? collect_skip(collect, result, why) : collect_name(collect, path, why);
}

int reader_check_split(const struct collect *collect, const char *path, bool has_other, struct reason *why)
{
    const struct dataset *set = collect->set;

    if (set->count)
        return 0;
    if (set->skipped.count)
        return refuse(why, WISP_E_FORMAT, "%s: none of its %zu files can be read; the first: %s", path,
                      set->skipped.count, set->skipped.first[0] ? set->skipped.first[0] : "");
    if (has_other)
        return refuse(why, WISP_E_FORMAT, "%s: there are splits in it, but none that is named \"%s\"", path,
                      collect->wish->split);
    return refuse(why, WISP_E_FORMAT,
                  "%s: no data in it that are known: a folder for each class with pictures or sounds, idx files, a "
                  ".csv, .tsv, .tar or .zip",
                  path);
}
