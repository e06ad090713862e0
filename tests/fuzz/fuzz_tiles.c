/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as what a daemon says that a model makes of a picture's tiles: refused with a sentence, or a picture of
 * the size that was asked for, every set pixel of which is in one object. The first bytes say the sizes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "media/tiles/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 6, TILE = 8, ANSWER_MAX = 3 * TILE * TILE * 4 };

#define TILES "{\"kind\":\"image\",\"width\":8,\"height\":8,\"fit\":\"tiles\","

static const char *const descriptions[] = {
    TILES "\"channels\":1,\"answer\":\"mask\"}",
    TILES "\"channels\":3,\"overlap\":4,\"answer\":\"picture\"}",
    TILES "\"channels\":3,\"overlap\":0,\"answer\":\"mask\"}",
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

    for (size_t i = 0; i < ARRAY_SIZE(descriptions) && !media[i]; i++)
        require(!media_parse(descriptions[i], &media[i], &why));
    if (size < HEAD)
        return 0;
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
