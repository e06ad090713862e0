/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "forge/experiment/media_option.h"
#include "forge/plan/lineage.h"
#include "media/spec/media.h"

enum { MEDIA_SPEC_MAX = 1 << 20 };

int media_option_read(const char *text, uint64_t elements, char **out, struct reason *why)
{
    cleanup_free void *file = NULL;
    cleanup_free char *compact = NULL;
    const char *name = "the JSON", *source = text;
    struct media *media;
    json_error_t error;
    json_t *object;
    size_t size;
    uint64_t given;
    int result;

    if (*text != '{') {
        result = file_read(text, MEDIA_SPEC_MAX, &file, &size, why);
        if (result)
            return result;
        name = text;
        source = file;
    }
    object = json_loads(source, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        return refuse(why, WISP_E_FORMAT, "%s, line %d, column %d: %s", name, error.line, error.column, error.text);
    compact = json_dumps(object, JSON_FORM);
    json_decref(object);
    if (!compact)
        return refuse_errno(why, -ENOMEM, "%s", name);
    result = media_parse(compact, &media, why);
    if (result)
        return refuse_in(why, result, "%s", name);
    given = media_elements(media);
    media_free(media);
    if (given != elements)
        return refuse(why, WISP_E_FORMAT, "%s: gives %llu values a sample, but the first layer has %llu neurons", name,
                      (unsigned long long)given, (unsigned long long)elements);
    *out = steal(&compact);
    return 0;
}
