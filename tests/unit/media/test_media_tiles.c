/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures through small functions in place of a network: what comes out of tiles is what would come out of the whole,
 * and where it is not, there is no seam.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "make.h"
#include "media/tiles/tiles.h"
#include "support/test.h"

enum { TILE = 16, SCALE_MAX = 2 };

#define DESCRIPTION(tile) tile ",\"fit\":\"tiles\",\"answer\":\"picture\"}"

/* A network: from a tile to what it gives. */
typedef void network(uint32_t channels, uint64_t number, const float *input, float *output);

static struct media_picture make_picture(uint32_t width, uint32_t height, uint32_t channels)
{
    struct media_picture picture = { width, height, channels, malloc((size_t)width * height * channels) };
    struct rng rng = rng_make(width, height);

    for (size_t i = 0; i < (size_t)width * height * channels; i++)
        picture.pixels[i] = (uint8_t)rng_u32(&rng);
    return picture;
}

static struct media_picture run(const char *json, const struct media_picture *picture, const struct tiles_output *wish,
                                network *through)
{
    static float input[3 * TILE * TILE], output[3 * TILE * TILE * SCALE_MAX * SCALE_MAX];
    struct media *media = make_media(json);
    struct reason why = { "" };
    struct media_picture out;
    struct tiles tiles;

    assert_ok(tiles_init(&tiles, media, picture, wish, &why), why);
    for (uint64_t i = 0; i < tiles_count(&tiles); i++) {
        tiles_take(&tiles, i, input);
        through(wish->channels, i, input, output);
        assert_ok(tiles_give(&tiles, output, &why), why);
    }
    out = tiles_result(&tiles);
    tiles_deinit(&tiles);
    media_free(media);
    return out;
}

static void same(uint32_t channels, uint64_t number, const float *input, float *output)
{
    (void)number;
    memcpy(output, input, (size_t)channels * TILE * TILE * sizeof *input);
}

static void twice_as_large(uint32_t channels, uint64_t number, const float *input, float *output)
{
    (void)number;
    for (uint32_t i = 0; i < channels * 4 * TILE * TILE; i++) {
        const uint32_t x = i % (2 * TILE), y = i / (2 * TILE) % (2 * TILE), c = i / (4 * TILE * TILE);

        output[i] = input[(c * TILE + y / 2) * TILE + x / 2];
    }
}

static void test_what_is_not_changed_is_the_same(void **state)
{
    static const struct {
        uint32_t width, height;
    } sizes[] = { { 16, 16 }, { 17, 16 }, { 100, 37 }, { 5, 60 }, { 1, 1 }, { 63, 3 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct media_picture in = make_picture(sizes[i].width, sizes[i].height, 3), out;

        out = run(DESCRIPTION(RGB(16, 16)), &in, &(struct tiles_output){ .channels = 3, .scale = 1 }, same);
        assert_int_equal(out.width, in.width);
        assert_memory_equal(out.pixels, in.pixels, (size_t)3 * in.width * in.height);
        free(out.pixels);
        out = run(DESCRIPTION(RGB(16, 16) ",\"overlap\":0"), &in, &(struct tiles_output){ .channels = 3, .scale = 2 },
                  twice_as_large);
        assert_int_equal(out.height, 2 * in.height);
        for (size_t k = 0; k < (size_t)out.width * out.height; k++)
            assert_memory_equal(out.pixels + 3 * k, in.pixels + 3 * (k / out.width / 2 * in.width + k % out.width / 2),
                                3);
        free(out.pixels);
        free(in.pixels);
    }
}

/* The mean of a pixel and its neighbours, of which there are none beyond the tile. */
static void blurred(uint32_t channels, uint64_t number, const float *input, float *output)
{
    (void)channels;
    (void)number;
    for (int i = 0; i < TILE * TILE; i++) {
        float sum = 0;

        for (int k = 0; k < 9; k++) {
            const int x = i % TILE + k % 3 - 1, y = i / TILE + k / 3 - 1;

            sum += x < 0 || y < 0 || x >= TILE || y >= TILE ? 0 : input[y * TILE + x];
        }
        output[i] = sum / 9;
    }
}

/* What sees no farther than a quarter of the overlap answers as of the whole. */
static void test_near_sight_makes_no_difference(void **state)
{
    struct media_picture in = make_picture(75, 41, 1);
    struct media_picture out =
        run(DESCRIPTION(GREY(16, 16)), &in, &(struct tiles_output){ .channels = 1, .scale = 1 }, blurred);

    (void)state;
    for (int i = 0; i < 75 * 41; i++) {
        int sum = 0;

        for (int k = 0; k < 9; k++) {
            const int x = i % 75 + k % 3 - 1, y = i / 75 + k / 3 - 1;

            sum += x < 0 || y < 0 || x >= 75 || y >= 41 ? 0 : in.pixels[y * 75 + x];
        }
        assert_true(fabs(out.pixels[i] - sum / 9.0) < 0.501);
    }
    free(in.pixels);
    free(out.pixels);
}

/* Every tile in a grey of its own, 0.3 from the next. */
static void uneven(uint32_t channels, uint64_t number, const float *input, float *output)
{
    (void)channels;
    (void)input;
    for (int i = 0; i < TILE * TILE; i++)
        output[i] = 0.3f + 0.3f * (float)(number % 2);
}

/* Between tiles that differ by 76.5 of 255 neighbouring pixels differ by no more than a step of the ramp, four pixels
 * long: by two roundings more than a quarter of that. */
static void test_no_seam_is_seen(void **state)
{
    struct media_picture in = make_picture(90, 90, 1);
    struct media_picture out = run(DESCRIPTION(GREY(16, 16) ",\"overlap\":8"), &in,
                                   &(struct tiles_output){ .channels = 1, .scale = 1 }, uneven);
    int most = 0;

    (void)state;
    for (int i = 0; i < 90 * 90; i++) {
        if (i % 90 < 89)
            most = MAX(most, abs(out.pixels[i + 1] - out.pixels[i]));
        if (i / 90 < 89)
            most = MAX(most, abs(out.pixels[i + 90] - out.pixels[i]));
    }
    assert_in_range(most, 18, 20);
    free(in.pixels);
    free(out.pixels);
}

static void test_a_lie_is_found_out(void **state)
{
    static const float lies[] = { NAN, INFINITY, -INFINITY };
    struct media *media = make_media(DESCRIPTION(GREY(16, 16)));
    struct media_picture in = make_picture(40, 16, 1);
    float output[TILE * TILE] = { 0 };
    struct reason why = { "" };
    struct tiles tiles;

    (void)state;
    assert_ok(tiles_init(&tiles, media, &in, &(struct tiles_output){ .channels = 1, .scale = 1 }, &why), why);
    assert_ok(tiles_give(&tiles, output, &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        output[TILE * TILE - 1] = lies[i];
        assert_int_equal(tiles_give(&tiles, output, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "tile 2 of 3 has a value that is no finite number"));
    }
    tiles_deinit(&tiles);
    media_free(media);
    free(in.pixels);
}

/* Where each picture is normalised by itself, a tile has the numbers that its place in the whole has. */
static void test_tiles_are_normalised_as_the_whole(void **state)
{
    struct media *media = make_media(GREY(16, 16) ",\"fit\":\"tiles\",\"answer\":\"mask\",\"normalise\":\"picture\"}");
    struct media *whole = make_media(GREY(40, 23) ",\"normalise\":\"picture\"}");
    struct media_picture in = make_picture(40, 23, 3);
    static float input[TILE * TILE], right[40 * 23];
    struct reason why = { "" };
    struct tiles tiles;

    (void)state;
    for (size_t i = 0; i < 3 * 16 * 23; i++)
        in.pixels[i] /= 8; /* darker here than there */
    assert_ok(media_encode_picture(whole, &in, right, &why), why);
    assert_ok(tiles_init(&tiles, media, &in, &(struct tiles_output){ .channels = 1, .scale = 1 }, &why), why);
    for (uint64_t number = 0; number < tiles_count(&tiles); number++) {
        const uint64_t left = pieces_begin(&tiles.across, number % tiles.across.count);
        const uint64_t top = pieces_begin(&tiles.down, number / tiles.across.count);

        tiles_take(&tiles, number, input);
        for (uint64_t y = 0; y < TILE; y++)
            assert_memory_equal(input + y * TILE, right + (top + y) * 40 + left, TILE * sizeof *input);
    }
    tiles_deinit(&tiles);
    media_free(media);
    media_free(whole);
    free(in.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_changed_is_the_same),
        cmocka_unit_test(test_near_sight_makes_no_difference),
        cmocka_unit_test(test_no_seam_is_seen),
        cmocka_unit_test(test_a_lie_is_found_out),
        cmocka_unit_test(test_tiles_are_normalised_as_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
