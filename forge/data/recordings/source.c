/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "forge/data/recordings/recordings.h"
#include "forge/data/recordings/source.h"

/* Recordings of noise, of the split that the data are of. */
static int read_noise(const struct recordings_source *source, struct dataset **out, struct reason *why)
{
    const struct dataset_wish wish = { .path = source->noise,
                                       .split = source->split,
                                       .kind = MEDIA_AUDIO,
                                       .unlabelled = true,
                                       .skip_bad = source->skip_bad };
    const int result = dataset_read(&wish, out, why);

    return result ? refuse_in(why, result, "--noise") : 0;
}

int recordings_open(struct dataset *set, const struct media *media, const struct recordings_source *source,
                    struct reason *why)
{
    struct recordings_wish wish = { .media = media, .mixed = source->degrade != NULL, .skip_bad = source->skip_bad };
    size_t length = strlen(source->path);
    cleanup_free char *root = NULL;
    int result = source->degrade ? mixing_parse(source->degrade, &wish.mixing, why) : 0;

    if (result)
        return result;
    if (media_recordings(media) > 1 && !wish.mixing.damages)
        return refuse(why, WISP_E_INVALID,
                      "the network merges %u recordings of one event, which are made of clean ones: give --degrade "
                      "damage=LOW:HIGH",
                      media_recordings(media));
    while (length > 1 && source->path[length - 1] == '/')
        length--;
    wish.root = root = strndup(source->path, length);
    if (!root)
        return refuse_errno(why, -ENOMEM, "%s", source->path);
    if (source->noise && (result = read_noise(source, &wish.noise, why)))
        return result;
    result = recordings_make(set, &wish, why);
    return result ? refuse_in(why, result, "%s (%s)", source->path, source->split) : 0;
}
