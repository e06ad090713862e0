/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to a file in one call, on top of what any program could call itself.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/file.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/codecs/codec.h"
#include "client/codecs/process.h"
#include "media/spec/media.h"

enum {
    FINDS_MAX = 3,
    FILES_MAX = 8,
    OPTIONS_WITHOUT_MADE = offsetof(struct wisp_process_options, made), /* as programs of before have them */
};

CLEANUP_DEFINE(model, wisp_model, wisp_model_free)

static const struct processor *const processors[] = { &process_coded, &process_picture, &process_sound };

static int find_processor(const struct process *process, const struct processor **out)
{
    for (size_t i = 0; i < ARRAY_SIZE(processors); i++) {
        *out = processors[i];
        if (processors[i]->is_for(process))
            return 0;
    }
    return refuse(wisp_private_last_error(), WISP_E_INVALID, "%s gives no picture and no sound, or does not say so",
                  wisp_model_name(process->model));
}

static int check_count(const struct process *process)
{
    const uint32_t wanted = media_recordings(process->media);

    if (process->count == wanted)
        return 0;
    return refuse(wisp_private_last_error(), WISP_E_INVALID, "%s makes one file of %u, and %zu %s given",
                  wisp_model_name(process->model), wanted, process->count, process->count == 1 ? "is" : "are");
}

/* Bytes of all that was read, whole or in windows. */
static void tell_made(struct process *process)
{
    const struct wisp_process_options *options = process->options;

    for (size_t i = 0; i < process->count; i++)
        process->read.bytes += process->files[i].length;
    if (options->made)
        options->made(options->made_user, &process->read, &process->made);
}

/* The file comes into being beside the name that it will have. */
static int run_into(struct process *process, const struct processor *processor)
{
    struct reason *why = wisp_private_last_error();
    struct file_replacement replacement;
    int result;

    if (!process->out || !strcmp(process->out, "-"))
        return processor->run(process, process->out ? STDOUT_FILENO : -1);
    result = file_replace(process->out, &replacement, why);
    if (result)
        return result;
    result = processor->run(process, replacement.fd);
    if (!result)
        return file_replace_end(&replacement, 0, why);
    file_replace_drop(&replacement);
    return result;
}

static int run(struct process *process, const char *name)
{
    cleanup(model_at_exit) wisp_model *model = NULL;
    const struct processor *processor;
    int result = wisp_find(process->client, name, &model);

    process->model = model;
    process->read = process->made = (struct wisp_extent){ .bytes = 0 };
    if (!result)
        result = codec_media_of_floats(model, &process->media);
    if (!result)
        result = find_processor(process, &processor);
    if (!result)
        result = check_count(process);
    if (!result && process->out)
        result = processor->check_name(process->out, wisp_private_last_error());
    if (!result)
        result = run_into(process, processor);
    if (!result)
        tell_made(process);
    return result;
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
    if (!options->size || options->size == sizeof *options || options->size == OPTIONS_WITHOUT_MADE)
        return 0;
    return refuse(wisp_private_last_error(), WISP_E_INVALID,
                  "wisp_process_options.size must be sizeof(struct wisp_process_options), or 0");
}

static int check_out(const char *out)
{
    return out && strcmp(out, "-") != 0 ? file_check_target(out, wisp_private_last_error()) : 0;
}

/* Before anything is read. */
static int check(const struct process *process)
{
    struct reason *why = wisp_private_last_error();
    int result = check_options(process->options);

    if (!result && (!process->count || process->count > FILES_MAX))
        result = refuse(why, WISP_E_INVALID, "1 to %d files are given together", FILES_MAX);
    if (!result)
        result = check_out(process->out);
    if (!result)
        result = check_out(process->options->overlay);
    if (!result && process->options->overlay)
        result = media_check_picture_name(process->options->overlay, why);
    return result;
}

/* The caller knows the model by its name alone, so another one behind it is found anew, and all begins anew. */
static int run_anew(struct process *process, const char *model)
{
    int result = WISP_E_CHANGED;

    for (int i = 0; result == WISP_E_CHANGED && i < FINDS_MAX && !process->begun; i++)
        result = run(process, model);
    return result;
}

WISP_EXPORT int wisp_check_output(const wisp_model *model, const char *out)
{
    struct process process = { .model = model };
    const struct processor *processor;
    int result = codec_media(model, &process.media);

    if (!result)
        result = find_processor(&process, &processor);
    return result ? result : processor->check_name(out, wisp_private_last_error());
}

/* What a program says that knows of less than there is. */
static struct wisp_process_options copy_options(const struct wisp_process_options *options)
{
    struct wisp_process_options own = { .size = 0 };

    if (options)
        memcpy(&own, options, options->size ? MIN(options->size, sizeof own) : sizeof own);
    return own;
}

WISP_EXPORT int wisp_process_files(wisp_client *client, const char *model, const char *const *in, const char *out,
                                   const struct wisp_process_options *options, struct wisp_timings *timings)
{
    const struct wisp_process_options own = copy_options(options);
    struct process_file files[FILES_MAX] = { { .fd = -1 } };
    struct process process = { .client = client, .files = files, .out = out, .options = &own, .timings = timings };
    size_t opened = 0;
    int result;

    while (in[process.count] && process.count <= FILES_MAX)
        process.count++;
    result = check(&process);
    for (; !result && opened < process.count; opened++) {
        insist(opened < FILES_MAX);
        result = process_open(&files[opened], in[opened]);
    }
    if (!result)
        result = run_anew(&process, model);
    while (opened)
        process_close(&files[--opened]);
    return result;
}

WISP_EXPORT int wisp_process_file(wisp_client *client, const char *model, const char *in, const char *out,
                                  const struct wisp_process_options *options, struct wisp_timings *timings)
{
    return wisp_process_files(client, model, (const char *const[]){ in, NULL }, out, options, timings);
}
