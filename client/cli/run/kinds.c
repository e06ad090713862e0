/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/path.h"
#include "base/size.h"
#include "client/cli/run/kinds.h"

enum { KIND_IMAGE, KIND_TEXT, KIND_AUDIO };

/* What is decoded of each kind (<wisp/media.h>). */
static const struct kind kinds[] = {
    [KIND_IMAGE] = { "image", "picture in .png or .jpg", { ".png", ".jpg", ".jpeg" } },
    [KIND_TEXT] = { "text", "text in .txt, .text or .md", { ".txt", ".text", ".md" } },
    [KIND_AUDIO] = { "audio",
                     "recording in .wav, .flac, .ogg, .opus, .mp3, .aiff or .au",
                     { ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au" } },
};

static const struct kind pictures_both_ways = { "image",
                                                "picture in .png, .jpg or .wz",
                                                { ".png", ".jpg", ".jpeg", ".wz" } };

static const struct kind tensors = { "tensor", "file", { NULL } };

const struct kind *kinds_of(const struct run *run)
{
    cleanup_json json_t *json = json_from_string(wisp_model_json(run->model), 0, NULL);
    const char *name = json_string_value(json_object_get(json_object_get(json, "media"), "kind"));

    if (run->tensor)
        return &tensors;
    if (run->compresses)
        return &pictures_both_ways;
    for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(name, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

bool kinds_has(const struct kind *kind, const char *name)
{
    const char *ending = path_ending(name);

    if (!kind->endings[0])
        return true;
    for (size_t i = 0; ending && i < ENDINGS_MAX && kind->endings[i]; i++) {
        if (!strcasecmp(ending, kind->endings[i]))
            return true;
    }
    return false;
}

bool kinds_of_media(const char *name)
{
    return kinds_has(&pictures_both_ways, name) || kinds_has(&kinds[KIND_AUDIO], name);
}
