/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_bed.h"
#include "support/model.h"

enum { SIDE = 4, WAV_HEADER = 44, WAV_RATE = 8000 };

static const struct model_recipe recipes[] = {
    { .name = "pic",
      .processing = "image.classification",
      .sizes = { SIDE * SIDE, 12, 3 },
      .density = 0.5,
      .seed = 1,
      .media = "{\"kind\": \"image\", \"width\": 4, \"height\": 4, \"channels\": 1, \"fit\": \"stretch\", "
               "\"background\": 0, \"mean\": [0.5], \"deviation\": [0.5]}" },
    { .name = "lang",
      .processing = "text.classification",
      .sizes = { 64, 12, 4 },
      .density = 0.5,
      .seed = 2,
      .media = "{\"kind\": \"text\", \"features\": 64, \"characters\": [1, 3], \"words\": [1, 1], "
               "\"weight\": \"sqrt\", \"norm\": \"l2\", \"limit\": 65536}" },
    { .name = "digit",
      .processing = "audio.recognition",
      .sizes = { 64, 12, 10 },
      .density = 0.5,
      .seed = 3,
      .media = "{\"kind\": \"audio\", \"rate\": 8000, \"mels\": 8, \"frames\": 8, \"window\": 256, \"low\": 60, "
               "\"high\": 4000, \"trim_db\": 40, \"mean\": 0, \"deviation\": 1}" },
    { .name = "vector",
      .processing = "raw.vector",
      .sizes = { NUMBERS, 8, 6 },
      .density = 1,
      .seed = 4,
      .media = "{\"kind\": \"raw\", \"shape\": [5]}",
      .unlabelled = true },
    /* More than a sentence's share of memory. */
    { .name = "wide",
      .processing = "text.topic",
      .sizes = { 32768, 4, 2 },
      .density = 0.01,
      .seed = 5,
      .idf = 32768,
      .media = "{\"kind\": \"text\", \"features\": 32768, \"characters\": [1, 3], \"words\": [1, 1], "
               "\"weight\": \"sqrt\", \"norm\": \"l2\", \"limit\": 65536}" },
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

const unsigned char picture[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49,
                                  0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x04, 0x08, 0x00,
                                  0x00, 0x00, 0x00, 0x8c, 0x9a, 0xc1, 0xa2, 0x00, 0x00, 0x00, 0x1d, 0x49, 0x44,
                                  0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x10, 0x50, 0x30, 0x60, 0x70, 0x08, 0x48,
                                  0x28, 0x60, 0x68, 0x98, 0xb0, 0x60, 0x03, 0xc3, 0x81, 0x0b, 0x0f, 0x3e, 0x00,
                                  0x00, 0x30, 0xd4, 0x07, 0x81, 0xca, 0x38, 0xd4, 0x9d, 0x00, 0x00, 0x00, 0x00,
                                  0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };

const size_t picture_size = sizeof picture;

struct test_daemon daemon_;
const char *folder;
struct outcome outcome;

/* ---- the folder of inputs ---- */

void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(scratch_path(folder, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put(unsigned char *at, unsigned value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* 16-bit mono with `samples` of a square wave. */
static void write_wav(const char *name, unsigned samples)
{
    static unsigned char bytes[WAV_HEADER + 2 * WAV_RATE] = "RIFF....WAVEfmt ....................data....";

    assert_true(samples <= WAV_RATE);
    put(bytes + 4, 36 + 2 * samples, 4);
    put(bytes + 16, 16, 4);
    put(bytes + 20, 1, 2);
    put(bytes + 22, 1, 2);
    put(bytes + 24, WAV_RATE, 4);
    put(bytes + 28, 2 * WAV_RATE, 4);
    put(bytes + 32, 2, 2);
    put(bytes + 34, 16, 2);
    put(bytes + 40, 2 * samples, 4);
    for (unsigned i = 0; i < samples; i++)
        put(bytes + WAV_HEADER + 2 * i, i / 10 % 2 ? 9000 : -9000u, 2);
    write_file(name, bytes, WAV_HEADER + 2 * samples);
}

static void write_inputs(void)
{
    float numbers[NUMBERS + 1] = { 1, -1, 0.5f, 2, 0, 7 }, flood[16];

    write_file("good.png", picture, sizeof picture);
    write_file("truncated.png", picture, 60);
    write_file("empty", "", 0);
    write_file("good.txt", "Wo ist der Bahnhof?\n", 20);
    write_file("latin1.txt", "caf\xe9 cr\xe8me\n", 11);
    write_wav("good.wav", WAV_RATE / 2);
    write_wav("silent.wav", 0);
    write_file("good.f32", numbers, NUMBERS * sizeof *numbers);
    write_file("long.f32", numbers, sizeof numbers);
    write_file("short.f32", numbers, 7);
    for (int i = 0; i < 16; i++)
        flood[i] = FLT_MAX;
    write_file("flood.f32", flood, sizeof flood);
    numbers[3] = NAN;
    write_file("nan.f32", numbers, NUMBERS * sizeof *numbers);
    write_file("huge.png", picture, sizeof picture);
    assert_int_equal(truncate(scratch_path(folder, "huge.png"), 80ll << 20), 0);
    assert_int_equal(mkdir(scratch_path(folder, "folder"), 0755), 0);
}

int cli_begin(void **state)
{
    static char paths[RECIPES][160];
    static const char *models[RECIPES];

    (void)state;
    folder = scratch_make();
    for (size_t i = 0; i < RECIPES; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s.safetensors", folder, recipes[i].name);
        model_make(paths[i], &recipes[i]);
        models[i] = paths[i];
    }
    write_inputs();
    setenv("XDG_CACHE_HOME", folder, 1); /* what the daemon has measured, `wisp show FILE` says too */
    daemon_start(&daemon_, &(struct daemon_setup){ .models = models, .model_count = RECIPES });
    setenv("WISP_SOCKET", daemon_.socket, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    return 0;
}

int cli_end(void **state)
{
    (void)state;
    return daemon_stop(&daemon_);
}

void expect(const char *what, int status, const char *out, const char *err)
{
    bool right = outcome.status == status && (out ? strstr(outcome.out, out) != NULL : !*outcome.out) &&
                 (err ? strstr(outcome.err, err) != NULL : !*outcome.err);

    if (!right)
        fail_msg("%s: ended with %d, not %d, or without '%s' and '%s'\n--- out\n%s--- err\n%s", what, outcome.status,
                 status, out ? out : "", err ? err : "", outcome.out, outcome.err);
}

/* ---- commands: all run in the folder of inputs ---- */

void run_row(const struct row *row)
{
    struct command command = { .words = { "wisp" }, .folder = folder };

    for (size_t i = 0; row->words[i]; i++)
        command.words[i + 1] = row->words[i];
    if (row->input)
        command.input = scratch_path(folder, row->input);
    command_run(&command, &outcome);
    expect(row->what, row->status, row->out, row->err);
}
