/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json/json_memory.h"
#include "forge/experiment/media_option.h"
#include "forge/plan/lineage.h"
#include "media/spec/media.h"

enum { MEDIA_SPEC_MAX = 1 << 20 };

int media_check_words(const struct media *media, const struct media_input *input, struct reason *why)
{
    const uint32_t said = media_vocabulary(media);

    if (!said || !input->words || said == input->words)
        return 0;
    return refuse(why, WISP_E_FORMAT, "\"features\" is %u, and input \"%s\" looks up %u words: give \"features\": %u",
                  said, input->name, input->words, input->words);
}

static int check(const struct media *media, const struct media_input *input, struct reason *why)
{
    const size_t given = media_elements(media);

    if (given == input->elements)
        return media_check_words(media, input, why);
    return refuse(why, WISP_E_FORMAT, "gives %zu values a sample, but the first layer has %llu neurons", given,
                  (unsigned long long)input->elements);
}

int media_option_read(const char *text, const struct media_input *input, char **out, struct reason *why)
{
    cleanup_free void *file = NULL;
    cleanup_free char *compact = NULL;
    const char *name = "the JSON", *source = text;
    struct media *media;
    json_error_t error;
    json_t *object;
    size_t size;
    int result;

    if (*text != '{') {
        result = file_read(text, MEDIA_SPEC_MAX, &file, &size, why);
        if (result)
            return result;
        name = text;
        source = file;
    }
    object = json_from_string(source, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        return refuse(why, WISP_E_FORMAT, "%s, line %d, column %d: %s", name, error.line, error.column, error.text);
    compact = json_to_text(object, JSON_FORM);
    json_decref(object);
    if (!compact)
        return refuse_errno(why, -ENOMEM, "%s", name);
    result = media_parse(compact, &media, why);
    if (!result) {
        result = check(media, input, why);
        media_free(media);
    }
    if (result)
        return refuse_in(why, result, "%s", name);
    *out = steal(&compact);
    return 0;
}
