/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a model gives to a file. The daemon is not believed: of an output that has not the form of a picture
 * nothing is written, and any number in it becomes a byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>
#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/file.h"
#include "base/memory.h"
#include "client/codecs/codec.h"
#include "media/spec/media.h"

/* The first output as the picture it is. */
static int picture_of(const wisp_model *model, const struct media *media, const float *output,
                      struct media_picture *out)
{
    struct reason *why = wisp_private_last_error();
    struct wisp_tensor tensor;
    int result = wisp_model_output(model, 0, &tensor);

    if (result)
        return result;
    if (media_answer(media) == MEDIA_ANSWER_NONE)
        return refuse(why, WISP_E_INVALID, "%s gives no picture, or does not say so", wisp_model_name(model));
    if (tensor.dtype != WISP_FLOAT32 || tensor.rank != 3 || (tensor.dimensions[0] != 1 && tensor.dimensions[0] != 3))
        return refuse(why, WISP_E_FORMAT, "%s: its output has not the form of a picture, 1 or 3 channels of pixels",
                      wisp_model_name(model));
    *out = (struct media_picture){ .width = tensor.dimensions[2],
                                   .height = tensor.dimensions[1],
                                   .channels = tensor.dimensions[0],
                                   .pixels = memory_alloc(tensor.elements, 1) };
    if (!out->pixels)
        return refuse_errno(why, -ENOMEM, "a picture of %u x %u", out->width, out->height);
    media_answer_bytes(media, out->channels, tensor.elements / out->channels, output, out->pixels);
    return 0;
}

static int write_bytes(const char *path, const void *bytes, size_t length)
{
    struct reason *why = wisp_private_last_error();

    if (strcmp(path, "-") != 0)
        return file_write(path, &(struct file_part){ bytes, length }, 1, why);
    if (fwrite(bytes, 1, length, stdout) == length && !fflush(stdout))
        return 0;
    return refuse_errno(why, -EIO, "standard output");
}

WISP_EXPORT int wisp_write_picture(const wisp_model *model, const float *output, const char *path)
{
    struct media_picture picture = { .pixels = NULL };
    cleanup_free void *bytes = NULL;
    const struct media *media;
    size_t length;
    int result = codec_media(model, &media);

    if (!result)
        result = picture_of(model, media, output, &picture);
    if (!result)
        result = media_write_picture(&picture, path, &bytes, &length, wisp_private_last_error());
    free(picture.pixels);
    return result ? result : write_bytes(path, bytes, length);
}
