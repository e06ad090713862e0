/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to labels in one call, on top of what any program could call itself.
 */
#include <string.h>

#include <wisp/media.h>
#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/file.h"
#include "client/codecs/codec.h"
#include "media/spec/media.h"

enum { FINDS_MAX = 3 };

CLEANUP_DEFINE(request, wisp_request, wisp_request_free)
CLEANUP_DEFINE(model, wisp_model, wisp_model_free)

/* A file that is to be classified, and by when. */
struct content {
    const char *name;
    void *bytes;
    size_t length;
    uint64_t deadline_ns;
};

static int classify(wisp_client *client, const char *name, const struct content *content, struct wisp_label *top,
                    size_t *count, struct wisp_timings *timings)
{
    cleanup(model_at_exit) wisp_model *model = NULL;
    cleanup(request_at_exit) wisp_request *request = NULL;
    int result = wisp_find(client, name, &model);

    if (!result)
        result = wisp_request_new(client, model, 1, &request);
    if (!result)
        result = codec_encode(model, content->name, content->bytes, content->length, wisp_request_input(request));
    if (!result)
        result = wisp_private_run(request, content->deadline_ns);
    if (result)
        return result;
    if (timings)
        wisp_request_timings(request, timings);
    return wisp_top(model, wisp_request_output_tensor(request, 0), top, count);
}

WISP_EXPORT int wisp_classify_file(wisp_client *client, const char *name, const char *path, struct wisp_label *top,
                                   size_t *count, struct wisp_timings *timings)
{
    struct content content = { .name = strcmp(path, "-") != 0 ? path : "standard input",
                               .deadline_ns = wisp_private_answer_by(client) };
    size_t wanted = *count;
    int result = file_read(path, MEDIA_FILE_MAX, &content.bytes, &content.length, wisp_private_last_error());

    /* The caller knows the model by its name alone, so another one behind it is found anew, and encoded for. */
    for (int i = 0; !result && i < FINDS_MAX; i++) {
        *count = wanted;
        result = classify(client, name, &content, top, count, timings);
        if (result != WISP_E_CHANGED)
            break;
        result = i + 1 < FINDS_MAX ? 0 : result;
    }
    free(content.bytes);
    return result;
}
