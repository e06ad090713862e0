/* SPDX-License-Identifier: Apache-2.0
 *
 * From the words that a model gives to a text. The daemon is not believed: any numbers become a text in UTF-8.
 */
#include <wisp/media.h>
#include <wisp/private.h>

#include "base/export.h"
#include "client/codecs/codec.h"
#include "media/spec/media.h"

WISP_EXPORT int wisp_decode_text(const wisp_model *model, const int32_t *words, size_t count, char **text)
{
    struct reason *why = wisp_private_last_error();
    const struct media *media;
    int result = codec_media(model, &media);
    size_t length;

    if (result)
        return result;
    if (!media_answer_text(media) || !media_reads_back(media_answer_text(media)))
        return refuse(why, WISP_E_INVALID, "%s does not say what its words stand for", wisp_model_name(model));
    return media_decode_text(media_answer_text(media), words, count, text, &length, why);
}
