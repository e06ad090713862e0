/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to a file in one call, on top of what any program could call itself.
 */
#include <stdlib.h>
#include <string.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/file.h"
#include "base/size.h"
#include "client/codecs/codec.h"
#include "client/codecs/process.h"
#include "media/spec/media.h"

enum {
    FINDS_MAX = 3,
    FILE_MAX = 512 << 20, /* as large as a picture of as many pixels as are read is in any format */
};

CLEANUP_DEFINE(model, wisp_model, wisp_model_free)

static const struct processor *const processors[] = { &process_picture, &process_sound };

static int find_processor(const struct process *process, const struct processor **out)
{
    for (size_t i = 0; i < ARRAY_SIZE(processors); i++) {
        *out = processors[i];
        if (processors[i]->is_for(process->media))
            return 0;
    }
    return refuse(wisp_private_last_error(), WISP_E_INVALID, "%s gives no picture and no sound, or does not say so",
                  wisp_model_name(process->model));
}

static int run(struct process *process, const char *name, void **bytes, size_t *length)
{
    cleanup(model_at_exit) wisp_model *model = NULL;
    const struct processor *processor;
    int result = wisp_find(process->client, name, &model);

    process->model = model;
    if (!result)
        result = codec_media(model, &process->media);
    if (!result)
        result = find_processor(process, &processor);
    if (!result && process->out)
        result = processor->check_name(process->out, wisp_private_last_error());
    return result ? result : processor->run(process, bytes, length);
}

float process_threshold(const struct process *process)
{
    return process->options->threshold > 0 ? process->options->threshold : MEDIA_THRESHOLD;
}

static int check_options(const struct wisp_process_options *options)
{
    if (!(options->threshold >= 0 && options->threshold < 1))
        return refuse(wisp_private_last_error(), WISP_E_INVALID,
                      "wisp_process_options.threshold is %g: must be from 0 to below 1", (double)options->threshold);
    if (!options->size || options->size == sizeof *options)
        return 0;
    return refuse(wisp_private_last_error(), WISP_E_INVALID,
                  "wisp_process_options.size must be sizeof(struct wisp_process_options), or 0");
}

static int check_out(const char *out)
{
    return out && strcmp(out, "-") != 0 ? file_check_target(out, wisp_private_last_error()) : 0;
}

WISP_EXPORT int wisp_process_file(wisp_client *client, const char *model, const char *in, const char *out,
                                  const struct wisp_process_options *options, struct wisp_timings *timings)
{
    static const struct wisp_process_options usual = { .size = sizeof usual };
    struct process process = { .client = client,
                               .name = strcmp(in, "-") != 0 ? in : "standard input",
                               .out = out,
                               .options = options ? options : &usual,
                               .timings = timings };
    cleanup_free void *file = NULL, *bytes = NULL;
    size_t length;
    int result = check_options(process.options);

    if (!result)
        result = check_out(out);
    if (!result)
        result = check_out(process.options->overlay);
    if (!result && process.options->overlay)
        result = media_check_picture_name(process.options->overlay, wisp_private_last_error());
    if (!result)
        result = file_read_or_pipe(in, FILE_MAX, &file, &process.length, wisp_private_last_error());
    process.bytes = file;
    /* The caller knows the model by its name alone, so another one behind it is found anew, and all begins anew. */
    for (int i = 0; !result && i < FINDS_MAX; i++) {
        result = run(&process, model, &bytes, &length);
        if (result != WISP_E_CHANGED)
            break;
        result = i + 1 < FINDS_MAX ? 0 : result;
    }
    return result || !out ? result : codec_write(out, bytes, length);
}
