/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that ship, all in one daemon, each asked by `wisp run` for what its processing type is for.
 */
#include "support/test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "support/command.h"
#include "system/types/all_models.h"

/* ---- a question of each processing type, as scripts/demo --all asks it ---- */

/* Files, and options among them; a .wz is what was written before. What comes out: a PNG of so many pixels, a WAV of so
 * many samples, a file of at most so many bytes, or words in which one stands. */
struct task {
    const char *type, *files[3], *output;
    unsigned width, height, samples, bytes;
    const char *says;
};

static unsigned number_at(const uint8_t *bytes, bool big)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < 4; i++)
        number |= (uint32_t)bytes[i] << (big ? 24 - 8 * i : 8 * i);
    return number;
}

static void check_output(const struct task *task, const char *path)
{
    struct reason why;
    size_t size;
    void *bytes;

    assert_ok(file_read(path, 1 << 24, &bytes, &size, &why), why);
    if (task->width) {
        assert_memory_equal(bytes, "\x89PNG", 4);
        assert_int_equal(number_at((uint8_t *)bytes + 16, true), task->width);
        assert_int_equal(number_at((uint8_t *)bytes + 20, true), task->height);
    } else if (task->samples) {
        assert_memory_equal(bytes, "RIFF", 4);
        assert_int_equal(number_at((uint8_t *)bytes + 40, false), 2 * task->samples);
    } else {
        assert_true(size <= task->bytes);
    }
    free(bytes);
}

static void ask_task(const struct task *task, const char *folder, const char *socket)
{
    static struct outcome outcome;
    static char paths[3][512];
    struct command run = { .words = { "wisp", "run", task->type }, .folder = folder, .environment = { socket } };
    size_t words = 3;

    for (size_t i = 0; i < 3 && task->files[i]; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", example_path(task->files[i]));
        run.words[words++] = *task->files[i] == '-' || strstr(task->files[i], ".wz") ? task->files[i] : paths[i];
    }
    if (task->output) {
        run.words[words++] = "-o";
        run.words[words++] = task->output;
    }
    command_run(&run, &outcome);
    if (outcome.status)
        fail_msg("%s: %s", task->type, outcome.err);
    if (task->output)
        check_output(task, scratch_path(folder, task->output));
    else if (!strstr(outcome.out, task->says))
        fail_msg("%s says \"%s\", not '%s'", task->type, outcome.out, task->says);
}

/* So many models that a sentence has no room for all: what was meant is said in any case. */
static void ask_misspelt(const char *folder, const char *variable)
{
    static struct outcome outcome;

    command_run(
        &(struct command){ .words = { "wisp", "run", "image.clasification", source_path("examples/picture.png") },
                           .folder = folder,
                           .environment = { variable } },
        &outcome);
    assert_int_not_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.err, "more, which `wisp models` lists; did you mean image.classification?"));
}

/* What makes pictures again has no line of its own, and nobody is to type its name; half of all connections of both
 * are there, of each alone more or fewer. */
static void list_models(const char *variable)
{
    static const char complete[] = ". \"$WISP_SOURCE_DIR/completions/wisp.bash\"; PATH=$WISP_BINARY_DIR/bin:$PATH; "
                                   "_wisp_targets";
    static struct outcome outcome;

    command_run(&(struct command){ .words = { "wisp", "models", "--json" }, .environment = { variable } }, &outcome);
    assert_non_null(strstr(outcome.out, "\"squeeze.decoder\""));
    command_run(&(struct command){ .words = { "wisp", "models" }, .environment = { variable } }, &outcome);
    assert_non_null(strstr(outcome.out, "squeeze "));
    assert_non_null(strstr(strstr(outcome.out, "squeeze "), "16x16  50.0 %"));
    assert_null(strstr(outcome.out, "decoder"));
    command_run(&(struct command){ .words = { "/bin/bash", "-c", complete }, .environment = { variable } }, &outcome);
    assert_non_null(strstr(outcome.out, "squeeze"));
    assert_null(strstr(outcome.out, "decoder"));
}

static void test_each_type_answers(void **state)
{
    static const struct task tasks[] = {
        { "image.classification", { "picture.png" }, .says = "Ankle boot" },
        { "image.enhancement", { "inputs/small.png" }, .output = "light.png", .width = 192, .height = 128 },
        { "image.denoising", { "inputs/small.png" }, .output = "clean.png", .width = 192, .height = 128 },
        { "image.super-resolution", { "inputs/small.png" }, .output = "large.png", .width = 384, .height = 256 },
        { "image.segmentation", { "inputs/cells.png" }, .output = "mask.png", .width = 256, .height = 256 },
        { "image.compression", { "inputs/small.png" }, .output = "small.wz", .bytes = 3000 },
        { "image.compression", { "small.wz" }, .output = "again.png", .width = 192, .height = 128 },
        { "image.style", { "inputs/small.png" }, .output = "painted.png", .width = 192, .height = 128 },
        { "image.generation", { "inputs/drawing.png" }, .output = "drawn.png", .width = 28, .height = 28 },
        { "text.classification", { "sentence.txt" }, .says = "de " },
        { "text.semantics", { "inputs/words.txt" }, .says = "grandmother  NOUN" },
        { "text.keywords", { "inputs/words.txt" }, .says = "child" },
        { "text.translation", { "--lines", "inputs/english.txt" }, .says = "孩子在花园里玩。" },
        { "text.summarisation", { "inputs/story.txt" }, .says = "council approved" },
        { "audio.recognition", { "recording.wav" }, .says = "seven" },
        { "audio.denoising", { "inputs/noisy.wav" }, .output = "clean.wav", .samples = 48000 },
        { "audio.synthesis",
          { "inputs/event-1.wav", "inputs/event-2.wav", "inputs/event-3.wav" },
          .output = "merged.wav",
          .samples = 16000 },
    };
    const char *folder = scratch_make();
    struct test_daemon daemon;
    char variable[512];

    (void)state;
    all_models_start(&daemon);
    snprintf(variable, sizeof variable, "WISP_SOCKET=%s", daemon.socket);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        ask_task(&tasks[i], folder, variable);
    ask_misspelt(folder, variable);
    list_models(variable);
    assert_int_equal(daemon_stop(&daemon), 0);
    scratch_remove(folder);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
