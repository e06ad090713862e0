/* SPDX-License-Identifier: Apache-2.0
 *
 * From an argument to a tensor. Files are decoded by libwisp, in this process, as the model was trained; with --tensor
 * they are the tensor already.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/run.h"

enum { TENSOR_FILE_MAX = 64 << 20, RANK_MAX = 8 };

/* libwisp's sentence, with the input's name before it where it lacks it. */
static int refuse_input(const struct input *input, int result, struct reason *why)
{
    const char *text = wisp_last_error();

    if (!*text)
        text = wisp_status_text(result);
    if (strstr(text, input->name))
        return refuse(why, result, "%s", text);
    return refuse(why, result, "%s: %s", input->name, text);
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
    size_t expected = wisp_model_input_size(run->model) * sizeof(float), size;
    cleanup_free void *data = NULL;
    char shape[96];
    int result = file_read(input->path, TENSOR_FILE_MAX, &data, &size, why);

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

int input_encode(const struct run *run, const struct input *input, float *sample, struct reason *why)
{
    int result;

    if (input->path && run->tensor)
        return read_tensor(run, input, sample, why);
    if (input->path)
        result = wisp_encode_file(run->model, input->path, sample);
    else
        result = wisp_encode_bytes(run->model, input->text, strlen(input->text), sample);
    return result ? refuse_input(input, result, why) : 0;
}
