/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks that give a picture for a picture: from files to a model and its figures, the same bytes with any number of
 * threads and after a stop, and what does not fit.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/file/model_file.h"
#include "support/test.h"
#include "unit/data/data_make.h"
#include "unit/forge/process.h"

static struct ran ran;

static void put(const char *name, uint32_t width, uint32_t height, const uint8_t *pixels)
{
    struct bytes png = make_grey_png(width, height, pixels);

    data_write(data_root, name, png.data, png.size);
    free(png.data);
}

static void put_pair(const char *set, const char *split, unsigned number, const uint8_t *picture, const uint8_t *mask)
{
    char name[64];

    snprintf(name, sizeof name, "%s/%s/images/%u.png", set, split, number);
    put(name, 24, 20, picture);
    snprintf(name, sizeof name, "%s/%s/masks/%u.png", set, split, number);
    put(name, 24, 20, mask);
}

/* A disc under noise, with much light and with little, and its mask: a label's number, and of the set that is white
 * 255. */
static void put_disc(const char *split, unsigned number)
{
    uint8_t picture[24 * 20], dim[24 * 20], mask[24 * 20];
    struct rng rng = rng_make(number, *split);
    const double x0 = 5 + 14 * rng_double(&rng), y0 = 5 + 10 * rng_double(&rng);

    for (unsigned i = 0; i < sizeof mask; i++) {
        const unsigned column = i % 24, row = i / 24;
        const double x = column - x0, y = row - y0;

        mask[i] = x * x + y * y < 20 ? 3 : 0;
        picture[i] = (uint8_t)(60 + 60 * (mask[i] > 0) + rng_below(&rng, 80));
    }
    put_pair("discs", split, number, picture, mask);
    for (unsigned i = 0; i < sizeof picture; i++)
        dim[i] = picture[i] / 4;
    put_pair("dim", split, number, dim, mask);
    for (unsigned i = 0; i < sizeof mask; i++)
        mask[i] = mask[i] ? 255 : 0;
    put_pair("white", split, number, picture, mask);
}

/* Stripes, smooth in one direction. */
static void put_stripes(const char *split, unsigned number)
{
    uint8_t picture[20 * 20];
    char name[64];

    for (unsigned i = 0; i < sizeof picture; i++) {
        const unsigned column = i % 20, row = i / 20;

        picture[i] = (uint8_t)(128 + 100 * sin(column * 0.4 + number) * cos(row * 0.1 * (number % 3)));
    }
    snprintf(name, sizeof name, "stripes/%s/%u.png", split, number);
    put(name, 20, 20, picture);
}

static int make_data(void **state)
{
    data_root_make(state);
    for (unsigned i = 0; i < 12; i++)
        put_disc("train", i);
    for (unsigned i = 0; i < 4; i++)
        put_disc("test", i);
    for (unsigned i = 0; i < 8; i++)
        put_stripes("train", i);
    for (unsigned i = 8; i < 12; i++)
        put_stripes("test", i);
    data_write_text(data_root, "mask.yaml",
                    "name: mask\nprocessing: image.segmentation\ninput: [1, 16, 16]\nlayers:\n"
                    "  - conv2d: {channels: 4, kernel: 3, padding: 1}\n  - relu\n"
                    "  - conv2d: {channels: 1, kernel: 3, padding: 1}\n  - sigmoid\n");
    data_write_text(data_root, "clean.yaml",
                    "name: clean\nprocessing: image.denoising\ninput: [1, 16, 16]\nlayers:\n"
                    "  - conv2d: {channels: 4, kernel: 3, padding: 1}\n  - relu\n"
                    "  - conv2d: {channels: 1, kernel: 3, padding: 1}\n  - add: {from: [previous, input]}\n");
    data_write_text(data_root, "twice.yaml",
                    "name: twice\nprocessing: image.super-resolution\ninput: [1, 8, 8]\nlayers:\n"
                    "  - conv2d: {channels: 4, kernel: 3, padding: 1}\n  - pixel_shuffle\n");
    forge_run_well(&ran, data_root, "build --structure mask.yaml -s 0.2 --no-history -o mask");
    forge_run_well(&ran, data_root, "build --structure clean.yaml -s 0.2 --no-history -o clean");
    forge_run_well(&ran, data_root, "build --structure twice.yaml -s 0 --no-history -o twice");
    return 0;
}

static double evaluate(const char *command, const char *key)
{
    json_t *result;
    double value;

    forge_run_well(&ran, data_root, command);
    result = json_loads(ran.out, 0, NULL);
    assert_non_null(result);
    if (!json_is_number(json_object_get(result, key)))
        fail_msg("no %s in %s", key, ran.out);
    value = json_number_value(json_object_get(result, key));
    json_decref(result);
    return value;
}

static void says_of_itself(const char *file, const char *what)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(data_root, file), &model, &why), why);
    if (!strstr(model->media, what))
        fail_msg("%s: %s", file, model->media);
    model_free(model);
}

#define MASKS                                                                                                          \
    "--media {\"kind\":\"image\",\"width\":16,\"height\":16,\"channels\":1,\"answer\":\"mask\",\"threshold\":1}"
#define RECIPE "--optimizer adamw -b 4 -r 0.02 --augment flip=0.5,turn=0.75 --no-history"

#define BY_THEMSELVES                                                                                                  \
    "--media {\"kind\":\"image\",\"width\":16,\"height\":16,\"channels\":1,\"answer\":\"mask\",\"threshold\":1,"       \
    "\"normalise\":\"picture\"}"

static void test_masks_are_learned(void **state)
{
    (void)state;
    forge_run_well(&ran, data_root, "train mask -D discs --loss dice -e 25 " RECIPE " " MASKS " -o mask.1 -t 1");
    assert_true(evaluate("eval mask.1 -D discs --loss dice --json", "iou") > 0.7);
    /* What it was trained by it says itself. */
    assert_true(evaluate("eval mask.1 -D discs --json", "loss") ==
                evaluate("eval mask.1 -D discs --loss dice --json", "loss"));
    assert_true(evaluate("eval mask.1 -D discs --json -b 3", "dice") > 0.8);
    assert_true(evaluate("eval mask.1 -D discs --json", "pictures") == 4);
    assert_true(evaluate("eval mask.1 -D discs --json --threshold 1", "iou") == 0);
    forge_run_well(&ran, data_root, "train mask -D white -e 1 " RECIPE " -o mask.2");
    says_of_itself("mask.2", "\"answer\":\"mask\"");
    forge_run_well(&ran, data_root, "eval mask.1 -D discs");
    assert_non_null(strstr(ran.out, "over all pixels of 4 masks"));
}

/* With all that is drawn by chance: places, turns, noise. */
static void test_the_same_bytes(void **state)
{
    (void)state;
    forge_run_well(&ran, data_root, "train clean -D stripes --degrade noise=25 -e 4 " RECIPE " -o clean.1 -t 1");
    forge_run_well(&ran, data_root, "train clean -D stripes --degrade noise=25 -e 4 " RECIPE " -o clean.3 -t 3");
    assert_same_bytes(data_root, "clean.1", "clean.3");
    forge_run_well(&ran, data_root,
                   "train clean -D stripes --degrade noise=25 -e 4 " RECIPE
                   " --checkpoint c --checkpoint-every steps=3 "
                   "--minutes 0.001 -o cut -t 2");
    forge_run_well(&ran, data_root,
                   "train clean -D stripes --degrade noise=25 -e 4 " RECIPE
                   " --checkpoint c --resume c -o clean.2 -t 2");
    assert_same_bytes(data_root, "clean.1", "clean.2");
}

/* Of the first epoch that was told; NaN: it has no such number. */
static double told(const char *key)
{
    json_t *event = json_loads(strstr(ran.out, "{\"event\":\"epoch\""), JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *value = json_object_get(event, key);
    const double number = json_is_number(value) ? json_number_value(value) : NAN;

    assert_non_null(event);
    json_decref(event);
    return number;
}

/* Of what a brightness from 0 to 1 is divided by. */
static double deviation_of(const char *file)
{
    struct model *model;
    struct reason why;
    json_t *media;
    double deviation;

    assert_ok(model_read(scratch_path(data_root, file), &model, &why), why);
    media = json_loads(model->media, 0, NULL);
    deviation = json_number_value(json_array_get(json_object_get(media, "deviation"), 0));
    json_decref(media);
    model_free(model);
    return deviation;
}

/* What was learned in much light is found in little, where each picture is normalised by itself: the whole, as its
 * first number shows, and not the tile. */
static void test_little_light_is_enough(void **state)
{
    struct media *media;
    struct media_scale scale;
    struct reason why = { "" };
    struct media_picture whole;
    float first = 0;
    FILE *file;
    void *png;
    size_t size;

    (void)state;
    forge_run_well(&ran, data_root, "train mask -D discs --loss dice -e 25 " RECIPE " " MASKS " -o mask.3");
    assert_true(evaluate("eval mask.3 -D dim --json", "iou") < 0.3);
    forge_run_well(&ran, data_root, "train mask -D discs --loss dice -e 25 " RECIPE " " BY_THEMSELVES " -o mask.3");
    assert_true(evaluate("eval mask.3 -D discs --json", "iou") > 0.7);
    assert_true(evaluate("eval mask.3 -D dim --json --inputs first", "iou") > 0.7);
    says_of_itself("mask.3", "\"normalise\":\"picture\"");
    assert_ok(file_read(scratch_path(data_root, "dim/test/images/0.png"), 1 << 20, &png, &size, &why), why);
    assert_ok(media_decode_picture("0.png", png, size, &whole, &why), why);
    assert_ok(media_parse(GREY(16, 16) ",\"normalise\":\"picture\"}", &media, &why), why);
    media_picture_scale(media, &whole, &scale);
    file = fopen(scratch_path(data_root, "first"), "rb");
    assert_true(file && fread(&first, sizeof first, 1, file) == 1);
    assert_true(first == (float)((whole.pixels[0] / 255.0 - scale.mean[0]) / scale.deviation[0]));
    fclose(file);
    free(png);
    free(whole.pixels);
    media_free(media);
}

static void test_noise_is_taken_off(void **state)
{
    double before;

    (void)state;
    forge_run_well(&ran, data_root, "train clean -D stripes --degrade noise=25 -e 30 " RECIPE " -o clean.t");
    /* Decibels, and no share of pictures that would be right. */
    assert_float_equal(told("psnr"), -10 * log10(told("loss")) - 20 * log10(deviation_of("clean.t")), 1e-3);
    assert_null(strstr(ran.out, "accuracy"));
    before = evaluate("eval clean.t -D stripes --degrade noise=25 --json", "input_psnr");
    assert_true(before > 19.5 && before < 21.5);
    assert_true(evaluate("eval clean.t -D stripes --degrade noise=25 --json", "psnr") > before + 3);
    says_of_itself("clean.t", "\"answer\":\"picture\"");
    assert_true(evaluate("eval clean.t -D stripes --degrade none --json", "input_psnr") == 100);
    /* What the type is there to undo goes without saying. */
    assert_true(evaluate("eval clean.t -D stripes --json", "input_psnr") == before);
    says_of_itself("clean.t", "\"fit\":\"tiles\"");
}

static void test_pictures_become_larger(void **state)
{
    (void)state;
    forge_run_well(&ran, data_root, "train twice -D stripes --degrade small=2 --loss l1 -e 30 " RECIPE " -o twice.t");
    assert_true(isnan(told("psnr")) && isnan(told("accuracy")));
    forge_run_well(&ran, data_root, "train twice -D stripes --degrade small=2 --loss l1 -e 1 " RECIPE " -o twice.u");
    forge_run_well(&ran, data_root, "train twice -D stripes -e 1 " RECIPE " -o twice.v");
    assert_non_null(strstr(ran.err, "made into them by --degrade small=2, as for image.super-resolution"));
    assert_same_bytes(data_root, "twice.u", "twice.v");
    assert_true(evaluate("eval twice.t -D stripes --degrade small=2 --loss l1 --json", "psnr") > 22);
}

/* It goes without saying. */
static void test_a_type_has_a_structure(void **state)
{
    static const char *const types[] = {
        "image.classification", "image.enhancement", "image.denoising",      "image.super-resolution",
        "image.segmentation",   "image.compression", "image.style",          "image.generation",
        "text.classification",  "text.semantics",    "text.translation",     "text.summarisation",
        "text.keywords",        "text.generation",   "audio.classification", "audio.recognition",
        "audio.transcription",  "audio.denoising",   "audio.synthesis",      "text",
    };

    (void)state;
    forge_run_well(&ran, data_root, "build -p image.style -s 0.5 --no-history -n n -o styled");
    forge_run_well(&ran, data_root, "build --structure resnet-style-w32 -s 0.5 --no-history -n n -o named");
    assert_same_bytes(data_root, "styled", "named");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        char command[96];

        snprintf(command, sizeof command, "build -p %s -s 0.5 --no-history", types[i]);
        forge_run_well(&ran, data_root, command);
    }
    forge_run_well(&ran, data_root, "build -p text.classification --outputs 3 -s 0.5 --no-history --json");
    assert_non_null(strstr(ran.out, "1048960")); /* 8192 x 128 + 128 x 3 */
    forge_run(&ran, data_root, "build -p raw -s 0 -o x");
    assert_non_null(strstr(ran.err, "--layers is missing"));
}

static void test_what_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *command, *says;
    } cases[] = {
        { "train mask -D stripes -o x", "neither a folder on its way nor the end of its name" },
        { "train clean -D discs --degrade noise=25 -o x", "makes inputs of pictures that have none, and discs/train/" },
        { "train clean -D stripes --degrade blur=1 -o x", "--degrade 'blur=1': give none, noise=S" },
        { "train clean -D stripes --degrade small=2 -o x", "its inputs have 1/2 of the size, but clean gives 1 times" },
        { "train twice -D discs -o x", "but the network gives 2 times the size" },
        { "train clean -D stripes --degrade none --augment zoom=0.2 -o x", "are varied by flip and turn" },
        { "train clean -D stripes --degrade none --unlabelled discs -o x", "--unlabelled for others" },
        { "train clean -D stripes --degrade none --labelled 2 -o x", "end the network in a softmax" },
        { "train mask -D discs --loss cross-entropy -o x", "needs a softmax" },
        { "train mask -D discs -e 1 -o x", "no pixel of any mask is set: their bytes reach 3, " },
        { "train mask -D discs --media "
          "{\"kind\":\"image\",\"width\":16,\"height\":16,\"channels\":1,\"answer\":\"picture\"} "
          "--loss dice -o x",
          "--loss dice is of masks" },
        { "train clean -D stripes --degrade none --media "
          "{\"kind\":\"image\",\"width\":32,\"height\":8,\"channels\":1} -o x",
          "of pictures of another form" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forge_run(&ran, data_root, cases[i].command);
        assert_int_not_equal(ran.status, 0);
        if (!strstr(ran.err, cases[i].says))
            fail_msg("'%s' said: %s", cases[i].command, ran.err);
    }
}

/* Whether most of the data is bad is asked of files: a pair is two, however many tiles it has. */
static void test_what_is_left_out_are_files(void **state)
{
    static const uint8_t picture[64 * 64] = { 1 };

    (void)state;
    put("bad/train/images/whole.png", 64, 64, picture);
    put("bad/train/masks/whole.png", 64, 64, picture);
    put("bad/train/images/other.png", 24, 20, picture);
    put("bad/train/masks/other.png", 20, 24, picture);
    data_write_text(data_root, "bad/train/images/cut.png", "\x89PNG");
    put("bad/train/masks/cut.png", 24, 20, picture);
    forge_run(&ran, data_root, "train mask -D bad --skip-bad -e 1 " RECIPE " " MASKS " -o x");
    assert_int_equal(ran.status, 65);
    assert_non_null(strstr(ran.err, "4 of 6 files cannot be read and are left out:"));
    assert_non_null(strstr(ran.err, "masks/cut.png has no partner: no input that can be read is called so"));
    assert_non_null(strstr(ran.err, "bad: more than half of the files cannot be read"));
    put("bad/train/images/second.png", 24, 20, picture);
    put("bad/train/masks/second.png", 24, 20, picture);
    forge_run_well(&ran, data_root, "train mask -D bad --skip-bad -e 1 " RECIPE " " MASKS " -o x");
    assert_non_null(strstr(ran.err, "4 of 8 files cannot be read and are left out:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_are_learned),
        cmocka_unit_test(test_little_light_is_enough),
        cmocka_unit_test(test_the_same_bytes),
        cmocka_unit_test(test_noise_is_taken_off),
        cmocka_unit_test(test_pictures_become_larger),
        cmocka_unit_test(test_a_type_has_a_structure),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_what_is_left_out_are_files),
    };

    return cmocka_run_group_tests(tests, make_data, data_root_remove);
}
