/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to a file, by the library and by the command: pictures of any size through a real daemon, whose models
 * are convolutions with weights that this test gives them.
 */
#include "support/test.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wisp/media.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/size.h"
#include "media/spec/media.h"
#include "sparse/file/model_file.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/translator.h"

enum { WIDTH = 90, HEIGHT = 41 };

#define SOUND "{\"kind\":\"audio\",\"spectrum\":64,\"frames\":16,\"answer\":"
#define MEDIA "{\"kind\":\"image\",\"width\":16,\"height\":16,\"channels\":1,\"fit\":\"tiles\",\"answer\":"

/* What gives every layer's connections their weight. */
typedef float weigher(uint32_t column);

static float ninth(uint32_t column)
{
    (void)column;
    return 1.0f / 9;
}

static float middle(uint32_t column)
{
    return column == 4;
}

/* Finite of a daemon's trial, whose numbers are below 1; not of all white, nor of a recording's louder frequencies. */
static float flood(uint32_t column)
{
    return column < 9 ? FLT_MAX / 8.9F : 0;
}

static float roar(uint32_t column)
{
    return column == 5 ? FLT_MAX : 0;
}

static const struct kind {
    const char *name, *layers, *answer;
    weigher *weigh;
} kinds[] = {
    { "blur", "- conv2d: {channels: 1, kernel: 3, padding: 1}\n", "\"picture\"}", ninth },
    { "mask", "- conv2d: {channels: 1, kernel: 3, padding: 1}\n", "\"mask\",\"overlap\":8}", middle },
    { "twice", "- conv2d: {channels: 4, kernel: 3, padding: 1}\n- pixel_shuffle: {factor: 2}\n", "\"picture\"}",
      middle },
    { "flood", "- conv2d: {channels: 1, kernel: 3, padding: 1}\n", "\"picture\"}", flood },
    { "short", "- conv2d: {channels: 1, kernel: 3}\n", "\"picture\"}", ninth },
    { "roar", "- conv1d: {channels: 33, kernel: 1}\n", "\"sound\"}", roar },
    { "brief", "- conv1d: {channels: 33, kernel: 3}\n", "\"sound\"}", ninth },
    { "merge", "- conv1d: {channels: 66, kernel: 1}\n", "\"sound\",\"recordings\":2}", ninth },
};

static const char *folder;
static struct test_daemon wispd;
static wisp_client *client;
static struct media_picture original;
static struct outcome outcome;

/* Its file's path, too. */
static struct model *build_of(const char *name, const char *structure, const char *media, char path[256])
{
    struct model *model = NULL;
    struct reason why;
    char option[256];

    snprintf(path, 256, "%s/%s.yaml", folder, name);
    assert_ok(file_write(path, &(struct file_part){ structure, strlen(structure) }, 1, &why), why);
    snprintf(option, sizeof option, "--structure=%s/%s.yaml", folder, name);
    snprintf(path, 256, "%s/%s.safetensors", folder, name);
    command_run(
        &(struct command){ .words = { "wisp", "build", option, "-s0", "--no-history", "--media", media, "-o", path } },
        &outcome);
    assert_int_equal(outcome.status, 0);
    assert_ok(model_read(path, &model, &why), why);
    return model;
}

static void build(const struct kind *kind, char path[256])
{
    const bool sound = strstr(kind->answer, "sound") != NULL;
    char media[256], structure[512];
    struct model *model;
    struct reason why;

    snprintf(structure, sizeof structure, "name: %s\nprocessing: %s\nlayers:\n%s", kind->name,
             strstr(kind->answer, "recordings") ? "audio.synthesis\ninput: [66, 16]"
             : sound                            ? "audio.denoising\ninput: [33, 16]"
                                                : "image.denoising\ninput: [1, 16, 16]",
             kind->layers);
    snprintf(media, sizeof media, "%s%s", sound ? SOUND : MEDIA, kind->answer);
    model = build_of(kind->name, structure, media, path);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct csr *weight = &model->layers[i].weight;

        for (uint64_t k = 0; k < weight->count; k++)
            weight->values[k] = kind->weigh(csr_column(weight, k));
    }
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

/* Of two labels a word. */
static void build_tagger(char path[256])
{
    static const char structure[] = "name: tagger\nprocessing: text.keywords\ninput: [66]\nlayers:\n"
                                    "- embedding: {vocabulary: 64, neurons: 1}\n"
                                    "- conv1d: {channels: 2, kernel: 11, stride: 11}\n- softmax\n";
    struct model *model =
        build_of("tagger", structure, "{\"kind\":\"text\",\"features\":64,\"sequence\":6,\"each\":\"word\"}", path);
    struct reason why;

    model->labels = calloc(2, sizeof *model->labels);
    model->labels[0] = strdup("O");
    model->labels[1] = strdup("KEY");
    model->label_count = 2;
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

static void build_translator(char path[256])
{
    static const struct translator translator = {
        .kind = "attention", .source = 5, .positions = 4, .vocabulary = 12, .width = 8, .begin = 1, .end = 2, .seed = 1
    };
    struct model *model = translator_model(&translator);
    struct reason why;

    snprintf(path, 256, "%s/translator.safetensors", folder);
    snprintf(model->name, sizeof model->name, "translator");
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

static void write_picture(const char *name)
{
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(media_write_picture(&original, name, &bytes, &length, &why), why);
    assert_ok(file_write(scratch_path(folder, name), &(struct file_part){ bytes, length }, 1, &why), why);
    free(bytes);
}

/* 48 frames of it, in five pieces. */
static void write_sound(const char *name)
{
    struct media_sound_writer *writer;
    struct rng rng = rng_make(1, 3);
    float samples[1500];
    struct reason why;
    const int fd = open(scratch_path(folder, name), O_RDWR | O_CREAT | O_TRUNC, 0644);

    for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
        samples[i] = rng_float(&rng) - 0.5f;
    assert_ok(media_sound_writer_new(name, 8000, ARRAY_SIZE(samples), fd, &writer, &why), why);
    assert_ok(media_sound_writer_add(writer, samples, ARRAY_SIZE(samples), &why), why);
    assert_ok(media_sound_writer_end(writer, &why), why);
    media_sound_writer_free(writer);
    close(fd);
}

static struct media_picture read_picture(const char *path)
{
    struct media_picture picture;
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(file_read(path, 1 << 24, &bytes, &length, &why), why);
    assert_ok(media_decode_picture(path, bytes, length, &picture, &why), why);
    free(bytes);
    return picture;
}

static int begin(void **state)
{
    static char paths[ARRAY_SIZE(kinds) + 2][256];
    const char *models[ARRAY_SIZE(paths)];
    struct wisp_options options = { .size = sizeof options };
    struct rng rng = rng_make(1, 2);

    (void)state;
    folder = scratch_make();
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        build(&kinds[i], paths[i]);
    build_tagger(paths[ARRAY_SIZE(kinds)]);
    build_translator(paths[ARRAY_SIZE(kinds) + 1]);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        models[i] = paths[i];
    original = (struct media_picture){ WIDTH, HEIGHT, 1, malloc(WIDTH * HEIGHT) };
    memset(original.pixels, 255, WIDTH * HEIGHT);
    write_picture("white.png");
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        original.pixels[i] = (uint8_t)rng_u32(&rng);
    write_sound("in.wav");
    write_picture("in.png");
    write_picture("other.png");
    daemon_start(&wispd, &(struct daemon_setup){ .models = models, .model_count = ARRAY_SIZE(models) });
    options.socket_path = wispd.socket;
    return wisp_connect(&client, &options);
}

static int end(void **state)
{
    (void)state;
    free(original.pixels);
    wisp_close(client);
    scratch_remove(folder);
    return daemon_stop(&wispd);
}

/* The mean of a pixel and those around it, without a seam. */
static void check_blurred(const char *path)
{
    struct media_picture out = read_picture(path);

    assert_true(out.width == WIDTH && out.height == HEIGHT && out.channels == 1);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int sum = 0;

        for (int k = 0; k < 9; k++) {
            const int x = i % WIDTH + k % 3 - 1, y = i / WIDTH + k / 3 - 1;

            sum += x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT ? 0 : original.pixels[y * WIDTH + x];
        }
        assert_true(fabs(out.pixels[i] - sum / 9.0) < 0.501);
    }
    free(out.pixels);
}

static void count(void *user, uint64_t done, uint64_t all)
{
    uint64_t *counted = user;

    assert_int_equal(done, ++*counted);
    assert_int_equal(all, 8 * 4);
}

static void test_any_size_has_no_seam(void **state)
{
    uint64_t counted = 0;
    struct wisp_process_options options = { .size = sizeof options, .progress = count, .progress_user = &counted };
    struct wisp_timings timings;

    (void)state;
    assert_int_equal(wisp_process_file(client, "blur", scratch_path(folder, "in.png"), scratch_path(folder, "out.png"),
                                       &options, &timings),
                     0);
    assert_int_equal(counted, 32);
    assert_true(timings.batch > 1); /* many were under way */
    assert_true(timings.total_ns >= timings.compute_ns);
    check_blurred(scratch_path(folder, "out.png"));
    options = (struct wisp_process_options){ .under_way = 3 };
    assert_int_equal(wisp_process_file(client, "blur", scratch_path(folder, "in.png"), scratch_path(folder, "out.png"),
                                       &options, NULL),
                     0);
    check_blurred(scratch_path(folder, "out.png"));
}

static void check_twice(const char *path)
{
    struct media_picture out = read_picture(path);

    assert_true(out.width == 2 * WIDTH && out.height == 2 * HEIGHT);
    for (size_t i = 0; i < (size_t)4 * WIDTH * HEIGHT; i++)
        assert_int_equal(out.pixels[i], original.pixels[i / 2 % WIDTH + i / 4 / WIDTH * WIDTH]);
    free(out.pixels);
}

/* Entries for four; and memory for the answers of sixteen. */
static void test_room_for_few_is_enough(void **state)
{
    struct wisp_options options = { .size = sizeof options, .entries = 4, .input_bytes = 1, .output_bytes = 1 };
    wisp_client *small;

    (void)state;
    options.socket_path = wispd.socket;
    assert_int_equal(wisp_connect(&small, &options), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wisp_process_file(small, "twice", scratch_path(folder, "in.png"),
                                           scratch_path(folder, "out.png"), NULL, NULL),
                         0);
        check_twice(scratch_path(folder, "out.png"));
        wisp_close(small);
        options.entries = 64;
        assert_int_equal(wisp_connect(&small, &options), 0);
    }
    wisp_close(small);
}

static void test_twice_as_large(void **state)
{
    (void)state;
    assert_int_equal(wisp_process_file(client, "twice", scratch_path(folder, "in.png"),
                                       scratch_path(folder, "twice.png"), NULL, NULL),
                     0);
    check_twice(scratch_path(folder, "twice.png"));
}

/* The daemon says or answers what is no picture. */
static void test_what_is_no_picture_is_not_written(void **state)
{
    static const struct {
        const char *model, *in, *out, *says;
        int result;
    } cases[] = {
        { "flood", "white.png", "no.png", "tile 1 of 32 has a value that is no finite number", WISP_E_INVALID },
        { "short", "in.png", "no.png", "it gives 14 x 14 pixels of tiles of 16 x 16", WISP_E_FORMAT },
        { "roar", "in.wav", "no.wav", "piece 1 of 5 has a value that is no finite number", WISP_E_INVALID },
        { "brief", "in.wav", "no.wav", "what multiplies spectra, 33 frequencies of 16 frames", WISP_E_FORMAT },
        { "brief", "in.wav", "no.mp3", "as WAV or FLAC", WISP_E_INVALID },
        { "roar", "in.png", "no.wav", "in.png", WISP_E_FORMAT },
        { "blur", "blur.yaml", "no.png", "blur.yaml", WISP_E_FORMAT },
        { "blur", "in.png", "no.gif", "as PNG or JPEG", WISP_E_INVALID },
        { "blur", "none.png", "no.png", "none.png", -ENOENT },
        { "nobody", "in.png", "no.png", "nobody", WISP_E_NO_MODEL },
        { "blur", "in.png", "", "is a directory", -EISDIR },
    };
    struct wisp_process_options options = { .size = 3 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *out = scratch_path(folder, cases[i].out);

        assert_int_equal(wisp_process_file(client, cases[i].model, scratch_path(folder, cases[i].in), out, NULL, NULL),
                         cases[i].result);
        if (!strstr(wisp_last_error(), cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", wisp_last_error(), cases[i].says);
        assert_false(*cases[i].out && file_is_same(out, out));
    }
    assert_int_equal(wisp_process_file(client, "blur", "x", "y", &options, NULL), WISP_E_INVALID);
    /* The client is none the worse for it. */
    test_twice_as_large(state);
}

/* What is written follows from the model, and how from the name. */
static void test_a_name_is_checked_before(void **state)
{
    static const struct {
        const char *model, *out, *says; /* NULL: it can be written */
    } cases[] = {
        { "blur", "a.png", NULL },
        { "blur", "a.JPEG", NULL },
        { "blur", "-", NULL },
        { "blur", "a", NULL },
        { "blur", "a.wav", "as PNG or JPEG" },
        { "mask", "a.gif", "as PNG or JPEG" },
        { "roar", "a.flac", NULL },
        { "roar", "a.png", "as WAV or FLAC" },
        { "tagger", "a.png", "no picture and no sound" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        wisp_model *model;

        assert_int_equal(wisp_find(client, cases[i].model, &model), 0);
        assert_int_equal(wisp_check_output(model, cases[i].out), cases[i].says ? WISP_E_INVALID : 0);
        if (cases[i].says && !strstr(wisp_last_error(), cases[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].out, wisp_last_error(), cases[i].says);
        wisp_model_free(model);
    }
}

struct seen {
    size_t count;
    uint64_t area;
};

static void see(void *user, const struct wisp_object *object)
{
    struct seen *seen = user;

    assert_true(object->left + object->width <= WIDTH && object->top + object->height <= HEIGHT);
    assert_true(object->x >= object->left && object->x < object->left + object->width);
    seen->count++;
    seen->area += object->area;
}

/* Of the mask of what is brighter than 0.8: each set pixel in one object, and the picture tinted there and nowhere
 * else. */
static void test_masks_have_objects_and_lie_over_pictures(void **state)
{
    char overlay[256];
    struct seen seen = { 0 };
    struct wisp_process_options options = {
        .threshold = 0.8f, .overlay = overlay, .object = see, .object_user = &seen
    };
    struct media_picture over;
    uint64_t set = 0;

    (void)state;
    snprintf(overlay, sizeof overlay, "%s/over.png", folder);
    assert_int_equal(wisp_process_file(client, "mask", scratch_path(folder, "in.png"), NULL, &options, NULL), 0);
    over = read_picture(overlay);
    assert_true(over.width == WIDTH && over.height == HEIGHT && over.channels == 3);
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        const uint8_t grey = original.pixels[i], *rgb = over.pixels + 3 * i;
        const bool is_set = grey / 255.0 > 0.8, tinted = rgb[1] != grey;

        set += is_set;
        assert_int_equal(is_set, tinted);
        assert_true(!is_set || rgb[1] == 40 || abs(rgb[1] - (2 * grey + 40) / 3) <= 1);
    }
    assert_int_equal(seen.area, set);
    assert_true(seen.count > 10);
    options.min_area = seen.area + 1;
    seen = (struct seen){ 0 };
    assert_int_equal(wisp_process_file(client, "mask", scratch_path(folder, "in.png"), NULL, &options, NULL), 0);
    assert_int_equal(seen.count, 0);
    free(over.pixels);
    options.threshold = 1;
    assert_int_equal(wisp_process_file(client, "mask", scratch_path(folder, "in.png"), NULL, &options, NULL),
                     WISP_E_INVALID);
}

/* ---- the command ---- */

static void test_the_command_says_what_is_wrong(void **state)
{
    static const struct {
        const char *words[6];
        int status;
        const char *says;
    } cases[] = {
        { { "flood", "white.png", "-o", "x.png" }, 65, "wisp run: white.png: what the model gives for tile 1 of 32" },
        { { "blur", "in.png", "-o", "in.png" }, 2, "would be written over the input" },
        { { "blur", "in.png", "-o", "./" }, 2, "would be written over the input" },
        { { "blur", "in.png", "-o", "x.tif" }, 2, "-o x.tif: pictures are written as PNG or JPEG" },
        { { "brief", "in.wav", "-o", "x.png" }, 2, "-o x.png: recordings are written as WAV or FLAC" },
        { { "mask", "in.png", "--overlay", "x.gif" }, 2, "--overlay x.gif: pictures are written as PNG or JPEG" },
        { { "blur", "in.png", "-o", "" }, 2, "-o is empty: give it the name of a file" },
        { { "mask", "in.png", "--overlay", "" }, 2, "--overlay is empty: give it the name of a file" },
        { { "blur", "in.png", "-o", "nothere/x.png" }, 2, "-o nothere/x.png: there is no folder nothere" },
        { { "blur", "in.png", "-o", "nothere/" }, 2, "-o nothere/in.png: there is no folder nothere" },
        { { "blur", "in.png", "other.png", "-o", "x.png" }, 2, "one file for 2 inputs: name a folder" },
        { { "blur", "in.png", "./in.png", "-o", "made" }, 2, "in.png and ./in.png would both become made/in.png.png" },
        { { "blur", "in.png" }, 2, "blur answers with a picture: say where it goes, -o FILE.png" },
        { { "brief", "in.wav" }, 2, "brief answers with a recording: say where it goes, -o FILE.wav" },
        { { "blur", "-", "-o", "made" }, 2, "standard input has no name" },
        { { "mask", "in.png", "--overlay", "in.png" }, 2, "would be written over the input" },
        { { "mask", "in.png", "-o", "y.png", "--overlay", "./y.png" },
          2,
          "-o y.png and --overlay ./y.png would be one file" },
        { { "mask", "in.png", "-o", "made", "--overlay", "linked/in.png" },
          2,
          "-o made/in.png and --overlay linked/in.png would be one file" },
        { { "mask", "in.png", "-o", "link.png", "--overlay", "other.png" },
          2,
          "-o link.png and --overlay other.png would be one file" },
        { { "tagger", "--text", "a", "-o", "x.png" }, 2, "tagger answers with text; give it a name in .txt" },
        { { "translator", "--text", "a", "-o", "x.png" }, 2, "translator answers with text; give it a name in .txt" },
        { { "merge", "in.wav", "in.png", "-o", "made" }, 2, "-o made is a folder: name a file" },
        { { "merge", "in.wav", "nothere.wav", "-o", "x.wav" }, 65, "wisp run: cannot open nothere.wav" },
        { { "merge", "-", "-", "-o", "x.wav" }, 2, "standard input is named twice" },
        { { "mask", "in.png", "-o", "-", "--json" }, 2, "both for standard output" },
        { { "mask", "in.png", "--beam", "2" }, 2, "--beam: mask neither decodes nor writes down what is said" },
    };

    (void)state;
    mkdir(scratch_path(folder, "made"), 0755);
    assert_int_equal(symlink("other.png", scratch_path(folder, "link.png")), 0);
    assert_int_equal(symlink("made", scratch_path(folder, "linked")), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *const *w = cases[i].words;

        command_run(
            &(struct command){ .words = { "wisp", "run", "-s", wispd.socket, w[0], w[1], w[2], w[3], w[4], w[5] },
                               .folder = folder },
            &outcome);
        if (outcome.status != cases[i].status || !strstr(outcome.err, cases[i].says))
            fail_msg("%s %s: %d, \"%s\" does not say \"%s\"", w[0], w[1], outcome.status, outcome.err, cases[i].says);
    }
}

static void test_the_command_writes_files(void **state)
{
    struct media_picture mask;

    (void)state;
    mkdir(scratch_path(folder, "made"), 0755);
    command_run(
        &(struct command){ .words = { "wisp", "run", "-s", wispd.socket, "blur", "in.png", "other.png", "-o", "made" },
                           .folder = folder },
        &outcome);
    assert_int_equal(outcome.status, 0);
    check_blurred(scratch_path(folder, "made/in.png"));
    check_blurred(scratch_path(folder, "made/other.png"));
    command_run(&(struct command){ .words = { "wisp", "run", "-s", wispd.socket, "mask", "-", "-o", "-" },
                                   .folder = folder,
                                   .input = scratch_path(folder, "in.png"),
                                   .output = scratch_path(folder, "mask.png") },
                &outcome);
    assert_int_equal(outcome.status, 0);
    mask = read_picture(scratch_path(folder, "mask.png"));
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        assert_int_equal(mask.pixels[i], original.pixels[i] > 127 ? 255 : 0);
    free(mask.pixels);
    command_run(&(struct command){ .words = { "wisp", "run", "-s", wispd.socket, "mask", "in.png", "--json",
                                              "--threshold=0.9", "--min-area=2", "--overlay", "over.png" },
                                   .folder = folder },
                &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "\"objects\":[{\"area\":"));
    assert_true(file_is_same(scratch_path(folder, "over.png"), scratch_path(folder, "over.png")));
    command_run(&(struct command){ .words = { "wisp", "run", "-s", wispd.socket, "mask", "in.png" }, .folder = folder },
                &outcome);
    assert_non_null(strstr(outcome.out, "pixels in all, from "));
}

/* What is not measured is not said; of a text that is tagged it is. */
static void test_the_command_says_what_it_measured(void **state)
{
    static const struct {
        const char *words[6];
        bool decodes;
        const char *batch; /* NULL: of any size */
    } cases[] = {
        { { "mask", "in.png", "--json", "-v", "--min-area=1000" }, false, NULL },
        { { "blur", "in.png", "-v", "--json", "-o", "measured.png" }, false, NULL },
        { { "tagger", "--text", "a b c", "--json", "-v" }, true, NULL },
        { { "tagger", "blur.yaml", "-v" }, true, NULL },
        { { "tagger", "--text", "a. b. c d e f g.", "-v" }, true, ", batch of 3" }, /* sentences */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *const *w = cases[i].words;

        command_run(
            &(struct command){ .words = { "wisp", "run", "-s", wispd.socket, w[0], w[1], w[2], w[3], w[4], w[5] },
                               .folder = folder },
            &outcome);
        if (outcome.status || !strstr(outcome.err, cases[i].batch ? cases[i].batch : ", batch of "))
            fail_msg("%s %s: %d, \"%s\"", w[0], w[1], outcome.status, outcome.err);
        assert_int_equal(strstr(outcome.err, "decoded in ") != NULL, cases[i].decodes);
        assert_null(strstr(outcome.err, "decoded in 0.000 ms"));
        if (*outcome.out == '{')
            assert_int_equal(strstr(outcome.out, "\"encode_ns\":") != NULL, cases[i].decodes);
        assert_null(strstr(outcome.out, "\"encode_ns\":0,"));
        if (!strcmp(w[0], "blur"))
            assert_non_null(strstr(outcome.out, "\"output\":\"measured.png\""));
    }
}

/* A closed pipe and a full disk, as they are. */
static void test_the_command_says_why_it_cannot_write(void **state)
{
    struct command command = { .words = { "wisp", "run", "-s", wispd.socket, "twice", "in.png", "-o", "-" },
                               .folder = folder,
                               .deaf = true };

    (void)state;
    command_run(&command, &outcome);
    assert_non_null(strstr(outcome.err, "Broken pipe"));
    assert_null(strstr(outcome.err, "Input/output"));
    command.deaf = false;
    command.output = "/dev/full";
    command_run(&command, &outcome);
    assert_non_null(strstr(outcome.err, "No space left"));
    assert_null(strstr(outcome.err, "Input/output"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_size_has_no_seam),
        cmocka_unit_test(test_room_for_few_is_enough),
        cmocka_unit_test(test_twice_as_large),
        cmocka_unit_test(test_what_is_no_picture_is_not_written),
        cmocka_unit_test(test_a_name_is_checked_before),
        cmocka_unit_test(test_masks_have_objects_and_lie_over_pictures),
        cmocka_unit_test(test_the_command_says_what_is_wrong),
        cmocka_unit_test(test_the_command_writes_files),
        cmocka_unit_test(test_the_command_says_what_it_measured),
        cmocka_unit_test(test_the_command_says_why_it_cannot_write),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
