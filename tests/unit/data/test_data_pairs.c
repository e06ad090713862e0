/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of pictures: which files belong together, that tiles and crops of both are of one place, degradations against
 * what they are said to be, and refusals.
 */
#include <math.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/data/pairs/pairs.h"
#include "forge/data/pairs/partners.h"
#include "forge/data/pairs/scores.h"
#include "support/test.h"
#include "unit/data/data_make.h"

/* ---- partners ---- */

/* Pictures of these names, read from `root`: "input target, …", or the refusal. */
static void partners_are(const char *const *names, size_t count, bool skip_bad, const char *says)
{
    struct dataset set = { .names = (char **)(uintptr_t)names, .count = count };
    struct partners out[16];
    struct reason why = { "" };
    char text[512] = "";
    size_t pairs = 0, used = 0;
    int result = partners_find(&set, "/pictures/images", skip_bad, out, &pairs, &why);

    for (size_t i = 0; !result && i < pairs; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%u %u", i ? ", " : "", out[i].input, out[i].target);
    if (skip_bad)
        snprintf(text + used, sizeof text - used, "; %zu", set.skipped.count);
    for (size_t i = 0; i < DATASET_SKIPPED_NAMED; i++)
        free(set.skipped.first[i]);
    if (!strstr(result ? why.text : text, says))
        fail_msg("'%s' is said, not '%s'", result ? why.text : text, says);
    assert_int_equal(result, says[0] >= '0' && says[0] <= '9' ? 0 : WISP_E_FORMAT);
}

#define PARTNERS(says, ...)                                                                                            \
    partners_are((const char *const[]){ __VA_ARGS__ }, ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })), false, says)

static void partners_by_name(void **state)
{
    (void)state;
    PARTNERS("0 2, 1 3", "input/a.png", "input/b.png", "target/a.jpg", "target/b.png");
    PARTNERS("1 0, 3 2", "masks/b.png", "images/b.png", "train/Labels/a.png", "train/Image/a.png");
    PARTNERS("0 1, 2 3", "x/noisy/a.1.png", "x/clean/a.1.png", "low/x/a.png", "high/x/a.png");
    PARTNERS("0 1, 3 2", "t/9a-image.png", "t/9a-label.png", "t/9b_mask.png", "t/9b_image.png");
    /* A folder says more than a name, the last folder the most, and the root nothing. */
    PARTNERS("0 1", "input/cat-image.png", "target/cat-image.png");
    PARTNERS("0 1", "target/input/a.png", "target/target/a.png");
    PARTNERS("0 1", "/pictures/images/t/a-image.png", "/pictures/images/t/a-mask.png");
}

static void partners_refused(void **state)
{
    static const char *const some[] = { "input/a.png", "target/a.png", "input/b.png", "c.png", "target/d.png" };
    static const char *const two[] = { "input/a.png", "input/a.jpg", "target/a.png", "input/b.png", "target/b.png" };

    (void)state;
    PARTNERS("input/b.png has no partner: no target is called so", "input/a.png", "target/a.png", "input/b.png");
    PARTNERS("target/c.png has no partner: no input is called so", "input/a.png", "target/a.png", "target/c.png");
    PARTNERS("input/a.png has no partner", "input/a.png", "clean/a.png");
    PARTNERS("a-target.png has no partner", "input/a.png", "a-target.png");
    PARTNERS("x/input/a.png has no partner", "x/input/a.png", "y/target/a.png");
    PARTNERS("input/a.png and input/a.jpg are both the input of one pair", "input/a.png", "target/a.png",
             "input/a.jpg");
    PARTNERS("are both the target", "target/a.png", "target/a.jpg", "input/a.png");
    PARTNERS("a/b.png: neither a folder", "a/b.png");
    PARTNERS("images.png: neither", "images.png");
    partners_are(some, ARRAY_SIZE(some), true, "0 1; 3");
    partners_are(two, ARRAY_SIZE(two), true, "3 4; 3");
}

/* ---- sets ---- */

/* RGB, or grey: every pixel's value depends on its place and the picture's number. */
static void put_picture(const char *name, uint32_t width, uint32_t height, uint32_t channels, unsigned number,
                        uint32_t scale)
{
    uint8_t *pixels = malloc((size_t)width * height * channels);
    struct bytes png;

    assert_non_null(pixels);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            for (uint32_t c = 0; c < channels; c++)
                pixels[((size_t)y * width + x) * channels + c] =
                    (uint8_t)(x / scale * 3 + y / scale * 7 + c * 50 + number * 11);
        }
    }
    png = make_png(&(struct png){ .width = width,
                                  .height = height,
                                  .colour = channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR : SPNG_COLOR_TYPE_GRAYSCALE,
                                  .depth = 8 },
                   pixels, (size_t)width * height * channels);
    data_write(data_root, name, png.data, png.size);
    free(png.data);
    free(pixels);
}

static struct dataset *make_pairs(const char *folder, const char *media, struct pairs_wish wish, struct reason *why)
{
    struct dataset *set = data_read_unlabelled(scratch_path(data_root, folder), MEDIA_IMAGE);
    struct media *description = make_media(media);
    int result;

    wish.media = description;
    wish.root = scratch_path(data_root, folder);
    result = pairs_make(set, &wish, why);
    media_free(description);
    if (result)
        assert_int_equal(result, WISP_E_FORMAT);
    return result ? dataset_free(set) : set;
}

/* Input and target are crops of one place, turned alike, at every place that is drawn: here a target's pixel is told by
 * its input's. */
static void crops_are_of_one_place(void **state)
{
    static struct media_levels levels;
    static float in[8 * 8], target[16 * 16];
    struct reason why = { "" };
    struct dataset *set;
    struct rng rng = rng_make(3, 1);
    bool places[16] = { false };

    (void)state;
    put_picture("crops/input/a.png", 21, 17, 1, 0, 1);
    put_picture("crops/target/a.png", 42, 34, 1, 0, 2);
    put_picture("crops/input/b.png", 8, 40, 1, 1, 1);
    put_picture("crops/target/b.png", 16, 80, 1, 1, 2);
    set = make_pairs("crops", GREY(8, 8) "}", (struct pairs_wish){ .scale = 2, .channels = 1 }, &why);
    assert_non_null(set);
    assert_int_equal(set->pairs->count, 2);
    assert_int_equal(set->count,
                     pieces_plan(21, 8, 2, 1).count * pieces_plan(17, 8, 2, 1).count + pieces_plan(40, 8, 2, 1).count);
    for (unsigned byte = 0; byte < 256; byte++)
        levels.values[0][byte] = (float)byte;
    for (unsigned round = 0; round < 200; round++) {
        const uint32_t sample = (uint32_t)rng_below(&rng, set->count), pair = set->pairs->tiles[sample].pair;
        struct crop crop = round < 50 ? pairs_tile(set, sample) : pairs_crop(set, sample, &rng), twice;

        places[crop.left % 16] = true;
        crop.flip = round % 2;
        crop.turns = round / 2 % 4;
        crop_take(&crop, pairs_input(set, pair), &levels, in);
        twice = crop_scaled(&crop, 2);
        crop_take(&twice, pairs_target(set, pair), &levels, target);
        for (unsigned i = 0; i < 256; i++)
            assert_true(target[i] == in[i / 32 * 8 + i % 16 / 2]);
    }
    for (unsigned i = 0; i < 14; i++)
        assert_true(places[i]);
    dataset_free(set);
}

/* A quarter is clockwise, four are none, and mirroring comes before. */
static void turns(void **state)
{
    uint8_t pixels[] = { 1, 2, 3, 4 };
    const struct media_picture picture = { 2, 2, 1, pixels };
    static const float expected[][4] = { { 1, 2, 3, 4 }, { 3, 1, 4, 2 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 },
                                         { 2, 1, 4, 3 }, { 4, 2, 3, 1 }, { 3, 4, 1, 2 }, { 1, 3, 2, 4 } };
    static struct media_levels levels;
    float out[4];

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        levels.values[0][byte] = (float)byte;
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        crop_take(&(struct crop){ 0, 0, 2, 2, i / 4, i % 4 }, &picture, &levels, out);
        assert_memory_equal(out, expected[i], sizeof out);
    }
}

static void sets_refused(void **state)
{
    static const struct {
        const char *folder;
        uint32_t width, height, scale;
        const char *says;
    } cases[] = {
        { "r1", 20, 16, 1,
          "r1/input/a.png: the input is 16 x 16 and the target 20 x 16, but the network gives 1 times" },
        { "r2", 16, 16, 2, "the network gives 2 times the size" },
        { "r3", 16, 16, 1, NULL },
    };
    struct reason why = { "" };
    char name[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct pairs_wish wish = { .scale = cases[i].scale, .channels = 3 };
        struct dataset *set;

        snprintf(name, sizeof name, "%s/input/a.png", cases[i].folder);
        put_picture(name, 16, 16, 3, 0, 1);
        snprintf(name, sizeof name, "%s/target/a.png", cases[i].folder);
        put_picture(name, cases[i].width, cases[i].height, 3, 0, 1);
        set = make_pairs(cases[i].folder, RGB(16, 16) "}", wish, &why);
        assert_true(!set == (cases[i].says != NULL));
        if (cases[i].says && !strstr(why.text, cases[i].says))
            fail_msg("%s", why.text);
        dataset_free(set);
    }
    assert_null(make_pairs("r3", RGB(16, 17) "}", (struct pairs_wish){ .scale = 1, .channels = 3 }, &why));
    assert_non_null(strstr(why.text, "an input of 16 x 16 is smaller than the 16 x 17 that the network takes"));
    assert_null(
        make_pairs("r3", RGB(17, 16) "}", (struct pairs_wish){ .scale = 1, .channels = 3, .skip_bad = true }, &why));
    assert_non_null(strstr(why.text, "not one pair of pictures can be used; the first: "));
}

/* ---- degradations ---- */

static void parse_refused(void **state)
{
    static const char *const bad[] = { "",       "blur=1",  "noise",     "noise=0", "noise=129",  "noise=x",
                                       "none=1", "small=1", "small=2.5", "dark=2",  "drawing=-1", "noise=25,dark=0.2",
                                       "oil=1.5" };
    struct degrading d = { NULL, 0 };
    struct reason why = { "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(degradation_parse(bad[i], &d, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "give none, noise=S"));
    }
    assert_ok(degradation_parse("small=3", &d, &why), why);
    assert_int_equal(degradation_scale(&d), 3);
    assert_ok(degradation_parse("noise=25", &d, &why), why);
    assert_int_equal(degradation_scale(&d), 1);
}

static struct dataset *degraded_in(const char *folder, const char *media, const char *degradation, uint32_t channels)
{
    struct pairs_wish wish = { .channels = channels };
    struct reason why = { "" };
    struct dataset *set;

    assert_ok(degradation_parse(degradation, &wish.degrading, &why), why);
    wish.scale = degradation_scale(&wish.degrading);
    set = make_pairs(folder, media, wish, &why);
    assert_ok(set ? 0 : WISP_E_FORMAT, why);
    return set;
}

static struct dataset *degraded(const char *media, const char *degradation, uint32_t channels)
{
    return degraded_in("clean", media, degradation, channels);
}

/* Noise has its deviation, no mean, and at each pixel the value that it has there in any tile. */
static void noise_is_of_places(void **state)
{
    static struct media_levels levels;
    static float whole[3 * 64 * 64], part[3 * 16 * 16];
    struct dataset *set;
    const struct noise_key key = { 5, 9 };
    double sum = 0, squares = 0;

    (void)state;
    put_picture("clean/a.png", 64, 64, 3, 0, 1);
    set = degraded(RGB(16, 16) "}", "noise=25", 3);
    for (unsigned i = 0; i < 3 * 256; i++)
        levels.values[i / 256][i % 256] = (float)(i % 256) / 255;
    crop_take_noisy(&(struct crop){ 0, 0, 64, 64, false, 0 }, pairs_input(set, 0), &levels, &set->pairs->noise, &key,
                    whole);
    for (unsigned i = 0; i < 3 * 64 * 64; i++) {
        const uint8_t clean = pairs_target(set, 0)->pixels[i % 4096 * 3 + i / 4096];
        const double off = 255 * (double)whole[i] - clean;

        sum += off;
        squares += off * off;
    }
    assert_true(fabs(sum / 12288) < 1);
    assert_true(fabs(sqrt(squares / 12288) - 25) < 1);
    for (uint32_t at = 0; at <= 48; at += 12) {
        crop_take_noisy(&(struct crop){ at, 48 - at, 16, 16, false, 0 }, pairs_input(set, 0), &levels,
                        &set->pairs->noise, &key, part);
        for (unsigned i = 0; i < 3 * 256; i++)
            assert_true(part[i] == whole[i / 256 * 4096 + (i % 256 / 16 + 48 - at) * 64 + at + i % 16]);
    }
    dataset_free(set);
}

/* Against the formula; rounded to bytes. */
static void dark_is_the_curve(void **state)
{
    struct dataset *set;

    (void)state;
    put_picture("clean/a.png", 64, 64, 3, 0, 1);
    set = degraded(RGB(16, 16) "}", "dark=0.25", 3);
    assert_true(set->pairs->noise.rounded && set->pairs->noise.deviation == 3);
    for (unsigned byte = 0; byte < 256; byte++)
        assert_float_equal(set->pairs->noise.levels[byte], 255 * 0.25 * pow(byte / 255.0, 1.4), 1e-3);
    dataset_free(set);
}

/* Against the convolution in two dimensions, at once, but for a byte's rounding between the sides. */
static void small_is_bicubic(void **state)
{
    static uint8_t pixels[67 * 66 * 3];
    struct dataset *set;
    const struct media_picture *in, *target;
    struct bytes png;

    (void)state;
    for (unsigned i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(60 + 120 * ((i / 3 % 67 / 3 + i / 201 / 5) % 2));
    png = make_png(&(struct png){ .width = 67, .height = 66, .colour = SPNG_COLOR_TYPE_TRUECOLOR, .depth = 8 }, pixels,
                   sizeof pixels);
    data_write(data_root, "clean/a.png", png.data, png.size);
    free(png.data);
    set = degraded(RGB(16, 16) "}", "small=2", 3);
    in = pairs_input(set, 0);
    target = pairs_target(set, 0);
    assert_true(in->width == 33 && in->height == 33 && target->width == 67);
    for (uint32_t y = 0; y < 33; y += 4) {
        for (uint32_t x = 0; x < 33; x++) {
            double sum = 0, weights = 0;

            for (int i = 0; i < 8 * 8; i++) {
                const int column = 2 * (int)x - 3 + i % 8, row = 2 * (int)y - 3 + i / 8;
                double weight = 1;

                if (column < 0 || row < 0 || column >= 66 || row >= 66)
                    continue;
                for (int side = 0; side < 2; side++) {
                    const double d = fabs(((side ? i / 8 : i % 8) - 3.5) / 2);

                    weight *= d < 1 ? 1.5 * d * d * d - 2.5 * d * d + 1 : -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2;
                }
                sum += weight * target->pixels[((size_t)row * 67 + (size_t)column) * 3 + 1];
                weights += weight;
            }
            sum = fmin(fmax(sum / weights, 0), 255);
            assert_true(fabs(sum - in->pixels[((size_t)y * 33 + x) * 3 + 1]) < 1.3);
        }
    }
    dataset_free(set);
}

/* A step from 0 to 200 is a line of two pixels, and nothing else is drawn. */
static void drawing_is_of_edges(void **state)
{
    static uint8_t pixels[12 * 12];
    struct bytes png;
    struct dataset *set;

    (void)state;
    for (unsigned i = 0; i < sizeof pixels; i++)
        pixels[i] = i % 12 >= 6 ? 200 : 0;
    png = make_grey_png(12, 12, pixels);
    data_write(data_root, "clean/a.png", png.data, png.size);
    free(png.data);
    set = degraded(GREY(12, 12) "}", "drawing=3.1", 1);
    for (unsigned i = 0; i < sizeof pixels; i++)
        assert_int_equal(pairs_input(set, 0)->pixels[i], i % 12 == 5 || i % 12 == 6 ? 255 : 0);
    dataset_free(set);
    set = degraded(GREY(12, 12) "}", "drawing=3.2", 1); /* 4 * 200 / 255 is 3.14 */
    for (unsigned i = 0; i < sizeof pixels; i++)
        assert_int_equal(pairs_input(set, 0)->pixels[i], 0);
    dataset_free(set);
}

/* None: the channels alone may differ. What is told apart by a hash: the degradation, too. */
static void none_is_the_picture(void **state)
{
    struct dataset *set, *other;

    (void)state;
    put_picture("clean/a.png", 16, 16, 3, 0, 1);
    set = degraded(GREY(16, 16) "}", "none", 3);
    assert_int_equal(pairs_input(set, 0)->channels, 1);
    assert_int_equal(pairs_target(set, 0)->channels, 3);
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t *p = pairs_target(set, 0)->pixels + (size_t)3 * i;

        assert_int_equal(pairs_input(set, 0)->pixels[i], (299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
    }
    other = degraded(RGB(16, 16) "}", "oil=2", 3); /* makes the target of the input, not the input of the target */
    assert_memory_equal(pairs_input(other, 0)->pixels, pairs_target(set, 0)->pixels, 3 * 256);
    dataset_free(other);
    other = degraded(GREY(16, 16) "}", "noise=1", 3);
    assert_string_not_equal(set->hash, other->hash);
    dataset_free(other);
    dataset_free(set);
}

/* ---- scores ---- */

/* A network's answers, and what is said of them against the same in plain sums over whole pictures. */
static void scores_are_of_whole_pictures(void **state)
{
    static float in[3 * 256], out[3 * 256], target[3 * 256];
    static double answers[2][3 * 40 * 40];
    struct media *media = make_media(RGB(16, 16) ",\"mean\":0.4,\"deviation\":0.3,\"answer\":\"picture\"}");
    struct media_levels levels;
    struct pair_scores scores;
    struct pair_figures f;
    struct dataset *set;
    struct rng rng = rng_make(8, 8);
    double psnr = 0, worst = 1000;

    (void)state;
    put_picture("score/a.png", 40, 33, 3, 0, 1);
    put_picture("score/b.png", 16, 21, 3, 5, 1);
    set = degraded_in("score", RGB(16, 16) ",\"mean\":0.4,\"deviation\":0.3,\"answer\":\"picture\"}", "none", 3);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(answers[0]); i++)
        answers[i / ARRAY_SIZE(answers[0])][i % ARRAY_SIZE(answers[0])] = 300 * rng_double(&rng) - 20;
    assert_int_equal(pair_scores_init(&scores, set, media), 0);
    media_answer_levels(media, 3, &levels);
    for (uint32_t sample = 0; sample < set->count; sample++) {
        const struct crop crop = pairs_tile(set, sample);
        const uint32_t pair = set->pairs->tiles[sample].pair;

        crop_take(&crop, pairs_target(set, pair), &levels, target);
        for (size_t i = 0; i < ARRAY_SIZE(out); i++)
            out[i] = (float)((answers[pair][(i / 256 * 40 + crop.top + i % 256 / 16) * 40 + crop.left + i % 16] / 255 -
                              0.4) /
                             0.3);
        memcpy(in, target, sizeof in);
        assert_int_equal(pair_scores_add(&scores, &sample, 1, in, out), 0);
    }
    for (uint32_t pair = 0; pair < 2; pair++) {
        const struct media_picture *p = pairs_target(set, pair);
        double squares = 0, one;

        for (uint32_t i = 0; i < p->width * p->height * 3; i++) {
            const uint32_t x = i / 3 % p->width, y = i / 3 / p->width;
            const double said = answers[pair][(i % 3 * 40 + y) * 40 + x];

            squares += pow(fmin(fmax(said, 0), 255) - p->pixels[i], 2);
        }
        one = 10 * log10(255.0 * 255 / (squares / (p->width * p->height * 3)));
        psnr += one / 2;
        worst = fmin(worst, one);
    }
    f = pair_scores_figures(&scores);
    assert_int_equal(f.pictures, 2);
    assert_float_equal(f.psnr, psnr, 1e-5);
    assert_float_equal(f.worst, worst, 1e-5);
    assert_float_equal(f.input_psnr, 100, 0);
    pair_scores_deinit(&scores);
    dataset_free(set);
    media_free(media);
}

/* A mask of 2 x 2 of which two pixels are right, in two pictures, of which one is empty and is said so. */
static void scores_of_masks(void **state)
{
    static const char media_text[] = GREY(2, 2) ",\"answer\":\"mask\",\"threshold\":1}";
    static const float out[] = { 0.6f, 0.2f, 0.7f, 0.1f, 0.6f, 0.4f, 0.4f, 0 }; /* samples innermost */
    static const uint8_t pixels[][4] = { { 1, 1, 0, 1 }, { 0, 0, 0, 0 } };
    struct media *media = make_media(media_text);
    struct pair_scores scores;
    struct pair_figures f;
    struct dataset *set;

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct bytes png = make_grey_png(2, 2, pixels[i]);

        data_write(data_root, i ? "mask/b.png" : "mask/a.png", png.data, png.size);
        free(png.data);
    }
    set = degraded_in("mask", media_text, "none", 1);
    assert_int_equal(pair_scores_init(&scores, set, media), 0);
    assert_int_equal(pair_scores_add(&scores, (const uint32_t[]){ 0, 1 }, 2, out, out), 0);
    f = pair_scores_figures(&scores);
    assert_float_equal(f.iou, 0.5, 1e-12);
    assert_float_equal(f.dice, 2.0 / 3, 1e-12);
    assert_float_equal(f.iou_mean, 0.75, 1e-12);
    assert_float_equal(f.worst, 0.5, 1e-12);
    assert_int_equal(f.worst_sample, 0);
    pair_scores_deinit(&scores);
    assert_int_equal(pair_scores_init(&scores, set, media), 0);
    scores.threshold = 0.3f; /* all that is wanted, and two pixels besides */
    assert_int_equal(pair_scores_add(&scores, (const uint32_t[]){ 0, 1 }, 2, out, out), 0);
    f = pair_scores_figures(&scores);
    assert_float_equal(f.iou, 3.0 / 5, 1e-12);
    pair_scores_deinit(&scores);
    dataset_free(set);
    media_free(media);
}

/* Of the numbers 0 and 10 none is set from 128 on; black masks are. */
static void masks_without_a_pixel(void **state)
{
    struct pairs_wish wish = { .channels = 1 };
    struct reason why = { "" };
    struct dataset *set;

    (void)state;
    put_picture("numbers/a.png", 2, 2, 1, 0, 1);
    assert_ok(degradation_parse("none", &wish.degrading, &why), why);
    wish.scale = 1;
    set = make_pairs("numbers", GREY(2, 2) ",\"answer\":\"mask\"}", wish, &why);
    assert_null(set);
    assert_non_null(strstr(why.text, "no pixel of any mask is set: their bytes reach 10, "));
    put_picture("black/a.png", 1, 1, 1, 0, 1);
    set = make_pairs("black", GREY(1, 1) ",\"answer\":\"mask\"}", wish, &why);
    assert_ok(set ? 0 : WISP_E_FORMAT, why);
    dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partners_by_name),       cmocka_unit_test(partners_refused),
        cmocka_unit_test(crops_are_of_one_place), cmocka_unit_test(turns),
        cmocka_unit_test(sets_refused),           cmocka_unit_test(parse_refused),
        cmocka_unit_test(noise_is_of_places),     cmocka_unit_test(dark_is_the_curve),
        cmocka_unit_test(small_is_bicubic),       cmocka_unit_test(drawing_is_of_edges),
        cmocka_unit_test(none_is_the_picture),    cmocka_unit_test(scores_are_of_whole_pictures),
        cmocka_unit_test(scores_of_masks),        cmocka_unit_test(masks_without_a_pixel),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
