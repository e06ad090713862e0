/* SPDX-License-Identifier: Apache-2.0
 *
 * Each processing type through standard input and output, and for a program: what a pipe gives is what a file gives, to
 * the byte, and --json is one line with what the type is for.
 */
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/size.h"
#include "support/command.h"
#include "system/types/all_models.h"

enum { FILES_MAX = 3, ANSWER_MAX = 1 << 24 };

/* The first file is the one that comes through the pipe. With an ending the answer is a file, else text. */
struct pipe {
    const char *type, *files[FILES_MAX], *ending, *key;
};

static const struct pipe pipes[] = {
    { "image.classification", { "picture.png" }, NULL, "labels" },
    { "image.enhancement", { "inputs/small.png" }, ".png", "output" },
    { "image.denoising", { "inputs/small.png" }, ".png", "output" },
    { "image.super-resolution", { "inputs/small.png" }, ".png", "output" },
    { "image.segmentation", { "inputs/cells.png" }, ".png", "objects" },
    { "image.compression", { "inputs/small.png" }, ".wz", "bits_per_pixel" },
    { "image.compression", { "image.compression.wz" }, ".png", "bytes" },
    { "image.style", { "inputs/small.png" }, ".png", "output" },
    { "image.generation", { "inputs/drawing.png" }, ".png", "output" },
    { "text.classification", { "sentence.txt" }, NULL, "labels" },
    { "text.semantics", { "inputs/words.txt" }, NULL, "words" },
    { "text.keywords", { "inputs/words.txt" }, NULL, "words" },
    { "text.translation", { "sentences/en.txt" }, NULL, "text" },
    { "text.summarisation", { "inputs/story.txt" }, NULL, "gist" },
    { "audio.recognition", { "recording.wav" }, NULL, "labels" },
    { "audio.denoising", { "inputs/noisy.wav" }, ".wav", "output" },
    { "audio.synthesis", { "inputs/event-1.wav", "inputs/event-2.wav", "inputs/event-3.wav" }, ".wav", "output" },
};

static const char *path_of(const char *file)
{
    return strstr(file, ".wz") ? scratch_path(all_models.folder, file) : example_path(file);
}

/* A name in the folder: "image.style.png". */
static const char *name_of(const struct pipe *pipe, const char *ending)
{
    static char names[2][64];
    static unsigned next;
    char *name = names[next++ % ARRAY_SIZE(names)];

    snprintf(name, sizeof names[0], "%s%s", pipe->type, ending);
    return name;
}

/* `piped`: the first file is standard input. Its standard output goes to `said`. */
static void run(const struct pipe *pipe, bool piped, const char *output, bool json, const char *said)
{
    static struct outcome outcome;
    static char files[FILES_MAX][512], to[512];
    struct command command = { .words = { "wisp", "run", pipe->type },
                               .folder = all_models.folder,
                               .environment = { all_models.variable },
                               .output = to };
    size_t words = 3;

    snprintf(to, sizeof to, "%s", scratch_path(all_models.folder, said));
    for (size_t i = 0; i < FILES_MAX && pipe->files[i]; i++) {
        snprintf(files[i], sizeof files[i], "%s", path_of(pipe->files[i]));
        command.words[words++] = piped && !i ? "-" : files[i];
    }
    command.input = piped ? files[0] : NULL;
    if (output) {
        command.words[words++] = "-o";
        command.words[words++] = output;
    }
    if (json)
        command.words[words++] = "--json";
    command_run(&command, &outcome);
    if (outcome.status)
        fail_msg("%s, %s: exit %d: %s", pipe->type, piped ? "from a pipe" : "from a file", outcome.status, outcome.err);
}

/* Freed by the caller; behind the first line, which names the input, if there is one. */
static char *answer_in(const char *name, bool heading, size_t *length)
{
    struct reason why;
    void *bytes;
    char *at;

    assert_ok(file_read(scratch_path(all_models.folder, name), ANSWER_MAX, &bytes, length, &why), why);
    if (!heading)
        return bytes;
    at = strchr(bytes, '\n');
    assert_non_null(at);
    *length -= (size_t)(at + 1 - (char *)bytes);
    memmove(bytes, at + 1, *length + 1);
    return bytes;
}

static void test_a_pipe_gives_what_a_file_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
        const struct pipe *pipe = &pipes[i];
        const char *named = pipe->ending ? name_of(pipe, pipe->ending) : NULL;
        size_t length, piped_length;
        char *answer, *piped;

        run(pipe, false, named, false, "said");
        answer = answer_in(named ? named : "said", !named, &length);
        run(pipe, true, named ? "-" : NULL, false, "piped");
        piped = answer_in("piped", !named, &piped_length);
        if (!length || length != piped_length || memcmp(answer, piped, length) != 0)
            fail_msg("%s: %zu bytes from a file, and %zu through pipes are others", pipe->type, length, piped_length);
        free(answer);
        free(piped);
    }
}

/* Of the file that was piped in, and of the one that came of it, what the file system says. */
static void check_sizes(const struct pipe *pipe, const json_t *json, const char *output)
{
    const json_t *read = json_object_get(json, "read"), *made = json_object_get(json, "made");
    const bool sound = !strncmp(pipe->type, "audio", 5);
    struct stat in, out;

    assert_int_equal(stat(path_of(pipe->files[0]), &in), 0);
    assert_int_equal(stat(scratch_path(all_models.folder, output), &out), 0);
    for (size_t i = 1; i < FILES_MAX && pipe->files[i]; i++) {
        struct stat more;

        assert_int_equal(stat(path_of(pipe->files[i]), &more), 0);
        in.st_size += more.st_size;
    }
    assert_int_equal(json_integer_value(json_object_get(read, "bytes")), in.st_size);
    assert_int_equal(json_integer_value(json_object_get(made, "bytes")), out.st_size);
    assert_true(json_number_value(json_object_get(made, sound ? "seconds" : "width")) > 0.9);
    if (!strcmp(pipe->type, "image.super-resolution"))
        assert_int_equal(json_integer_value(json_object_get(made, "width")), 384);
}

static void test_a_program_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
        const struct pipe *pipe = &pipes[i];
        char output[64];
        size_t length;
        char *line;
        json_t *json;

        snprintf(output, sizeof output, "told%s", pipe->ending ? pipe->ending : "");
        run(pipe, true, pipe->ending ? output : NULL, true, "line");
        line = answer_in("line", false, &length);
        assert_ptr_equal(strchr(line, '\n'), line + length - 1);
        json = json_loads(line, 0, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "input")), "standard input");
        assert_string_equal(json_string_value(json_object_get(json, "processing")), pipe->type);
        assert_true(json_integer_value(json_object_get(json, "total_ns")) > 0);
        if (!json_object_get(json, pipe->key))
            fail_msg("%s: no \"%s\" in %s", pipe->type, pipe->key, line);
        if (pipe->ending) {
            assert_string_equal(json_string_value(json_object_get(json, "output")), output);
            check_sizes(pipe, json, output);
        }
        json_decref(json);
        free(line);
    }
}

/* The sixteen types, and no model beside what is piped here. */
static void test_all_types_are_listed(void **state)
{
    static struct outcome outcome;
    size_t types = 0;

    (void)state;
    command_run(&(struct command){ .words = { "wisp", "models" }, .environment = { all_models.variable } }, &outcome);
    assert_int_equal(outcome.status, 0);
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
        if (!strstr(outcome.out, pipes[i].type))
            fail_msg("wisp models does not list %s: %s", pipes[i].type, outcome.out);
        types += !i || strcmp(pipes[i].type, pipes[i - 1].type) != 0;
    }
    assert_int_equal(types, 16);
}

/* ---- the examples, run as programs ---- */

static void run_example(const char *const *words, struct outcome *outcome)
{
    struct command command = { .folder = all_models.folder, .environment = { all_models.variable } };

    for (size_t i = 0; words[i]; i++)
        command.words[i] = words[i];
    command_run(&command, outcome);
}

static void test_the_example_of_files(void **state)
{
    static struct outcome outcome;
    static char photo[512];
    const struct pipe denoising = { .type = "image.denoising", .files = { "inputs/small.png" } };
    size_t length, other;
    char *made, *right;

    (void)state;
    snprintf(photo, sizeof photo, "%s", example_path("inputs/small.png"));
    run_example((const char *const[]){ "process", "image.denoising", photo, "made.png", NULL }, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.err, "100 %"));
    run(&denoising, false, "right.png", false, "said");
    made = answer_in("made.png", false, &length);
    right = answer_in("right.png", false, &other);
    assert_int_equal(length, other);
    assert_memory_equal(made, right, length);
    free(made);
    free(right);
    run_example((const char *const[]){ "process", "image.denoising", "nowhere.png", "made.png", NULL }, &outcome);
    assert_int_equal(outcome.status, 1);
    assert_non_null(strstr(outcome.err, "nowhere.png"));
    run_example((const char *const[]){ "process", NULL }, &outcome);
    assert_int_equal(outcome.status, 1);
    assert_string_equal(outcome.err, "usage: process MODEL IN OUT\n");
}

static void test_the_example_of_words(void **state)
{
    static struct outcome outcome;

    (void)state;
    run_example((const char *const[]){ "words", "text.semantics", "The old grandmother sleeps. She dreams.", NULL },
                &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "grandmother\tNOUN\t\n"));
    assert_non_null(strstr(outcome.out, "dreams\tVERB\t\n"));
    run_example((const char *const[]){ "words", "text.keywords", "Two children play in gardens.", NULL }, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "children\tNOUN\tchild\n"));
    run_example((const char *const[]){ "words", "image.denoising", "No text", NULL }, &outcome);
    assert_int_equal(outcome.status, 1);
}

/* Where nothing can be written, which no input is to blame for; it is said before the input is read. */
static void test_outputs_that_cannot_be(void **state)
{
    static const struct {
        const char *option, *output;
        int status;
    } cases[] = { { "-o", "/proc/x.png", 1 }, { "--overlay", "/proc/x.png", 1 }, { "-o", "nowhere/x.png", 2 } };
    static struct outcome outcome;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        command_run(&(struct command){ .words = { "wisp", "run", "image.segmentation", "missing.png", cases[i].option,
                                                  cases[i].output },
                                       .environment = { all_models.variable } },
                    &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_null(strstr(outcome.err, "missing.png"));
        assert_non_null(strstr(outcome.err, cases[i].output));
    }
}

/* Pixels that are set in all. */
static long area_above(const char *threshold)
{
    static struct outcome outcome;
    struct command command = { .words = { "wisp", "run", "image.segmentation", example_path("inputs/cells.png"),
                                          "--json", threshold ? "--threshold" : NULL, threshold },
                               .environment = { all_models.variable } };
    json_t *json;
    json_t *object;
    size_t index;
    long area = 0;

    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    json = json_loads(outcome.out, 0, NULL);
    json_array_foreach(json_object_get(json, "objects"), index, object)
    {
        area += (long)json_integer_value(json_object_get(object, "area"));
    }
    json_decref(json);
    return area;
}

/* 0 is a threshold as any other, and not what stands for none. */
static void test_thresholds(void **state)
{
    (void)state;
    assert_true(area_above("0") > area_above("0.1"));
    assert_true(area_above("0.1") > area_above("0.5"));
    assert_true(area_above("0.5") > area_above("0.9"));
    assert_int_equal(area_above(NULL), area_above("0.5"));
}

/* Sizes, time, and what that comes to; of files that go from one to the other, both. */
static void test_a_person_is_told(void **state)
{
    static const struct {
        const char *type, *file, *output, *says[3];
    } cases[] = {
        { "image.super-resolution",
          "inputs/small.png",
          "large.png",
          { "small.png, 192 x 128 pixels, ", " → large.png, 384 x 256 pixels, ", "megapixels a second" } },
        { "image.compression", "inputs/small.png", "small.wz", { "small.wz", "bits a pixel", "times as small" } },
        { "audio.denoising",
          "inputs/noisy.wav",
          "clean.wav",
          { "noisy.wav, 3.00 s, 96,044 bytes → clean.wav, 3.00 s, 96,044 bytes; ", "times as fast as it sounds",
            " ms (" } },
        { "text.semantics", "inputs/words.txt", "tags.txt", { "words.txt → ", "tags.txt", " ms (" } },
    };
    static struct outcome outcome;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        command_run(&(struct command){ .words = { "wisp", "run", cases[i].type, example_path(cases[i].file), "-o",
                                                  cases[i].output, "-v" },
                                       .folder = all_models.folder,
                                       .environment = { all_models.variable } },
                    &outcome);
        for (size_t s = 0; s < ARRAY_SIZE(cases[i].says); s++) {
            if (!strstr(outcome.err, cases[i].says[s]) && !strstr(outcome.out, cases[i].says[s]))
                fail_msg("%s: no \"%s\" in \"%s\"", cases[i].type, cases[i].says[s], outcome.err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pipe_gives_what_a_file_gives),
        cmocka_unit_test(test_a_program_is_told),
        cmocka_unit_test(test_a_person_is_told),
        cmocka_unit_test(test_all_types_are_listed),
        cmocka_unit_test(test_the_example_of_files),
        cmocka_unit_test(test_the_example_of_words),
        cmocka_unit_test(test_outputs_that_cannot_be),
        cmocka_unit_test(test_thresholds),
    };

    return cmocka_run_group_tests(tests, all_models_begin, all_models_end);
}
