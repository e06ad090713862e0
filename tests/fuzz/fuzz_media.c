/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a picture, a text, a recording, raw values, or a description, and as pixels and samples in memory:
 * refused with a sentence, or finite values. The first byte says which; the rest is the file, or what is in memory.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "media/spec/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libsndfile 1.2.0 loses what libvorbis gave it when it turns an Ogg file away; nothing here can free it. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_info_init\n";
}

enum { ELEMENTS_MAX = 256 }; /* of the descriptions below */

static const char *const descriptions[] = {
    "{\"kind\":\"image\",\"width\":9,\"height\":5,\"channels\":1,\"fit\":\"cover\"}",
    "{\"kind\":\"image\",\"width\":4,\"height\":16,\"fit\":\"contain\",\"background\":99}",
    "{\"kind\":\"image\",\"width\":8,\"height\":8,\"normalise\":\"picture\"}",
    "{\"kind\":\"text\",\"features\":64,\"characters\":[1,4],\"words\":[1,2]}",
    "{\"kind\":\"text\",\"features\":7,\"limit\":16,\"weight\":\"sqrt\",\"norm\":\"none\",\"idf\":\"ABAg/wEHMw==\"}",
    "{\"kind\":\"audio\",\"mels\":8,\"frames\":5}",
    "{\"kind\":\"audio\",\"rate\":16000,\"mels\":6,\"frames\":3,\"window\":100,\"trim_db\":0}",
    "{\"kind\":\"raw\",\"shape\":[2,3]}",
};

static void require(int condition)
{
    if (!condition)
        abort();
}

/* Gives each page of an Ogg file its checksum, for without it none would come as far as to a decoder. */
static void mend_pages(uint8_t *page, size_t size)
{
    enum { HEAD = 27, CHECKSUM_AT = 22 };

    while (size >= HEAD && !memcmp(page, "OggS", 4) && size >= (size_t)HEAD + page[HEAD - 1]) {
        size_t length = (size_t)HEAD + page[HEAD - 1];
        uint32_t sum = 0;

        for (unsigned i = 0; i < page[HEAD - 1]; i++)
            length += page[HEAD + i];
        length = MIN(length, size);
        memset(page + CHECKSUM_AT, 0, 4);
        for (size_t i = 0; i < length; i++) {
            sum ^= (uint32_t)page[i] << 24;
            for (int bit = 0; bit < 8; bit++)
                sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0);
        }
        for (int i = 0; i < 4; i++)
            page[CHECKSUM_AT + i] = (uint8_t)(sum >> 8 * i);
        page += length;
        size -= length;
    }
}

static void fuzz_file(const struct media *media, const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(MAX(size, 1)); /* to the byte, for the sanitizer */
    struct reason why = { "" };
    size_t count = media_elements(media);
    float *out = malloc(count * sizeof *out);
    int result;

    require(out && file);
    memcpy(file, data, size);
    mend_pages(file, size);
    result = media_encode(media, "fuzz", file, size, out, &why);
    require(result == 0 || result == WISP_E_FORMAT || result == -ENOMEM);
    for (size_t i = 0; !result && i < count; i++)
        require(isfinite(out[i]));
    if (result)
        require(!strncmp(why.text, "fuzz", 4) && strlen(why.text) > 6);
    free(out);
    free(file);
}

/* The bytes as numbers that a network gave: a text, whatever they are. */
static void fuzz_numbers(const struct media *media, const uint8_t *data, size_t size)
{
    const size_t count = size / sizeof(int32_t);
    int32_t *numbers = malloc(count * sizeof *numbers + 1);
    struct reason why;
    size_t length;
    char *text;

    require(numbers != NULL);
    memcpy(numbers, data, count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = numbers[i] % 600; /* most of them are pieces then, or bytes */
    require(!media_decode_text(media, numbers, count, &text, &length, &why));
    require(strlen(text) <= length);
    for (size_t i = 0; i + 2 < length; i++)
        require((uint8_t)text[i] < 0xf8);
    free(text);
    free(numbers);
}

static void fuzz_description(const uint8_t *data, size_t size)
{
    struct media *media = NULL;
    struct reason why = { "" };
    char *json = strndup((const char *)data, size);
    int result;

    require(json != NULL);
    result = media_parse(json, &media, &why);
    free(json);
    if (result) {
        require(result == WISP_E_FORMAT && !media && !strncmp(why.text, "media description", 17));
        return;
    }
    if (media_elements(media) <= 1 << 16)
        fuzz_file(media, data, size);
    if (media_kind(media) == MEDIA_TEXT && media_reads_back(media))
        fuzz_numbers(media, data, size);
    media_free(media);
}

static void fuzz_memory(struct media *const media[], const uint8_t *data, size_t size)
{
    enum { HEAD = 8 };
    size_t left = size - HEAD;
    struct media_pixels pixels = { .data = data + HEAD, .width = data[1], .height = data[2], .stride = data[3] };
    struct media_samples samples = { .data = data + HEAD, .channels = data[1] % 40u, .rate = data[2] * 257u };
    float out[ELEMENTS_MAX];
    struct reason why;
    size_t rows;
    int result;

    if (data[0] & 1) {
        pixels.format = (enum wisp_pixel_format)(data[4] % 11);
        rows = pixels.height + (pixels.format == WISP_PIXELS_NV12 ? pixels.height / 2 : 0);
        if (rows * pixels.stride > left)
            return;
        result = media_encode_pixels(media[data[5] % 3], &pixels, out, &why);
    } else {
        samples.format = (enum wisp_sample_format)(data[4] % 6);
        samples.count = samples.channels ? left / 4 / samples.channels : 1;
        result = media_encode_samples(media[5 + data[5] % 2], &samples, out, &why);
    }
    require(result == 0 || result == WISP_E_FORMAT || result == WISP_E_INVALID || result == -ENOMEM);
    for (size_t i = 0; !result && i < media_elements(media[data[0] & 1 ? data[5] % 3 : 5 + data[5] % 2]); i++)
        require(isfinite(out[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct media *media[ARRAY_SIZE(descriptions)];
    struct reason why;
    size_t kind;

    for (size_t i = 0; i < ARRAY_SIZE(descriptions) && !media[i]; i++)
        require(!media_parse(descriptions[i], &media[i], &why));
    if (!size)
        return 0;
    kind = data[0] % (ARRAY_SIZE(descriptions) + 1);
    if (data[0] == UINT8_MAX && size > 8)
        fuzz_memory(media, data + 1, size - 1);
    else if (kind < ARRAY_SIZE(descriptions))
        fuzz_file(media[kind], data + 1, size - 1);
    else
        fuzz_description(data + 1, size - 1);
    return 0;
}
