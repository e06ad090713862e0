/* SPDX-License-Identifier: Apache-2.0
 *
 * From files, and from what lies in the program's memory, to tensors, as the model's description says: in this process,
 * never in the daemon.
 */
#include "client/encode.h"
#include "base/export.h"
#include "client/last_error.h"
#include "client/model.h"

static int check_media(const wisp_model *model)
{
    return model->media ? 0
                        : last_error_set(WISP_E_FORMAT, "%s takes no files: %s", model->name, model->media_why.text);
}

WISP_EXPORT int wisp_encode_file(const wisp_model *model, const char *path, float *input)
{
    int result = check_media(model);

    return result ? result : media_encode_file(model->media, path, input, last_error());
}

int model_encode(const wisp_model *model, const char *name, const void *bytes, size_t length, float *input)
{
    int result = check_media(model);

    return result ? result : media_encode(model->media, name, bytes, length, input, last_error());
}

WISP_EXPORT int wisp_encode_bytes(const wisp_model *model, const void *bytes, size_t length, float *input)
{
    return model_encode(model, "input", bytes, length, input);
}

WISP_EXPORT int wisp_encode_pixels(const wisp_model *model, const void *data, uint32_t width, uint32_t height,
                                   size_t stride, enum wisp_pixel_format format, float *input)
{
    const struct media_pixels pixels = {
        .data = data, .width = width, .height = height, .stride = stride, .format = format
    };
    int result = check_media(model);

    return result ? result : media_encode_pixels(model->media, &pixels, input, last_error());
}

WISP_EXPORT int wisp_encode_samples(const wisp_model *model, const void *samples, size_t count, uint32_t channels,
                                    uint32_t rate, enum wisp_sample_format format, float *input)
{
    const struct media_samples sound = {
        .data = samples, .count = count, .channels = channels, .rate = rate, .format = format
    };
    int result = check_media(model);

    return result ? result : media_encode_samples(model->media, &sound, input, last_error());
}
