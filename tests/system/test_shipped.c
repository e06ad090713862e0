/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that ship, trained, in the real daemon: what libwisp makes of the files in examples/ is answered as the
 * scalar reference answers it, bit for bit, with every set of kernels; the answers are the right ones, and their cards
 * are true.
 */
#include "support/test.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wisp/wisp.h>

#include "base/file.h"
#include "base/size.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/kernels.h"
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
    char relative[320];

    snprintf(relative, sizeof relative, "%s/%s%s", folder, file, ending);
    return source_path(relative);
}

static void ask(wisp_client *client, const char *path, const struct question *question)
{
    struct reference *reference = reference_new(path);
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
        ask(client, in_source("models", questions[i].model, ".safetensors"), &questions[i]);
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

/* With its values rounded, it is answered in the same bits by every set of kernels, too. */
static void test_rounded_values(void **state)
{
    static const char *const kernels[] = { "scalar", "avx2", "avx512", "neon" };
    const char *folder = scratch_make();
    char *path = strdup(scratch_path(folder, "rounded.safetensors")); /* scratch_path() has few buffers */
    const char *const paths[] = { path };
    struct wisp_options options = { .size = sizeof options };
    struct reason why;

    (void)state;
    for (enum value_type type = VALUE_BF16; type < VALUE_TYPES; type++) {
        struct model *model;

        assert_ok(model_read(in_source("models", "fashion", ".safetensors"), &model, &why), why);
        assert_int_equal(model_round(model, type), 0);
        assert_ok(model_write(model, path, &why), why);
        model_free(model);
        for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
            struct test_daemon daemon;
            wisp_client *client;

            if (!kernels_find(kernels[k]))
                continue;
            daemon_start(&daemon, &(struct daemon_setup){ .models = paths, .model_count = 1, .kernels = kernels[k] });
            options.socket_path = daemon.socket;
            assert_int_equal(wisp_connect(&client, &options), 0);
            ask(client, path, &questions[0]);
            wisp_close(client);
            assert_int_equal(daemon_stop(&daemon), 0);
        }
    }
    free(path);
    scratch_remove(folder);
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

/* examples/loop.c, asked more than it has under way: from a plain file, which no epoll takes, and with a name that is
 * none. */
static void test_the_example_of_an_event_loop(void **state)
{
    enum { NAMES = 100 };
    static struct outcome outcome;
    static char model[512], picture[512];
    const char *const paths[1] = { model }, *folder = scratch_make();
    struct command loop = { .words = { "loop", "image" }, .input = scratch_path(folder, "names") };
    struct test_daemon daemon;
    char variable[512];
    FILE *file = fopen(loop.input, "w");
    int answers = 0;

    (void)state;
    snprintf(model, sizeof model, "%s", in_source("models", "fashion", ".safetensors"));
    snprintf(picture, sizeof picture, "%s", in_source("examples", "picture", ".png"));
    assert_non_null(file);
    for (int i = 0; i < NAMES; i++)
        fprintf(file, "%s\n", i == 7 ? "/nowhere.png" : picture);
    fclose(file);
    daemon_start(&daemon, &(struct daemon_setup){ .models = paths, .model_count = 1 });
    snprintf(variable, sizeof variable, "WISP_SOCKET=%s", daemon.socket);
    loop.environment[0] = variable;
    command_run(&loop, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(strncmp(outcome.err, "/nowhere.png: ", 14), 0);
    for (const char *at = outcome.out; (at = strstr(at, "picture.png: Ankle boot ")); at++)
        answers++;
    assert_int_equal(answers, NAMES - 1);
    assert_int_equal(daemon_stop(&daemon), 0);
}

/* What wispd says of `count` samples when they are copied, as examples/frames.c prints it. */
static void print_copied(const char *socket, const float *samples, size_t count, char *out, size_t size)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = socket };
    wisp_client *client;
    wisp_model *model;
    size_t length = 0;

    assert_int_equal(wisp_connect(&client, &options), 0);
    assert_int_equal(wisp_find(client, "fashion", &model), 0);
    for (size_t i = 0; i < count; i++) {
        struct wisp_label top[1];
        float output[10];
        size_t labels = 1;

        assert_int_equal(wisp_infer(client, model, samples + i * 784, 1, output, NULL), 0);
        assert_int_equal(wisp_top(model, output, top, &labels), 0);
        length += (size_t)snprintf(out + length, size - length, "%zu %s %.3f\n", i, top[0].name, top[0].probability);
    }
    wisp_model_free(model);
    wisp_close(client);
}

/* examples/frames.c: samples where they are, more than it has under way, and a file without a whole one. */
static void test_the_example_of_memory_of_ones_own(void **state)
{
    enum { SAMPLES = 9 };
    static float samples[SAMPLES * 784];
    static struct outcome outcome;
    static char model[512], expected[1024];
    const char *const paths[1] = { model }, *folder = scratch_make();
    char path[256], variable[512];
    struct test_daemon daemon;
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(folder, "samples"));
    snprintf(model, sizeof model, "%s", in_source("models", "fashion", ".safetensors"));
    floats_make(samples, SAMPLES * 784, 5, 6);
    file = fopen(path, "wb");
    assert_true(file && fwrite(samples, sizeof samples, 1, file) == 1 && !fclose(file));
    daemon_start(&daemon, &(struct daemon_setup){ .models = paths, .model_count = 1 });
    print_copied(daemon.socket, samples, SAMPLES, expected, sizeof expected);
    snprintf(variable, sizeof variable, "WISP_SOCKET=%s", daemon.socket);
    command_run(&(struct command){ .words = { "frames", "fashion", path }, .environment = { variable } }, &outcome);
    assert_string_equal(outcome.err, "");
    assert_string_equal(outcome.out, expected);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(truncate(path, 3135), 0);
    command_run(&(struct command){ .words = { "frames", "fashion", path }, .environment = { variable } }, &outcome);
    assert_int_equal(outcome.status, 1);
    assert_non_null(strstr(outcome.err, "has not one sample of 3136 bytes"));
    assert_int_equal(daemon_stop(&daemon), 0);
}

/* By way of a file: a vocabulary is long. */
static json_t *show(const char *model)
{
    static struct outcome outcome;
    const char *folder = scratch_make();
    const char *said = scratch_path(folder, "model.json");
    json_t *json;

    command_run(&(struct command){ .words = { "wisp", "show", "--json", model }, .output = said }, &outcome);
    assert_int_equal(outcome.status, 0);
    json = json_load_file(said, 0, NULL);
    assert_non_null(json);
    scratch_remove(folder);
    return json;
}

static void card_has(const char *name, const char *card, const char *text)
{
    if (!strstr(card, text))
        fail_msg("models/%s.md does not say '%s', which the model's file does", name, text);
}

/* Whether the card has the option with this number, and not with one that goes on. */
static void card_has_option(const char *name, const char *card, const char *option, double number)
{
    char text[64];
    const char *at = card;
    size_t length = (size_t)snprintf(text, sizeof text, "--%s %g", option, number);

    while ((at = strstr(at, text)) && at[length] != ' ' && at[length] != '`')
        at += length;
    if (!at)
        fail_msg("models/%s.md does not say '%s', which the model's file does", name, text);
}

/* What was said of the recipe stands in the card as it was typed; what nobody said is no matter of its. */
static void check_recipe(const char *name, const char *card, const json_t *training)
{
    const json_t *recipe = json_object_get(training, "recipe");
    json_t *amount;
    const char *key;
    char text[96];

    assert_non_null(recipe);
    if (strstr(card, "--epochs "))
        card_has_option(name, card, "epochs", json_number_value(json_object_get(recipe, "epochs")));
    card_has_option(name, card, "rate", json_number_value(json_object_get(recipe, "rate")));
    json_object_foreach(json_object_get(recipe, "augment"), key, amount)
    {
        snprintf(text, sizeof text, "%s=%g", key, json_number_value(amount));
        card_has(name, card, text);
    }
}

/* The card of a model that ships says how it was trained as the file does. */
static void test_the_cards_say_what_the_files_say(void **state)
{
    static char card[16384];
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL), *figures;
    const char *name;

    (void)state;
    assert_non_null(all);
    json_object_foreach(all, name, figures)
    {
        char path[64], text[96];
        json_t *model, *training, *validation;
        FILE *file;

        snprintf(path, sizeof path, "models/%s.md", name);
        file = fopen(source_path(path), "r");
        assert_non_null(file);
        card[fread(card, 1, sizeof card - 1, file)] = '\0';
        fclose(file);
        snprintf(path, sizeof path, "models/%s.safetensors", name);
        model = show(source_path(path));
        training = json_object_get(json_object_get(model, "lineage"), "training");
        check_recipe(name, card, training);
        validation = json_object_get(training, "validation_accuracy"); /* where something was held back */
        snprintf(text, sizeof text, "validation accuracy | %.2f %%", 100 * json_number_value(validation));
        if (validation && strstr(card, "| test accuracy |"))
            card_has(name, card, text);
        json_decref(model);
    }
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_avx2),
        cmocka_unit_test(test_the_best_of_this_machine),
        cmocka_unit_test(test_rounded_values),
        cmocka_unit_test(test_the_example_of_live_input),
        cmocka_unit_test(test_the_example_of_an_event_loop),
        cmocka_unit_test(test_the_example_of_memory_of_ones_own),
        cmocka_unit_test(test_the_cards_say_what_the_files_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
