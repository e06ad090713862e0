/* SPDX-License-Identifier: Apache-2.0
 *
 * A model with two inputs (float32 and uint8) and two outputs (float32 and int32), from its document to its answers:
 * built by wisp-forge, served by wispd beside a simple one, asked through libwisp. Answers are compared, to the bit,
 * with a pass of the model file in this process with the scalar kernels, one sample at a time.
 */
#include "support/test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/wisp.h>

#include "base/rng.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/forward.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/model.h"
#include "support/raw_client.h"

enum { PICTURE = 3 * 5 * 5, FACTS = 11, CLASSES = 4, MARKS = 9, ROWS_MAX = 40, PATIENCE_MS = 20000 };

static const char document[] = "name: two\n"
                               "processing: image.classification\n"
                               "inputs:\n"
                               "  facts: [11]\n"
                               "  picture: {shape: [3, 5, 5], dtype: uint8, scale: 0.00392156886}\n"
                               "outputs:\n"
                               "  class: {from: class}\n"
                               "  marks: {from: marks, dtype: int32, scale: 1000}\n"
                               "layers:\n"
                               "- linear: {name: hidden, from: picture, neurons: 9}\n"
                               "- relu: {name: marks}\n"
                               "- linear: {name: scores, from: facts, neurons: 4}\n"
                               "- softmax: {name: class}\n";

static struct test_daemon daemon_under_test;
static const char *folder;
static char two_path[256], simple_path[256], document_path[256];
static struct model *model;
static struct forward *reference;

static int begin(void **state)
{
    static const struct model_recipe recipe = {
        .name = "simple", .processing = "text.classification", .sizes = { 30, 20, 5 }, .density = 0.3, .seed = 4
    };
    static const char *models[] = { two_path, simple_path };
    struct command build = { .words = { "wisp-forge", "build", "--structure", document_path, "--sparsity", "0.4",
                                        "--seed", "5", "--no-history", "-o", two_path } };
    static struct outcome outcome;
    struct reason why;
    FILE *file;

    (void)state;
    folder = scratch_make();
    snprintf(document_path, sizeof document_path, "%s/two.yaml", folder);
    snprintf(two_path, sizeof two_path, "%s/two.safetensors", folder);
    snprintf(simple_path, sizeof simple_path, "%s/simple.safetensors", folder);
    file = fopen(document_path, "w");
    assert_non_null(file);
    assert_true(fputs(document, file) >= 0);
    assert_int_equal(fclose(file), 0);
    command_run(&build, &outcome);
    if (outcome.status)
        fail_msg("%s", outcome.err);
    model_make(simple_path, &recipe);
    assert_ok(model_read(two_path, &model, &why), why);
    assert_ok(forward_new(&(struct forward_setup){ .model = model, .kernels = kernels_find("scalar"), .batch = 1 },
                          &reference, &why),
              why);
    daemon_start(
        &daemon_under_test,
        &(struct daemon_setup){ .models = models, .model_count = 2, .model_yaml = "    batch:\n      max: 8\n" });
    return 0;
}

static int end(void **state)
{
    (void)state;
    forward_free(reference);
    model_free(model);
    scratch_remove(folder);
    return daemon_stop(&daemon_under_test);
}

static wisp_client *connect_to(uint64_t bytes)
{
    const struct wisp_options options = {
        .size = sizeof options, .socket_path = daemon_under_test.socket, .input_bytes = bytes, .output_bytes = bytes
    };
    wisp_client *client;

    if (wisp_connect(&client, &options))
        fail_msg("%s", wisp_last_error());
    return client;
}

static wisp_model *find(wisp_client *client, const char *name)
{
    wisp_model *found;

    if (wisp_find(client, name, &found))
        fail_msg("%s", wisp_last_error());
    return found;
}

static wisp_request *request_of(wisp_client *client, const wisp_model *of, uint32_t rows)
{
    wisp_request *request;

    if (wisp_request_new(client, of, rows, &request))
        fail_msg("%s", wisp_last_error());
    return request;
}

static void assert_says(const char *text)
{
    if (!strstr(wisp_last_error(), text))
        fail_msg("\"%s\" does not say \"%s\"", wisp_last_error(), text);
}

/* ---- samples ---- */

static void sample_make(uint64_t seed, uint32_t row, float *facts, uint8_t *picture)
{
    struct rng rng = rng_make(seed, row);

    for (size_t i = 0; i < FACTS; i++)
        facts[i] = 2 * rng_float(&rng) - 1;
    for (size_t i = 0; i < PICTURE; i++)
        picture[i] = (uint8_t)rng_u32(&rng);
}

static void fill(wisp_request *request, uint32_t rows, uint64_t seed)
{
    float *facts = wisp_request_input_tensor(request, 0);
    uint8_t *picture = wisp_request_input_tensor(request, 1);

    for (uint32_t row = 0; row < rows; row++)
        sample_make(seed, row, facts + row * FACTS, picture + row * PICTURE);
}

static void check(const wisp_request *request, uint32_t rows, uint64_t seed)
{
    const float *classes = wisp_request_output_tensor(request, 0);
    const int32_t *marks = wisp_request_output_tensor(request, 1);

    for (uint32_t row = 0; row < rows; row++) {
        float facts[FACTS], class[CLASSES];
        uint8_t picture[PICTURE];
        int32_t mark[MARKS];
        const void *inputs[] = { facts, picture };
        void *outputs[] = { class, mark };

        sample_make(seed, row, facts, picture);
        forward_serve(reference, inputs, outputs, 1);
        assert_memory_equal(classes + row * CLASSES, class, sizeof class);
        assert_memory_equal(marks + row * MARKS, mark, sizeof mark);
    }
}

static void run(wisp_request *request)
{
    if (wisp_submit(request) || wisp_wait(request, PATIENCE_MS))
        fail_msg("%s", wisp_last_error());
}

/* ---- tests ---- */

static void test_it_is_described(void **state)
{
    wisp_client *client = connect_to(0);
    wisp_model *two = find(client, "two"), *simple = find(client, "simple");
    struct wisp_tensor tensor;

    (void)state;
    assert_int_equal(wisp_model_input_count(two), 2);
    assert_int_equal(wisp_model_output_count(two), 2);
    assert_int_equal(wisp_model_input(two, 0, &tensor), 0);
    assert_string_equal(tensor.name, "facts");
    assert_int_equal(tensor.dtype, WISP_FLOAT32);
    assert_int_equal(tensor.rank, 1);
    assert_int_equal(tensor.bytes, FACTS * 4);
    assert_int_equal(wisp_model_input(two, 1, &tensor), 0);
    assert_string_equal(tensor.name, "picture");
    assert_int_equal(tensor.dtype, WISP_UINT8);
    assert_int_equal(tensor.rank, 3);
    assert_int_equal(tensor.dimensions[0], 3);
    assert_int_equal(tensor.dimensions[2], 5);
    assert_int_equal(tensor.elements, PICTURE);
    assert_int_equal(tensor.bytes, PICTURE);
    assert_int_equal(wisp_model_output(two, 1, &tensor), 0);
    assert_string_equal(tensor.name, "marks");
    assert_int_equal(tensor.dtype, WISP_INT32);
    assert_int_equal(wisp_model_find_input(two, "picture"), 1);
    assert_int_equal(wisp_model_find_output(two, "marks"), 1);
    assert_int_equal(wisp_model_find_input(two, "marks"), 2);
    assert_int_equal(wisp_model_input(two, 2, &tensor), WISP_E_INVALID);
    assert_says("two has 2 inputs: there is none of number 2");
    /* A simple one is described the same way. */
    assert_int_equal(wisp_model_input_count(simple), 1);
    assert_int_equal(wisp_model_input(simple, 0, &tensor), 0);
    assert_string_equal(tensor.name, "input");
    assert_int_equal(tensor.bytes, 30 * 4);
    wisp_model_free(simple);
    wisp_model_free(two);
    wisp_close(client);
}

static void test_every_size_is_answered(void **state)
{
    wisp_client *client = connect_to(0);
    wisp_model *two = find(client, "two");

    (void)state;
    /* Below, at and above the largest batch: a request of more runs in slices. */
    for (uint32_t rows = 1; rows <= ROWS_MAX; rows++) {
        wisp_request *request = request_of(client, two, rows);

        assert_int_equal((uintptr_t)wisp_request_input_tensor(request, 1) % 64, 0);
        assert_int_equal((uintptr_t)wisp_request_output_tensor(request, 1) % 64, 0);
        assert_null(wisp_request_input_tensor(request, 2));
        assert_null(wisp_request_output_tensor(request, 2));
        fill(request, rows, rows);
        run(request);
        check(request, rows, rows);
        wisp_request_free(request);
    }
    wisp_model_free(two);
    wisp_close(client);
}

/* Several under way, so that the daemon computes them together, and requests of the simple model between. */
static void test_batched_with_others(void **state)
{
    enum { REQUESTS = 24 };
    wisp_client *client = connect_to(1 << 20);
    wisp_model *two = find(client, "two"), *simple = find(client, "simple");
    wisp_request *requests[REQUESTS], *between[REQUESTS];
    uint32_t largest = 0;

    (void)state;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        requests[i] = request_of(client, two, 1 + i % 5);
        between[i] = request_of(client, simple, 1);
        floats_make(wisp_request_input(between[i]), 30, i, 0);
    }
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < REQUESTS; i++) {
            fill(requests[i], 1 + i % 5, round * 100 + i);
            assert_int_equal(wisp_submit(requests[i]), 0);
            assert_int_equal(wisp_submit(between[i]), 0);
        }
        for (uint32_t i = 0; i < REQUESTS; i++) {
            struct wisp_timings timings;

            assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
            assert_int_equal(wisp_wait(between[i], PATIENCE_MS), 0);
            check(requests[i], 1 + i % 5, round * 100 + i);
            wisp_request_timings(requests[i], &timings);
            largest = timings.batch > largest ? timings.batch : largest;
        }
    }
    assert_true(largest > 5); /* more than one request's samples */
    for (uint32_t i = 0; i < REQUESTS; i++) {
        wisp_request_free(requests[i]);
        wisp_request_free(between[i]);
    }
    wisp_model_free(simple);
    wisp_model_free(two);
    wisp_close(client);
}

static void test_what_is_not_finite_is_named(void **state)
{
    wisp_client *client = connect_to(0);
    wisp_model *two = find(client, "two");
    wisp_request *request = request_of(client, two, 20);
    float *facts = wisp_request_input_tensor(request, 0);

    (void)state;
    fill(request, 20, 1);
    facts[17 * FACTS + 3] = NAN;
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_INVALID);
    assert_says("element 3 of sample 17 of input 0");
    /* Bytes that would be no number as floats are numbers. */
    fill(request, 20, 1);
    memset(wisp_request_input_tensor(request, 1), 0xff, 20 * PICTURE);
    run(request);
    wisp_request_free(request);
    wisp_model_free(two);
    wisp_close(client);
}

static void test_simple_calls_say_what_to_call(void **state)
{
    wisp_client *client = connect_to(0);
    wisp_model *two = find(client, "two");
    wisp_request *request = request_of(client, two, 1);
    struct wisp_label top[2];
    size_t count = 2;
    float in[PICTURE], out[CLASSES];

    (void)state;
    assert_int_equal(wisp_model_input_size(two), 0);
    assert_int_equal(wisp_model_output_size(two), 0);
    assert_int_equal(wisp_model_input_shape(two, NULL, 0), 0);
    assert_null(wisp_request_input(request));
    assert_says("wisp_request_input_tensor()");
    assert_null(wisp_request_output(request));
    assert_says("wisp_request_output_tensor()");
    assert_int_equal(wisp_infer(client, two, in, 1, out, NULL), WISP_E_SHAPE);
    assert_says("wisp_request_input_tensor()");
    /* Labels are those of the first output. */
    fill(request, 1, 9);
    run(request);
    assert_int_equal(wisp_top(two, wisp_request_output_tensor(request, 0), top, &count), 0);
    assert_int_equal(count, 2);
    wisp_request_free(request);
    wisp_model_free(two);
    wisp_close(client);
}

/* ---- the programs ---- */

static void assert_outcome(const struct command *command, int status, const char *says)
{
    static struct outcome outcome;

    command_run(command, &outcome);
    if (outcome.status != status || !(strstr(outcome.out, says) || strstr(outcome.err, says)))
        fail_msg("status %d, \"%s\" and \"%s\" do not say \"%s\"", outcome.status, outcome.out, outcome.err, says);
}

static void write_file(char path[256], const char *name, const void *data, size_t size)
{
    FILE *file;

    snprintf(path, 256, "%s/%s", folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_the_command(void **state)
{
    static char facts_word[300], picture_word[300], raw_path[256], facts_path[256], picture_path[256], variable[200];
    struct command run = { .words = { "wisp", "run", "two", "--input", picture_word, "--input", facts_word, "--json" },
                           .environment = { variable } };
    struct command wrong = { .words = { "wisp", "run", "two", "--input", facts_word }, .environment = { variable } };
    struct command swapped = { .words = { "wisp", "run", "two", "--input", raw_path, "--input", picture_word },
                               .environment = { variable } };
    struct command file = { .words = { "wisp", "run", "two", facts_path }, .environment = { variable } };
    float facts[FACTS], class[CLASSES];
    uint8_t picture[PICTURE];
    int32_t marks[MARKS];
    const void *inputs[] = { facts, picture };
    void *outputs[] = { class, marks };
    char want[64];

    (void)state;
    sample_make(77, 0, facts, picture);
    forward_serve(reference, inputs, outputs, 1);
    write_file(facts_path, "facts", facts, sizeof facts);
    write_file(picture_path, "picture", picture, sizeof picture);
    snprintf(facts_word, sizeof facts_word, "facts=%s", facts_path);
    snprintf(picture_word, sizeof picture_word, "picture=%s", picture_path);
    snprintf(raw_path, sizeof raw_path, "facts=%.200s", picture_path);
    snprintf(variable, sizeof variable, "WISP_SOCKET=%s", daemon_under_test.socket);
    snprintf(want, sizeof want, "\"marks\":[%" PRId32 ",%" PRId32 ",%" PRId32 ",", marks[0], marks[1], marks[2]);
    assert_outcome(&run, 0, want);
    assert_outcome(&wrong, 2, "two takes facts, picture, and each must be given");
    assert_outcome(&swapped, 65, "75 bytes, but input facts is a tensor of 11 float32, which is 44 bytes");
    assert_outcome(&file, 2, "two takes facts, picture: give each as a tensor with --input NAME=FILE");
    assert_outcome(&(struct command){ .words = { "wisp", "show", "two" }, .environment = { variable } }, 0,
                   "picture: 3x5x5 (75 numbers) of uint8");
    assert_outcome(&(struct command){ .words = { "wisp", "models" }, .environment = { variable } }, 0, "2 tensors");
}

static void test_training_says_what_it_needs(void **state)
{
    (void)state;
    assert_outcome(
        &(struct command){ .words = { "wisp-forge", "train", two_path, "--data", folder, "-o", "/nowhere" } }, 65,
        "cannot train or evaluate it: it has not just one output of float32, or an input with a scale");
    assert_outcome(&(struct command){ .words = { "wisp-forge", "structure", "show", document_path } }, 0,
                   "cannot train or evaluate it");
}

/* ---- without libwisp ---- */

static void test_wrong_lengths_are_refused(void **state)
{
    /* Three samples: facts take 3 * 44 bytes and end at 132, so the picture begins at 192; 3 * 75 bytes. The answer
     * is 3 * 16 bytes, and from 64 on 3 * 36. */
    enum { IN = 192 + 225, OUT = 64 + 108 };
    static const uint64_t lengths[][2] = {
        { IN - 1, OUT },  { IN + 1, OUT },  { 132 + 225, OUT }, { 132, OUT },     { 192, OUT }, { 1, OUT },
        { IN, OUT - 1 },  { IN, OUT + 1 },  { IN, 48 + 108 },   { IN, 48 },       { IN, 1 },    { 2 * IN, 2 * OUT },
        { IN + 64, OUT }, { IN, OUT + 64 }, { 3 * 119, OUT },   { IN + 31, OUT },
    };
    struct wire_hello hello = raw_hello(8, 1 << 16);
    struct wire_completion completion;
    static struct raw_client client; /* a message has 32 KiB */
    struct wire_submission good;
    uint32_t route;

    (void)state;
    assert_int_equal(raw_open(&client, daemon_under_test.socket, &hello), 0);
    route = raw_route(&client, "two");
    memset(client.input, 0, 4096);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct wire_submission wrong = raw_infer(route, 3, 128, lengths[i][0], 256, lengths[i][1]);

        if (raw_run(&client, &wrong, &completion) != WISP_E_SHAPE)
            fail_msg("case %zu", i);
    }
    good = raw_infer(route, 3, 128, IN, 256, OUT);
    assert_int_equal(raw_run(&client, &good, &completion), 0);
    assert_int_equal(completion.out_length, OUT);
    raw_close(&client);
}

static void test_hostile_places_are_refused(void **state)
{
    enum { IN = 128 + 75, OUT = 64 + 36, ARENA = 1 << 16 };
    static const uint64_t places[][4] = {
        { 1, IN, 0, OUT },
        { 0, IN, 32, OUT },
        { ARENA - 128, IN, 0, OUT }, /* the first tensor would fit */
        { 0, IN, ARENA - 64, OUT },
        { UINT64_MAX - 63, IN, 0, OUT },
        { 0, UINT64_MAX, 0, OUT },
        { 0, 0, 0, OUT },
        { 0, IN, 0, UINT64_MAX - 31 },
    };
    struct wire_hello hello = raw_hello(8, ARENA);
    struct wire_completion completion;
    static struct raw_client client; /* a message has 32 KiB */
    uint32_t route;

    (void)state;
    assert_int_equal(raw_open(&client, daemon_under_test.socket, &hello), 0);
    route = raw_route(&client, "two");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct wire_submission wrong = raw_infer(route, 1, places[i][0], places[i][1], places[i][2], places[i][3]);

        if (raw_run(&client, &wrong, &completion) != WISP_E_INVALID)
            fail_msg("case %zu", i);
    }
    raw_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_described),
        cmocka_unit_test(test_every_size_is_answered),
        cmocka_unit_test(test_batched_with_others),
        cmocka_unit_test(test_what_is_not_finite_is_named),
        cmocka_unit_test(test_simple_calls_say_what_to_call),
        cmocka_unit_test(test_the_command),
        cmocka_unit_test(test_training_says_what_it_needs),
        cmocka_unit_test(test_wrong_lengths_are_refused),
        cmocka_unit_test(test_hostile_places_are_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
