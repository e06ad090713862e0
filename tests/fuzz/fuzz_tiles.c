/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as what a daemon says that a model makes of a picture's tiles, or of a recording's pieces: refused with a
 * sentence, or a picture of the size that was asked for, every set pixel of which is in one object; or as many samples
 * as the recording has, all finite. The first bytes say which, and the sizes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "media/tiles/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 6, TILE = 8, ANSWER_MAX = 3 * TILE * TILE * 4, SAMPLES_MAX = 2048, RECORDINGS_MAX = 2 };

#define TILES "{\"kind\":\"image\",\"width\":8,\"height\":8,\"fit\":\"tiles\","

static const char *const descriptions[] = {
    TILES "\"channels\":1,\"answer\":\"mask\"}",
    TILES "\"channels\":3,\"overlap\":4,\"answer\":\"picture\"}",
    TILES "\"channels\":3,\"overlap\":0,\"answer\":\"mask\"}",
};

static const char *const spectra[] = {
    "{\"kind\":\"audio\",\"spectrum\":16,\"frames\":8,\"answer\":\"sound\"}",
    "{\"kind\":\"audio\",\"spectrum\":32,\"hop\":8,\"frames\":12,\"recordings\":2,\"answer\":\"sound\"}",
    "{\"kind\":\"audio\",\"spectrum\":64,\"frames\":2,\"answer\":\"sound\"}",
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_objects(const struct media_picture *mask)
{
    struct media_object *objects;
    uint64_t set = 0;
    size_t count;

    require(!media_find_objects(mask, 0, &objects, &count));
    for (size_t i = 0; i < (size_t)mask->width * mask->height; i++)
        set += mask->pixels[i * mask->channels] != 0;
    for (size_t i = 0; i < count; i++) {
        require(objects[i].left + objects[i].width <= mask->width &&
                objects[i].top + objects[i].height <= mask->height);
        require(objects[i].area >= 1 && objects[i].area <= (uint64_t)objects[i].width * objects[i].height);
        set -= objects[i].area;
    }
    require(!set);
    free(objects);
}

/* The bytes as numbers, again from the beginning where they end. */
static void fill(float *answer, size_t count, const uint8_t *bytes, size_t size, size_t *at)
{
    uint8_t *to = (uint8_t *)answer;

    for (size_t i = 0; i < count * sizeof *answer; i++)
        to[i] = size ? bytes[(*at)++ % size] : 0;
}

/* The bytes as numbers, again from the beginning where they end; half of them are masks. */
static void fill_masks(float *answer, size_t count, const uint8_t *bytes, size_t size, size_t *at)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t four[4] = { 0 };

        for (size_t k = 0; size && k < sizeof four; k++)
            four[k] = bytes[(*at)++ % size];
        if (four[0] & 1)
            answer[i] = (float)four[1] / 200;
        else
            memcpy(&answer[i], four, sizeof four);
    }
}

/* All pieces; how many samples came of them, -1 when one was refused. */
static int64_t take_all(struct media_masking *masking, size_t elements, const uint8_t *bytes, size_t size)
{
    float *answer = malloc(elements * sizeof *answer);
    struct reason why = { "" };
    int64_t count = 0;
    size_t at = 0;

    require(answer != NULL);
    for (uint64_t i = 0; i < media_masking_pieces(masking) && count >= 0; i++) {
        struct media_finished finished;
        int result;

        require(!media_masking_tensor(masking, i, answer, &why)); /* what the daemon is sent */
        for (size_t e = 0; e < elements; e++)
            require(isfinite(answer[e]));
        fill_masks(answer, elements, bytes, size, &at);
        result = media_masking_take(masking, answer, &finished, &why);
        require(result == 0 || (result == WISP_E_INVALID && strlen(why.text) > 20));
        for (size_t s = 0; !result && s < finished.count; s++)
            require(isfinite(finished.samples[s]));
        count = result ? -1 : count + (int64_t)finished.count;
    }
    free(answer);
    return count;
}

static void open_all(struct media *media[], const char *const *texts, size_t count)
{
    struct reason why;

    for (size_t i = 0; i < count && !media[i]; i++)
        require(!media_parse(texts[i], &media[i], &why));
}

static int try_sounds(const uint8_t *data, size_t size)
{
    static struct media *media[ARRAY_SIZE(spectra)];
    static float samples[SAMPLES_MAX];
    struct media_sound sounds[RECORDINGS_MAX];
    struct media_masking *masking;
    const struct media *of;
    int64_t count;

    open_all(media, spectra, ARRAY_SIZE(spectra));
    for (size_t s = 0; s < SAMPLES_MAX; s++)
        samples[s] = (float)((s * 37) % 101) / 101 - 0.5f;
    of = media[data[3] % ARRAY_SIZE(spectra)];
    for (size_t i = 0; i < RECORDINGS_MAX; i++)
        sounds[i] = (struct media_sound){ media_sound_rate(of), 1 + data[i] * 8u, samples };
    require(!media_masking_new(of, sounds, &masking));
    count = take_all(masking, media_elements(of), data + HEAD, size - HEAD);
    require(count < 0 || (size_t)count == MAX(sounds[0].count, media_recordings(of) > 1 ? sounds[1].count : 0));
    require(count < 0 || (uint64_t)count == media_masking_count(masking));
    media_masking_free(masking);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct media *media[ARRAY_SIZE(descriptions)];
    static uint8_t pixels[40 * 40 * 3];
    static float answer[ANSWER_MAX];
    struct media_picture picture = { .pixels = pixels }, out;
    struct tiles_output output;
    struct reason why = { "" };
    struct tiles tiles;
    size_t at = 0;
    int result = 0;

    open_all(media, descriptions, ARRAY_SIZE(descriptions));
    if (size < HEAD)
        return 0;
    if (data[2] >= 128)
        return try_sounds(data, size);
    picture.width = 1 + data[0] % 40;
    picture.height = 1 + data[1] % 40;
    picture.channels = data[2] % 2 ? 3 : 1;
    output = (struct tiles_output){ data[3] % 2 ? 3 : 1, 1 + data[4] % 2, (float)data[5] / 256 };
    require(!tiles_init(&tiles, media[data[3] / 2 % ARRAY_SIZE(descriptions)], &picture, &output, &why));
    for (uint64_t i = 0; i < tiles_count(&tiles) && !result; i++) {
        fill(answer, (size_t)output.channels * TILE * TILE * output.scale * output.scale, data + HEAD, size - HEAD,
             &at);
        result = tiles_give(&tiles, answer, &why);
    }
    require(result ? result == WISP_E_INVALID && strlen(why.text) > 20 : !strlen(why.text));
    if (!result) {
        out = tiles_result(&tiles);
        require(out.width == picture.width * output.scale && out.height == picture.height * output.scale);
        check_objects(&out);
        free(out.pixels);
    }
    tiles_deinit(&tiles);
    return 0;
}
