/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a model gives to a file. The daemon is not believed: of an output that has not the form of a picture
 * nothing is written, and any number in it becomes a byte.
 */
#include <errno.h>
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

int codec_picture_form(const wisp_model *model, struct wisp_tensor *out)
{
    struct reason *why = wisp_private_last_error();
    const struct media *media;
    int result = codec_media(model, &media);

    if (!result)
        result = wisp_model_output(model, 0, out);
    if (result)
        return result;
    if (media_answer(media) != MEDIA_ANSWER_PICTURE && media_answer(media) != MEDIA_ANSWER_MASK)
        return refuse(why, WISP_E_INVALID, "%s gives no picture, or does not say so", wisp_model_name(model));
    if (out->dtype == WISP_FLOAT32 && out->rank == 3 && (out->dimensions[0] == 1 || out->dimensions[0] == 3))
        return 0;
    return refuse(why, WISP_E_FORMAT, "%s: its output has not the form of a picture, 1 or 3 channels of pixels",
                  wisp_model_name(model));
}

int codec_picture(const wisp_model *model, const float *output, float threshold, struct media_picture *out)
{
    const struct media *media;
    struct wisp_tensor tensor;
    int result = codec_picture_form(model, &tensor);

    if (!result)
        result = codec_media(model, &media);
    if (result)
        return result;
    *out = (struct media_picture){ .width = tensor.dimensions[2],
                                   .height = tensor.dimensions[1],
                                   .channels = tensor.dimensions[0],
                                   .pixels = memory_alloc(tensor.elements, 1) };
    if (!out->pixels)
        return refuse_errno(wisp_private_last_error(), -ENOMEM, "a picture of %u x %u", out->width, out->height);
    media_answer_bytes(media, out->channels, tensor.elements / out->channels, output, threshold, out->pixels);
    return 0;
}

int codec_write(const char *path, const void *bytes, size_t length)
{
    struct reason *why = wisp_private_last_error();

    if (strcmp(path, "-") != 0)
        return file_write(path, &(struct file_part){ bytes, length }, 1, why);
    if (fwrite(bytes, 1, length, stdout) == length && !fflush(stdout))
        return 0;
    return refuse_errno(why, -(errno ? errno : EIO), "standard output");
}

WISP_EXPORT int wisp_write_picture(const wisp_model *model, const float *output, const char *path)
{
    struct media_picture picture = { .pixels = NULL };
    cleanup_free void *bytes = NULL;
    size_t length;
    int result = media_check_picture_name(path, wisp_private_last_error());

    if (!result)
        result = codec_picture(model, output, MEDIA_THRESHOLD, &picture);
    if (!result)
        result = media_write_picture(&picture, path, &bytes, &length, wisp_private_last_error());
    free(picture.pixels);
    return result ? result : codec_write(path, bytes, length);
}
