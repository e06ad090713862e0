/* SPDX-License-Identifier: Apache-2.0
 *
 * From an argument to a tensor. Files are decoded by libwisp, in this process, as the model was trained; with --tensor
 * they are the tensor already.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "client/cli/run/run.h"

enum { INPUT_FILE_MAX = 64 << 20, RANK_MAX = 8 };

int input_refuse(const struct input *input, int result, struct reason *why)
{
    if (input->file)
        return refuse_in(why, result, "%s:%" PRIu64, input->file, input->line);
    return strstr(why->text, input->name) ? result : refuse_in(why, result, "%s", input->name);
}

/* libwisp's sentence. */
static int explain(int result, struct reason *why)
{
    const char *text = wisp_last_error();

    return refuse(why, result, "%s", *text ? text : wisp_status_text(result));
}

/* ---- reading ---- */

bool input_can_be_read_again(const struct input *input)
{
    struct stat status;

    return !input->path || (strcmp(input->path, "-") != 0 && !stat(input->path, &status) && S_ISREG(status.st_mode));
}

int input_read(const struct input *input, void **bytes, size_t *length, struct reason *why)
{
    if (input->path)
        return file_read_or_pipe(input->path, INPUT_FILE_MAX, bytes, length, why);
    *bytes = strndup(input->text, input->length);
    *length = input->length;
    return *bytes ? 0 : refuse_errno(why, -ENOMEM, "%s", input->name);
}

static void describe_shape(const wisp_model *model, char *text, size_t capacity)
{
    uint32_t dimensions[RANK_MAX];
    size_t rank = wisp_model_input_shape(model, dimensions, RANK_MAX);
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < rank && i < RANK_MAX && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%u", i ? "x" : "", dimensions[i]);
}

static int read_tensor(const struct run *run, const struct input *input, float *sample, struct reason *why)
{
    size_t expected = wisp_model_input_size(run->model) * sizeof(float), size = 0;
    cleanup_free void *data = NULL;
    char shape[96];
    int result = file_read_or_pipe(input->path, INPUT_FILE_MAX, &data, &size, why);

    if (result)
        return result;
    describe_shape(run->model, shape, sizeof shape);
    if (size != expected)
        return refuse(why, WISP_E_SHAPE, "%s: %zu bytes, but '%s' takes a tensor of %s float32, which is %zu bytes",
                      input->name, size, wisp_model_name(run->model), shape, expected);
    memcpy(sample, data, expected);
    for (size_t i = 0; i < expected / sizeof *sample; i++) {
        if (!isfinite(sample[i]))
            return refuse(why, WISP_E_FORMAT, "%s: value %zu, at byte %zu, is not a finite number", input->name, i,
                          i * sizeof *sample);
    }
    return 0;
}

static int encode_pipe(const struct run *run, const struct input *input, float *sample, struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size = 0;
    int result = file_read_or_pipe(input->path, INPUT_FILE_MAX, &data, &size, why);

    if (result)
        return result;
    result = wisp_encode_bytes(run->model, data, size, sample);
    return result ? explain(result, why) : 0;
}

/* Of words, which are whole numbers: from all of a file, or a text. */
static int encode_whole(const struct run *run, const struct input *input, void *sample, struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size = 0;
    int result = input->path ? file_read_or_pipe(input->path, INPUT_FILE_MAX, &data, &size, why) : 0;

    if (result)
        return result;
    result = input->path ? wisp_encode_input(run->model, data, size, sample)
                         : wisp_encode_input(run->model, input->text, input->length, sample);
    return result ? explain(result, why) : 0;
}

static int encode(const struct run *run, const struct input *input, void *sample, struct reason *why)
{
    struct stat status = { .st_mode = S_IFREG };
    int result;

    if (input->path && strcmp(input->path, "-") != 0)
        (void)stat(input->path, &status); /* what is not there says so when it is opened */
    if (S_ISDIR(status.st_mode))
        return refuse(why, WISP_E_FORMAT, "%s is a folder: name its files, as in %s/*", input->path, input->path);
    if (!wisp_model_input_size(run->model))
        return encode_whole(run, input, sample, why);
    if (input->path && run->tensor)
        return read_tensor(run, input, sample, why);
    if (S_ISFIFO(status.st_mode))
        return encode_pipe(run, input, sample, why);
    if (input->path)
        result = wisp_encode_file(run->model, input->path, sample);
    else
        result = wisp_encode_bytes(run->model, input->text, input->length, sample);
    return result ? explain(result, why) : 0;
}

/* Of a model that decodes: behind a text there are zeroes, where it has left places. What it has no place for is not
 * read. */
static void warn_of_length(const struct run *run, const struct input *input, const void *sample)
{
    struct wisp_tensor tensor;
    char place[32] = "";

    if (!wisp_model_words(run->model) || wisp_model_input(run->model, 0, &tensor) || tensor.dtype != WISP_INT32 ||
        !tensor.elements || !((const int32_t *)sample)[tensor.elements - 1])
        return;
    if (input->file)
        snprintf(place, sizeof place, ":%" PRIu64, input->line);
    warn_user(
        "run",
        "%.80s%s: %s reads %zu words, or pieces of words, of a text, and this one has as many or more: what comes "
        "behind them is left out; give it in lines, by --lines",
        input->file ? input->file : input->name, place, wisp_model_name(run->model), tensor.elements);
}

int input_encode(const struct run *run, const struct input *input, void *sample, struct reason *why)
{
    int result = encode(run, input, sample, why);

    if (result)
        return input_refuse(input, result, why);
    if (!run->tensor)
        warn_of_length(run, input, sample);
    return 0;
}
