/* SPDX-License-Identifier: Apache-2.0
 *
 * From files to tensors, as the model's description says: in this process, never in the daemon.
 */
#include "client/client.h"
#include "client/model.h"

static int check_media(const wisp_model *model)
{
    return model->media ? 0 : fail(WISP_E_FORMAT, "%s takes no files: %s", model->name, model->media_why.text);
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
