/* SPDX-License-Identifier: Apache-2.0
 *
 * libwisp-media: what is made of a model's media is made once, whoever comes first, and goes with the model.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wisp/media.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "sparse/file/model_file.h"
#include "sparse/file/model_json.h"
#include "support/daemon.h"
#include "support/translator.h"

enum { THREADS = 4, ROUNDS = 6, INPUTS_MAX = 1 << 16 };

static struct test_daemon daemon;
static wisp_client *client;
static char recording[512];
static const char *folder;

/* A model of texts, with an idf that no texts have. */
static const char *make_texts(void)
{
    struct model *model = NULL;
    struct reason why;

    folder = scratch_make();
    assert_ok(model_read(source_path("models/langid.safetensors"), &model, &why), why);
    model->idf_count = (uint32_t)shape_elements(&model->signature.inputs[0].shape);
    model->idf = malloc(model->idf_count);
    assert_non_null(model->idf);
    for (uint32_t i = 0; i < model->idf_count; i++)
        model->idf[i] = (uint8_t)(i * 37);
    assert_ok(model_write(model, scratch_path(folder, "texts.safetensors"), &why), why);
    model_free(model);
    return scratch_path(folder, "texts.safetensors");
}

#define TEXTS                                                                                                          \
    "{\"kind\":\"text\",\"features\":%d,\"sequence\":5,\"answer\":{\"kind\":\"text\",\"features\":%d,\"sequence\":7}}"

/* It reads 264 words and gives 264; its description is of so many. */
static void make_words(char *path, size_t size, const char *name, int read, int given)
{
    struct model *model = translator_model(&(struct translator){
        .kind = "lstm", .source = 5, .positions = 7, .vocabulary = 264, .width = 4, .end = 0, .begin = 0 });
    struct reason why;

    assert_true(asprintf(&model->media, TEXTS, read, given) > 0);
    snprintf(model->name, sizeof model->name, "%s", name);
    snprintf(path, size, "%s/%s.safetensors", folder, name);
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

/* It takes whole numbers, and says that pictures are made to floats. */
static void make_crooked(char *path, size_t size)
{
    struct model *model = NULL;
    struct reason why;
    uint64_t elements;

    assert_ok(model_read(source_path("models/digits.safetensors"), &model, &why), why);
    elements = shape_elements(&model->signature.inputs[0].shape);
    free(model->media);
    assert_true(asprintf(&model->media,
                         "{\"kind\":\"image\",\"width\":%u,\"height\":1,\"channels\":1,\"answer\":\"picture\"}",
                         (unsigned)elements) > 0);
    model->signature.inputs[0].dtype = DTYPE_INT32;
    snprintf(model->name, sizeof model->name, "crooked");
    snprintf(model->processing, sizeof model->processing, "image.style");
    snprintf(path, size, "%s/crooked.safetensors", folder);
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

static int begin(void **state)
{
    static char paths[6][512];
    const char *models[ARRAY_SIZE(paths)];
    struct wisp_options options = { .size = sizeof options };

    (void)state;
    snprintf(paths[0], sizeof paths[0], "%s", source_path("models/digits.safetensors"));
    snprintf(paths[1], sizeof paths[1], "%s", make_texts());
    make_words(paths[2], sizeof paths[2], "right", 264, 264);
    make_words(paths[3], sizeof paths[3], "read", 265, 264);
    make_words(paths[4], sizeof paths[4], "given", 264, 263);
    make_crooked(paths[5], sizeof paths[5]);
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        models[i] = paths[i];
    snprintf(recording, sizeof recording, "%s", source_path("examples/recording.wav"));
    daemon_start(&daemon, &(struct daemon_setup){ .models = models, .model_count = ARRAY_SIZE(models) });
    options.socket_path = daemon.socket;
    return wisp_connect(&client, &options);
}

static int end(void **state)
{
    (void)state;
    wisp_close(client);
    scratch_remove(folder);
    return daemon_stop(&daemon);
}

struct encoder {
    const wisp_model *model;
    pthread_barrier_t *together;
    float input[INPUTS_MAX];
    int result;
};

static void *encode(void *argument)
{
    struct encoder *encoder = argument;

    pthread_barrier_wait(encoder->together);
    encoder->result = wisp_encode_file(encoder->model, recording, encoder->input);
    return NULL;
}

static void test_several_threads_come_first(void **state)
{
    static struct encoder encoders[THREADS];
    static float expected[INPUTS_MAX];
    pthread_barrier_t together;
    pthread_t threads[THREADS];
    wisp_model *model;
    size_t bytes;

    (void)state;
    assert_int_equal(wisp_find(client, "audio", &model), 0);
    bytes = wisp_model_input_size(model) * sizeof *expected;
    assert_true(bytes <= sizeof expected);
    assert_int_equal(wisp_encode_file(model, recording, expected), 0);
    wisp_model_free(model);
    pthread_barrier_init(&together, NULL, THREADS);
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(wisp_find(client, "audio", &model), 0);
        for (int i = 0; i < THREADS; i++) {
            encoders[i].model = model;
            encoders[i].together = &together;
            assert_int_equal(pthread_create(&threads[i], NULL, encode, &encoders[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(encoders[i].result, 0);
            assert_memory_equal(encoders[i].input, expected, bytes);
        }
        wisp_model_free(model);
    }
    pthread_barrier_destroy(&together);
}

static void test_a_file_of_another_kind(void **state)
{
    float input[INPUTS_MAX / 64];
    wisp_model *model;

    (void)state;
    assert_int_equal(wisp_find(client, "audio", &model), 0);
    assert_int_equal(wisp_encode_bytes(model, "no recording", 12, input), WISP_E_FORMAT);
    assert_non_null(strstr(wisp_last_error(), "input"));
    assert_int_equal(wisp_encode_pixels(model, "abc", 1, 1, 3, WISP_PIXELS_RGB8, input), WISP_E_INVALID);
    assert_non_null(strstr(wisp_last_error(), "takes recordings, no pixels"));
    wisp_model_free(model);
}

/* What comes by way of the daemon encodes as what the file says, which is what training goes by. */
static void test_the_idf_comes_along(void **state)
{
    static const char text[] = "Das ist ein Satz, und das auch.";
    static float expected[INPUTS_MAX], input[INPUTS_MAX];
    struct model *file = NULL;
    struct media *media = NULL;
    wisp_model *model;
    struct reason why;
    json_t *json;
    char *described;

    (void)state;
    assert_ok(model_read(scratch_path(folder, "texts.safetensors"), &file, &why), why);
    json = model_json_media(file);
    described = json_dumps(json, 0);
    assert_ok(media_parse(described, &media, &why), why);
    assert_in_range(media_elements(media), 1, INPUTS_MAX);
    assert_ok(media_encode(media, "text", text, strlen(text), expected, &why), why);
    assert_int_equal(wisp_find(client, "text", &model), 0);
    assert_int_equal(wisp_encode_bytes(model, text, strlen(text), input), 0);
    assert_memory_equal(input, expected, media_elements(media) * sizeof *input);
    media_free(media);
    assert_ok(media_parse(file->media, &media, &why), why);
    assert_ok(media_encode(media, "text", text, strlen(text), expected, &why), why);
    assert_memory_not_equal(input, expected, media_elements(media) * sizeof *input);
    wisp_model_free(model);
    media_free(media);
    json_decref(json);
    free(described);
    model_free(file);
}

/* Words that the network does not know, or that it has and the description has not. */
static void test_other_words(void **state)
{
    static const char *const cases[][2] = {
        { "read", "its media make numbers of 265 words (\"features\") where it looks up 264" },
        { "given", "its media read an answer of 263 words (\"features\") where it gives 264" },
    };
    int32_t input[5];
    wisp_model *model;

    (void)state;
    assert_int_equal(wisp_find(client, "right", &model), 0);
    assert_int_equal(wisp_encode_input(model, "a b", 3, input), 0);
    wisp_model_free(model);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(wisp_find(client, cases[i][0], &model), 0);
        assert_int_equal(wisp_encode_input(model, "a b", 3, input), WISP_E_FORMAT);
        assert_non_null(strstr(wisp_last_error(), cases[i][1]));
        wisp_model_free(model);
    }
}

static void test_no_floats(void **state)
{
    (void)state;
    assert_int_equal(wisp_process_file(client, "crooked", source_path("examples/picture.png"), NULL, NULL, NULL),
                     WISP_E_FORMAT);
    assert_non_null(strstr(wisp_last_error(), "crooked takes no floats"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_threads_come_first),
        cmocka_unit_test(test_a_file_of_another_kind),
        cmocka_unit_test(test_the_idf_comes_along),
        cmocka_unit_test(test_other_words),
        cmocka_unit_test(test_no_floats),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
