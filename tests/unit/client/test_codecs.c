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

#include "support/daemon.h"

enum { THREADS = 4, ROUNDS = 6, INPUTS_MAX = 1 << 16 };

static struct test_daemon daemon;
static wisp_client *client;
static char recording[512];

static int begin(void **state)
{
    const char *models[] = { source_path("models/digits.safetensors") };
    struct wisp_options options = { .size = sizeof options };

    (void)state;
    snprintf(recording, sizeof recording, "%s", source_path("examples/recording.wav"));
    daemon_start(&daemon, &(struct daemon_setup){ .models = models, .model_count = 1 });
    options.socket_path = daemon.socket;
    return wisp_connect(&client, &options);
}

static int end(void **state)
{
    (void)state;
    wisp_close(client);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_threads_come_first),
        cmocka_unit_test(test_a_file_of_another_kind),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
