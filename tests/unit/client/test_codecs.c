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

#include "media/spec/media.h"
#include "sparse/file/model_file.h"
#include "sparse/file/model_json.h"
#include "support/daemon.h"

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

static int begin(void **state)
{
    const char *models[] = { source_path("models/digits.safetensors"), make_texts() };
    struct wisp_options options = { .size = sizeof options };

    (void)state;
    snprintf(recording, sizeof recording, "%s", source_path("examples/recording.wav"));
    daemon_start(&daemon, &(struct daemon_setup){ .models = models, .model_count = 2 });
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_threads_come_first),
        cmocka_unit_test(test_a_file_of_another_kind),
        cmocka_unit_test(test_the_idf_comes_along),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
