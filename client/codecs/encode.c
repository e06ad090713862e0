/* SPDX-License-Identifier: Apache-2.0
 *
 * The description is in what the daemon says of the model; it is read when the first file comes, and kept with the
 * model. It is immutable then, so that many threads may use it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>
#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/json_view.h"
#include "base/memory.h"
#include "client/codecs/codec.h"
#include "media/spec/media.h"

struct codec {
    struct wisp_private_kept kept;
    struct media *media; /* NULL: it has none, or one that cannot be used */
    struct reason why;   /* then this says why */
};

static void codec_release(struct wisp_private_kept *kept)
{
    struct codec *codec = (struct codec *)kept; /* its first member */

    media_free(codec->media);
    free(codec);
}

/* Of the first input. */
static size_t input_elements(const wisp_model *model)
{
    struct wisp_tensor input;

    return wisp_model_input(model, 0, &input) ? 0 : input.elements;
}

/* A member that is a whole number; 0: there is none. */
static uint64_t number_of(struct json_view object, const char *key)
{
    uint64_t number;

    return json_view_whole(json_view_member(object, key), UINT32_MAX, &number) ? number : 0;
}

/* Numbers of words are of as many as the model reads, and as it gives. */
static int check_words(const struct media *media, struct json_view root, struct reason *why)
{
    const struct media *answer = media_answer_text(media);
    const uint64_t read = media_vocabulary(media), given = answer ? media_vocabulary(answer) : 0;
    const uint64_t words = number_of(json_view_member(root, "decoding"), "words");
    struct json_view inputs = json_view_member(root, "inputs"), input = { NULL, NULL };
    const uint64_t known = json_view_next(inputs, &input) ? number_of(input, "words") : 0;

    if (read && known && read != known)
        return refuse(why, WISP_E_FORMAT,
                      "its media make numbers of %" PRIu64 " words (\"features\") where it looks up %" PRIu64, read,
                      known);
    if (given && words && given != words)
        return refuse(why, WISP_E_FORMAT,
                      "its media read an answer of %" PRIu64 " words (\"features\") where it gives %" PRIu64, given,
                      words);
    return 0;
}

/* -ENOMEM; every other fault is what it says from now on. */
static int codec_read(struct codec *codec, const wisp_model *model)
{
    const char *json = wisp_model_json(model);
    cleanup_free char *text = NULL;
    struct json_view root, media;
    int result;

    if (json_view_open(json, strlen(json), &root, &codec->why))
        return 0;
    media = json_view_member(root, "media");
    if (!json_view_is_something(media)) {
        (void)refuse(&codec->why, 0,
                     "it does not say how they become tensors, which wisp train adds to a model: give it tensors");
        return 0;
    }
    text = strndup(media.at, (size_t)(media.end - media.at));
    result = text ? media_parse(text, &codec->media, &codec->why) : -ENOMEM;
    if (!result && wisp_model_input_count(model) != 1) {
        (void)refuse(&codec->why, 0, "it has several inputs: give it tensors");
        codec->media = media_free(codec->media);
    }
    if (!result && codec->media && media_elements(codec->media) != input_elements(model)) {
        (void)refuse(&codec->why, 0, "its media make %zu numbers where it takes %zu", media_elements(codec->media),
                     input_elements(model));
        codec->media = media_free(codec->media);
    }
    if (!result && codec->media && check_words(codec->media, root, &codec->why))
        codec->media = media_free(codec->media);
    return result == -ENOMEM ? result : 0;
}

static struct wisp_private_kept *codec_make(const wisp_model *model)
{
    struct codec *codec = calloc(1, sizeof *codec);

    if (!codec)
        return NULL;
    codec->kept.release = codec_release;
    if (!codec_read(codec, model))
        return &codec->kept;
    codec_release(&codec->kept);
    return NULL;
}

int codec_media(const wisp_model *model, const struct media **out)
{
    const struct codec *codec = (const struct codec *)wisp_private_model_keep(model, codec_make);
    struct reason *why = wisp_private_last_error();

    if (!codec)
        return refuse_errno(why, -ENOMEM, "the media of %s", wisp_model_name(model));
    *out = codec->media;
    return *out ? 0 : refuse(why, WISP_E_FORMAT, "%s takes no files: %s", wisp_model_name(model), codec->why.text);
}

int codec_media_of_floats(const wisp_model *model, const struct media **out)
{
    int result = codec_media(model, out);

    if (result || wisp_model_input_size(model))
        return result;
    return refuse(wisp_private_last_error(), WISP_E_FORMAT,
                  "%s takes no floats: wisp_encode_input() makes what its input takes", wisp_model_name(model));
}

int codec_encode(const wisp_model *model, const char *name, const void *bytes, size_t length, float *input)
{
    const struct media *media;
    int result = codec_media_of_floats(model, &media);

    return result ? result : media_encode(media, name, bytes, length, input, wisp_private_last_error());
}

/* ---- for the program ---- */

WISP_EXPORT int wisp_encode_file(const wisp_model *model, const char *path, float *input)
{
    const struct media *media;
    int result = codec_media_of_floats(model, &media);

    return result ? result : media_encode_file(media, path, input, wisp_private_last_error());
}

WISP_EXPORT int wisp_encode_bytes(const wisp_model *model, const void *bytes, size_t length, float *input)
{
    return codec_encode(model, "input", bytes, length, input);
}

WISP_EXPORT int wisp_encode_pixels(const wisp_model *model, const void *data, uint32_t width, uint32_t height,
                                   size_t stride, enum wisp_pixel_format format, float *input)
{
    const struct media_pixels pixels = {
        .data = data, .width = width, .height = height, .stride = stride, .format = format
    };
    const struct media *media;
    int result = codec_media_of_floats(model, &media);

    return result ? result : media_encode_pixels(media, &pixels, input, wisp_private_last_error());
}

WISP_EXPORT int wisp_encode_samples(const wisp_model *model, const void *samples, size_t count, uint32_t channels,
                                    uint32_t rate, enum wisp_sample_format format, float *input)
{
    const struct media_samples sound = {
        .data = samples, .count = count, .channels = channels, .rate = rate, .format = format
    };
    const struct media *media;
    int result = codec_media_of_floats(model, &media);

    return result ? result : media_encode_samples(media, &sound, input, wisp_private_last_error());
}

/* Whole numbers within the type's range, which whatever media make for such an input are. */
static void round_all(enum wisp_dtype dtype, const float *from, size_t count, void *to)
{
    insist(dtype == WISP_INT32 || dtype == WISP_UINT8, "%d", dtype);
    for (size_t i = 0; i < count; i++) {
        if (dtype == WISP_INT32)
            ((int32_t *)to)[i] = (int32_t)fminf(fmaxf(from[i], -0x1p30f), 0x1p30f);
        else
            ((uint8_t *)to)[i] = (uint8_t)fminf(fmaxf(from[i], 0), UINT8_MAX);
    }
}

WISP_EXPORT int wisp_encode_input(const wisp_model *model, const void *bytes, size_t length, void *input)
{
    cleanup_free float *floats = NULL;
    struct wisp_tensor tensor;
    const struct media *media;
    int result = codec_media(model, &media);

    if (result || (result = wisp_model_input(model, 0, &tensor)))
        return result;
    if (tensor.dtype == WISP_FLOAT32)
        return media_encode(media, "input", bytes, length, input, wisp_private_last_error());
    floats = memory_alloc(tensor.elements, sizeof *floats);
    if (!floats)
        return refuse_errno(wisp_private_last_error(), -ENOMEM, "the input of %s", wisp_model_name(model));
    result = media_encode(media, "input", bytes, length, floats, wisp_private_last_error());
    if (!result)
        round_all(tensor.dtype, floats, tensor.elements, input);
    return result;
}
