/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures to compressed ones and back, by the library and by the command, through a real daemon. The model loses
 * nothing: its latents are the pixels, so that what comes back is what went in, whatever its size.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wisp/media.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/size.h"
#include "media/latents/coded.h"
#include "media/spec/media.h"
#include "sparse/file/model_file.h"
#include "support/command.h"
#include "support/daemon.h"

#define STRUCTURE                                                                                                      \
    "name: %s\nprocessing: image.compression\ninput: [3, 16, 16]\nlayers:\n- pixel_unshuffle\n"                        \
    "- conv2d: {channels: 12, kernel: 3, padding: 1}\n%s- conv2d: {channels: 12, kernel: 1}\n- pixel_shuffle\n"

static const char media[] =
    "{\"kind\":\"image\",\"width\":16,\"height\":16,\"channels\":3,\"fit\":\"tiles\",\"overlap\":8,"
    "\"answer\":\"picture\",\"mean\":0,\"deviation\":0.00392156862745098}";
static const char *folder;
static struct test_daemon wispd;
static wisp_client *client;
static struct outcome outcome;

/* Every channel to itself. */
static void set_weights(struct model *model)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct csr *w = &model->layers[i].weight;
        const uint32_t taps = w->rows ? w->columns / w->rows : 0;

        for (uint32_t row = 0; row < w->rows; row++) {
            for (uint64_t k = w->starts[row]; k < w->starts[row + 1]; k++)
                w->values[k] = csr_column(w, k) == row * taps + taps / 2;
        }
    }
}

static void build(const char *name, const char *middle, char path[256])
{
    char structure[512], option[256];
    struct model *model;
    struct reason why;

    snprintf(structure, sizeof structure, STRUCTURE, name, middle);
    snprintf(path, 256, "%s/%s.yaml", folder, name);
    assert_ok(file_write(path, &(struct file_part){ structure, strlen(structure) }, 1, &why), why);
    snprintf(option, sizeof option, "--structure=%s", path);
    snprintf(path, 256, "%s/%s.safetensors", folder, name);
    command_run(
        &(struct command){ .words = { "wisp", "build", option, "-s0", "--no-history", "--media", media, "-o", path } },
        &outcome);
    assert_int_equal(outcome.status, 0);
    assert_ok(model_read(path, &model, &why), why);
    set_weights(model);
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

static const char *place(const char *name)
{
    return scratch_path(folder, name);
}

static void write_picture(const char *name, const struct media_picture *picture)
{
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(media_write_picture(picture, name, &bytes, &length, &why), why);
    assert_ok(file_write(place(name), &(struct file_part){ bytes, length }, 1, &why), why);
    free(bytes);
}

/* Smooth enough that there is something to compress. */
static struct media_picture make_picture(uint32_t width, uint32_t height, uint32_t channels)
{
    const size_t row = (size_t)width * channels;
    struct media_picture made = { width, height, channels, malloc(row * height) };
    struct rng rng = rng_make(width, channels);

    assert_non_null(made.pixels);
    for (size_t i = 0; i < row * height; i++)
        made.pixels[i] = (uint8_t)(i / row * 3 + i % row + rng_below(&rng, 9));
    return made;
}

static int begin(void **state)
{
    static char paths[3][256];
    const char *models[] = { paths[0], paths[1], paths[2] };
    struct wisp_options options = { .size = sizeof options };
    struct media_picture picture;

    (void)state;
    folder = scratch_make();
    build("pack", "- quantize: {price: 0.1}\n", paths[0]);
    build("other", "- quantize\n", paths[1]);
    build("plain", "", paths[2]);
    picture = make_picture(90, 41, 3);
    write_picture("in.png", &picture);
    assert_int_equal(mkdir(place("data"), 0777), 0);
    write_picture("data/in.png", &picture);
    free(picture.pixels);
    daemon_start(&wispd, &(struct daemon_setup){ .models = models, .model_count = ARRAY_SIZE(models) });
    options.socket_path = wispd.socket;
    return wisp_connect(&client, &options);
}

static int end(void **state)
{
    (void)state;
    wisp_close(client);
    scratch_remove(folder);
    return daemon_stop(&wispd);
}

static void process(const char *model, const char *in, const char *out)
{
    const int result = wisp_process_file(client, model, place(in), place(out), NULL, NULL);

    if (result)
        fail_msg("%s to %s by %s: %d, %s", in, out, model, result, wisp_last_error());
}

static void check_same(const char *path, const struct media_picture *right)
{
    struct media_picture got;
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(file_read(path, 1 << 24, &bytes, &length, &why), why);
    assert_ok(media_decode_picture(path, bytes, length, &got, &why), why);
    assert_true(got.width == right->width && got.height == right->height && got.channels == right->channels);
    assert_memory_equal(got.pixels, right->pixels, (size_t)got.width * got.height * got.channels);
    free(got.pixels);
    free(bytes);
}

/* Smaller than a tile and larger, even and not, grey and in colours. */
static void test_what_comes_back(void **state)
{
    static const uint32_t sizes[][3] = { { 1, 1, 3 }, { 16, 16, 3 }, { 7, 50, 1 }, { 90, 41, 3 }, { 33, 40, 1 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct media_picture picture = make_picture(sizes[i][0], sizes[i][1], sizes[i][2]);

        write_picture("p.png", &picture);
        process("pack", "p.png", "p.wz");
        process("image.compression", "p.wz", "q.png");
        check_same(place("q.png"), &picture);
        free(picture.pixels);
    }
}

static void test_it_says_who_made_it(void **state)
{
    struct coded_body body;
    struct coded coded;
    struct reason why;
    size_t length;
    void *bytes;

    (void)state;
    process("pack", "in.png", "in.wz");
    assert_ok(file_read(place("in.wz"), 1 << 20, &bytes, &length, &why), why);
    assert_ok(coded_open(bytes, length, &coded, &body, &why), why);
    assert_string_equal(coded.model, "pack");
    assert_true(coded.width == 90 && coded.height == 41 && coded.channels == 3 && coded.block == 2);
    assert_in_range(length, 3000, 90 * 41 * 3 - 1);
    free(bytes);
}

static void test_halves_have_names(void **state)
{
    wisp_model *model;

    (void)state;
    assert_int_equal(wisp_find(client, "pack", &model), 0);
    assert_string_equal(wisp_model_decoder(model), "pack.decoder");
    wisp_model_free(model);
    assert_int_equal(wisp_find(client, "pack.decoder", &model), 0);
    assert_null(wisp_model_decoder(model));
    wisp_model_free(model);
    assert_int_equal(wisp_find(client, "plain", &model), 0);
    assert_null(wisp_model_decoder(model));
    wisp_model_free(model);
}

static void write_damaged(const char *name)
{
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(file_read(place("in.wz"), 1 << 20, &bytes, &length, &why), why);
    ((uint8_t *)bytes)[length / 2] ^= 1;
    assert_ok(file_write(place(name), &(struct file_part){ bytes, length }, 1, &why), why);
    free(bytes);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *model, *in, *out, *says;
        int result;
    } cases[] = {
        { "other", "in.wz", "no.png", "by a model that was called pack, and is not this other", WISP_E_FORMAT },
        { "pack", "damaged.wz", "no.png", "damaged.wz: its checksum is not that of its bytes", WISP_E_FORMAT },
        { "pack", "in.wz", "no.wz", "is compressed already", WISP_E_INVALID },
        { "pack", "in.png", "no.png", "to a name that ends in .wz", WISP_E_INVALID },
        { "pack", "in.png", "no.gif", "compressed pictures end in .wz", WISP_E_INVALID },
        { "pack", "pack.yaml", "no.wz", "pack.yaml", WISP_E_FORMAT },
        { "plain", "in.png", "no.wz", "PNG or JPEG", WISP_E_INVALID },
    };

    (void)state;
    process("pack", "in.png", "in.wz");
    write_damaged("damaged.wz");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(wisp_process_file(client, cases[i].model, place(cases[i].in), place(cases[i].out), NULL, NULL),
                         cases[i].result);
        if (!strstr(wisp_last_error(), cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", wisp_last_error(), cases[i].says);
    }
}

static void run(const char *const words[6])
{
    command_run(&(struct command){ .words = { "wisp", "run", "-s", wispd.socket, words[0], words[1], words[2], words[3],
                                              words[4], words[5] },
                                   .folder = folder },
                &outcome);
    if (outcome.status)
        fail_msg("%s %s: %d, \"%s\"", words[0], words[1], outcome.status, outcome.err);
}

/* To folders too, where a file is called by what becomes of it. */
static void test_the_command(void **state)
{
    struct media_picture picture = make_picture(90, 41, 3);

    (void)state;
    run((const char *const[6]){ "pack", "in.png", "-o", "one.wz", "--json" });
    assert_non_null(strstr(outcome.out, "\"width\":90,\"height\":41,\"bytes\":"));
    assert_non_null(strstr(outcome.out, "\"bits_per_pixel\":"));
    run((const char *const[6]){ "pack", "one.wz", "-o", "one.png" });
    assert_non_null(strstr(outcome.out, "one.wz: 90 x 41 pixels, "));
    check_same(place("one.png"), &picture);
    assert_int_equal(mkdir(place("to"), 0777), 0);
    run((const char *const[6]){ "pack", "in.png", "-o", "to" });
    run((const char *const[6]){ "pack", "to/in.wz", "-o", "to" });
    check_same(place("to/in.png"), &picture);
    free(picture.pixels);
}

/* The number behind a key of what was printed. */
static double number_of(const char *key)
{
    const char *at = strstr(outcome.out, key);

    if (!at)
        fail_msg("\"%s\" says nothing of %s", outcome.out, key);
    return strtod(at + strlen(key), NULL);
}

/* wisp eval measures the files that wisp run writes, to the byte, beside JPEG of the same size. */
static void test_what_is_measured(void **state)
{
    char option[256], model[256];
    struct stat file;

    (void)state;
    process("pack", "in.png", "in.wz");
    assert_int_equal(stat(place("in.wz"), &file), 0);
    snprintf(option, sizeof option, "--data=%s", place("data"));
    snprintf(model, sizeof model, "%s", place("pack.safetensors"));
    command_run(&(struct command){ .words = { "wisp", "eval", model, option, "--json", "--threads=1" } }, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_true(number_of("\"bytes\":") == (double)file.st_size);
    assert_true(number_of("\"compressed\":{\"bits_per_pixel\":") > 1);
    assert_true(number_of("\"psnr\":100") >= 0);
    /* No JPEG has as many. */
    assert_true(number_of("\"jpeg_psnr\":") > 20);
    assert_true(number_of("\"jpeg_bits_per_pixel\":") < 8.0 * (double)file.st_size / (90 * 41) + 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_back),   cmocka_unit_test(test_it_says_who_made_it),
        cmocka_unit_test(test_halves_have_names), cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_the_command),       cmocka_unit_test(test_what_is_measured),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
