/* SPDX-License-Identifier: Apache-2.0
 *
 * From the bytes of one file to a tensor, whatever kind the description asks for.
 */
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"
#include "media/text/utf16.h"

static int encode_picture(const struct media *media, const char *name, const void *bytes, size_t length, float *out,
                          struct reason *why)
{
    struct media_picture picture;
    int result = media_decode_picture(name, bytes, length, &picture, why);

    if (result)
        return result;
    result = media_encode_picture(media, &picture, out, why);
    free(picture.pixels);
    return result ? refuse_in(why, result, "%s", name) : 0;
}

static int encode_sound(const struct media *media, const char *name, const void *bytes, size_t length, float *out,
                        struct reason *why)
{
    struct media_sound sound;
    int result = media_decode_sound(name, bytes, length, &sound, why);

    if (result)
        return result;
    result = media_encode_sound(media, &sound, out, NULL, why);
    free(sound.samples);
    return result ? refuse_in(why, result, "%s", name) : 0;
}

static int check_kind(const struct media *media, enum media_kind kind, const char *what, struct reason *why)
{
    static const char *const takes[] = {
        [MEDIA_RAW] = "raw values", [MEDIA_IMAGE] = "pictures", [MEDIA_TEXT] = "texts", [MEDIA_AUDIO] = "recordings"
    };

    return media->kind == kind ? 0 : refuse(why, WISP_E_INVALID, "the model takes %s, no %s", takes[media->kind], what);
}

int media_encode_pixels(const struct media *media, const struct media_pixels *pixels, float *out, struct reason *why)
{
    struct media_picture picture;
    int result = check_kind(media, MEDIA_IMAGE, "pixels", why);

    if (!result)
        result = media_take_pixels(pixels, &picture, why);
    if (result)
        return result;
    result = media_encode_picture(media, &picture, out, why);
    free(picture.pixels);
    return result;
}

int media_encode_samples(const struct media *media, const struct media_samples *samples, float *out, struct reason *why)
{
    struct media_sound sound;
    int result = check_kind(media, MEDIA_AUDIO, "sound", why);

    if (!result)
        result = media_take_samples(samples, &sound, why);
    if (result)
        return result;
    result = media_encode_sound(media, &sound, out, NULL, why);
    free(sound.samples);
    return result;
}

static int encode_text(const struct media *media, const char *name, const void *bytes, size_t length, float *out,
                       struct reason *why)
{
    cleanup_free char *made = NULL;
    int result = utf16_resolve(name, &bytes, &length, &made, why);

    return result ? result : media_encode_text(media, name, bytes, length, out, why);
}

static int encode_raw(const struct media *media, const char *name, const void *bytes, size_t length, float *out,
                      struct reason *why)
{
    const unsigned char *from = bytes;

    if (length != media->elements * sizeof *out)
        return refuse(why, WISP_E_FORMAT, "%s: %zu bytes; %zu are expected, %zu float32 in little-endian order", name,
                      length, media->elements * sizeof *out, media->elements);
    for (size_t i = 0; i < media->elements; i++) {
        uint32_t word;

        memcpy(&word, from + i * sizeof word, sizeof word);
        word = le32toh(word);
        memcpy(&out[i], &word, sizeof word);
        if (!isfinite(out[i]))
            return refuse(why, WISP_E_FORMAT, "%s: value %zu, at byte %zu, is not a finite number", name, i,
                          i * sizeof word);
    }
    return 0;
}

int media_encode(const struct media *media, const char *name, const void *bytes, size_t length, float *out,
                 struct reason *why)
{
    static int (*const encoders[])(const struct media *, const char *, const void *, size_t, float *,
                                   struct reason *) = {
        [MEDIA_RAW] = encode_raw,
        [MEDIA_IMAGE] = encode_picture,
        [MEDIA_TEXT] = encode_text,
        [MEDIA_AUDIO] = encode_sound,
    };

    return encoders[media->kind](media, name, bytes, length, out, why);
}

int media_encode_file(const struct media *media, const char *path, float *out, struct reason *why)
{
    cleanup_free void *bytes = NULL;
    size_t length;
    int result = file_read(path, MEDIA_FILE_MAX, &bytes, &length, why);

    if (result)
        return result;
    return media_encode(media, strcmp(path, "-") != 0 ? path : "standard input", bytes, length, out, why);
}
