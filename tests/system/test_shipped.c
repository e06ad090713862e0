/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that ship, trained, in the real daemon: what libwisp makes of the files in examples/ is answered as the
 * scalar reference answers it, bit for bit, with every set of kernels; and the answers are the right ones.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wisp/wisp.h>

#include "base/file.h"
#include "base/size.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/model.h"

enum { OUTPUTS_MAX = 64 };

static const struct question {
    const char *model, *name, *file, *answer;
} questions[] = {
    { "fashion", "image", "picture.png", "Ankle boot" }, { "langid", "text", "sentence.txt", "de" },
    { "langid", "text", "sentences/en.txt", "en" },      { "langid", "text", "sentences/es.txt", "es" },
    { "langid", "text", "sentences/fi.txt", "fi" },      { "langid", "text", "sentences/fr.txt", "fr" },
    { "langid", "text", "sentences/pl.txt", "pl" },      { "langid", "text", "sentences/tr.txt", "tr" },
    { "langid", "text", "sentences/zh.txt", "zh" },      { "digits", "audio", "recording.wav", "seven" },
};

static const char *in_source(const char *folder, const char *file, const char *ending)
{
    char relative[128];

    snprintf(relative, sizeof relative, "%s/%s%s", folder, file, ending);
    return source_path(relative);
}

static void ask(wisp_client *client, const struct question *question)
{
    struct reference *reference = reference_new(in_source("models", question->model, ".safetensors"));
    const size_t inputs = reference_inputs(reference), outputs = reference_outputs(reference);
    float expected[OUTPUTS_MAX], output[OUTPUTS_MAX];
    float *input = calloc(inputs, sizeof *input);
    struct wisp_label top;
    size_t count = 1;
    wisp_model *model;

    assert_non_null(input);
    assert_true(outputs <= OUTPUTS_MAX);
    assert_int_equal(wisp_find(client, question->name, &model), 0);
    assert_string_equal(wisp_model_name(model), question->model);
    assert_int_equal(wisp_model_input_size(model), inputs);
    assert_int_equal(wisp_encode_file(model, in_source("examples", question->file, ""), input), 0);
    assert_int_equal(wisp_infer(client, model, input, 1, output, NULL), 0);
    reference_run(reference, input, 1, expected);
    assert_memory_equal(output, expected, outputs * sizeof *output);
    assert_int_equal(wisp_top(model, output, &top, &count), 0);
    if (strcmp(top.name, question->answer) != 0)
        fail_msg("%s is '%s' (%.3f), not '%s'", question->file, top.name, (double)top.probability, question->answer);
    wisp_model_free(model);
    free(input);
    reference_free(reference);
}

static void ask_all(const char *kernels)
{
    char paths[3][512];
    const char *models[3], *names[] = { "fashion", "langid", "digits" };
    struct wisp_options options = { .size = sizeof options };
    struct test_daemon daemon;
    wisp_client *client;

    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", in_source("models", names[i], ".safetensors"));
        models[i] = paths[i];
    }
    daemon_start(&daemon, &(struct daemon_setup){ .models = models, .model_count = 3, .kernels = kernels });
    options.socket_path = daemon.socket;
    assert_int_equal(wisp_connect(&client, &options), 0);
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
        ask(client, &questions[i]);
    wisp_close(client);
    assert_int_equal(daemon_stop(&daemon), 0);
}

static void test_scalar(void **state)
{
    (void)state;
    ask_all("scalar");
}

static void test_avx2(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        skip();
    ask_all("avx2");
}

static void test_the_best_of_this_machine(void **state)
{
    (void)state;
    ask_all(NULL);
}

/* examples/live.c, with what its models know: the recording's samples without their head, and a picture's pixels. */
static void test_the_example_of_live_input(void **state)
{
    static struct outcome outcome;
    static char models[2][512];
    const char *const paths[2] = { models[0], models[1] }, *folder = scratch_make();
    struct test_daemon daemon;
    struct command live = { .words = { "live", "audio", "22050" }, .input = scratch_path(folder, "samples") };
    char variable[512];
    void *wav;
    size_t size;
    struct reason why;
    FILE *file = fopen(live.input, "wb");

    (void)state;
    snprintf(models[0], sizeof models[0], "%s", in_source("models", "digits", ".safetensors"));
    snprintf(models[1], sizeof models[1], "%s", in_source("models", "fashion", ".safetensors"));
    assert_ok(file_read(in_source("examples", "recording.wav", ""), 1 << 20, &wav, &size, &why), why);
    assert_memory_equal((const char *)wav + 36, "data", 4);
    assert_true(file && fwrite((const char *)wav + 44, 1, size - 44, file) == size - 44);
    for (size_t i = 0; i < 44100 + 44 - size % 44100; i++) /* a whole second, with silence to its end */
        putc(0, file);
    fclose(file);
    free(wav);
    daemon_start(&daemon, &(struct daemon_setup){ .models = paths, .model_count = 2 });
    snprintf(variable, sizeof variable, "WISP_SOCKET=%s", daemon.socket);
    live.environment[0] = variable;
    command_run(&live, &outcome);
    assert_string_equal(outcome.err, "");
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "%  seven\n"));
    live =
        (struct command){ .words = { "live", "image", "10", "10" }, .input = live.input, .environment = { variable } };
    command_run(&live, &outcome); /* whatever fashion says of it: an answer for each 300 bytes */
    assert_int_equal(outcome.status, 0);
    size = 0;
    for (const char *at = outcome.out; (at = strchr(at, '\n')); at++)
        size++;
    assert_int_equal(size, 44100 / 300);
    assert_int_equal(daemon_stop(&daemon), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_avx2),
        cmocka_unit_test(test_the_best_of_this_machine),
        cmocka_unit_test(test_the_example_of_live_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
