/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/tensors/tensor_file.h"
#include "forge/train/interrupt.h"

struct tensor_file {
    const char *path;
    size_t elements; /* of a sample */
    enum dtype dtype;
    FILE *to;
    int error; /* errno of the first write that failed, or 0 */
    struct file_replacement file;
};

/* The stream has a descriptor of its own, for the file is ended by its. */
static FILE *open_stream(const struct file_replacement *file)
{
    const int fd = dup(file->fd);
    FILE *stream = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (fd >= 0 && !stream)
        close(fd);
    return stream;
}

int tensor_file_begin(const char *path, const struct model_tensor *of, struct tensor_file **out, struct reason *why)
{
    cleanup_free struct tensor_file *file = calloc(1, sizeof *file);
    int result = file ? file_check_target(path, why) : refuse_errno(why, -ENOMEM, "%s", path);

    if (!result)
        result = file_replace(path, &file->file, why);
    if (result)
        return result;
    file->path = path;
    file->elements = shape_elements(&of->shape);
    file->dtype = of->dtype;
    file->to = open_stream(&file->file);
    if (!file->to) {
        file_replace_drop(&file->file);
        return refuse_errno(why, -ENOMEM, "%s", path);
    }
    *out = file;
    file = NULL;
    return 0;
}

int tensor_file_end(struct tensor_file *file, int result, struct reason *why)
{
    if (fclose(file->to) && !file->error)
        file->error = errno;
    if (file->error && !result)
        result = refuse_errno(why, -file->error, "%s", file->path);
    if (result)
        file_replace_drop(&file->file);
    else
        result = file_replace_end(&file->file, 0, why);
    free(file);
    return result;
}

static void put(struct tensor_file *file, const void *data, size_t size)
{
    if (fwrite(data, 1, size, file->to) != size && !file->error)
        file->error = errno;
}

/* Columns of an activation. */
static int add(struct tensor_file *file, const float *columns, size_t count, struct reason *why)
{
    const size_t bytes = file->elements * dtype_bytes(file->dtype);
    cleanup_free float *sample = memory_alloc(file->elements, sizeof *sample);
    cleanup_free void *tensor = malloc(bytes);

    if (!sample || !tensor)
        return refuse_errno(why, -ENOMEM, "%s", file->path);
    for (size_t i = 0; i < count; i++) {
        for (size_t e = 0; e < file->elements; e++)
            sample[e] = columns[e * count + i];
        dtype_from_float(file->dtype, 1, sample, tensor, file->elements); /* whole numbers are taken as they stand */
        put(file, tensor, bytes);
    }
    return 0;
}

void tensor_file_add_words(struct tensor_file *file, const int32_t *words, size_t count)
{
    static const int32_t none;

    put(file, words, count * sizeof *words);
    for (; count < file->elements; count++)
        put(file, &none, sizeof none);
}

int tensor_file_add_inputs(struct tensor_file *file, const struct tensor_samples *samples, struct reason *why)
{
    cleanup_free float *columns = memory_alloc(file->elements, MIN(samples->batch, samples->count) * sizeof *columns);
    int result = columns ? 0 : refuse_errno(why, -ENOMEM, "%s", file->path);

    for (size_t done = 0; !result && done < samples->count;) {
        const struct batch batch = { .which = samples->which + done,
                                     .count = MIN(samples->batch, samples->count - done) };

        result = batches_fill(samples->batches, &batch, columns, why);
        if (!result)
            result = add(file, columns, batch.count, why);
        done += batch.count;
    }
    return result;
}

int tensor_file_add_answers(struct tensor_file *file, const struct tensor_samples *samples, const struct model *model,
                            struct forward *forward, struct reason *why)
{
    const uint32_t output = model_value(model, model->layer_count - 1);
    int result = 0;

    for (size_t done = 0; !result && done < samples->count;) {
        const struct batch batch = { .which = samples->which + done,
                                     .count = MIN(samples->batch, samples->count - done) };

        result = batches_forward(samples->batches, &batch, forward, LAYER_EVALUATE, why);
        if (!result)
            result = add(file, forward_value(forward, output), batch.count, why);
        if (!result && interrupt_wanted())
            result = refuse(why, WISP_E_INTERRUPTED, "interrupted");
        done += batch.count;
    }
    return result;
}
