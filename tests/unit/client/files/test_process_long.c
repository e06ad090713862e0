/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings that are read and written as they go, by the command and a real daemon: two of one event become one, by
 * files and by pipes, in memory that does not grow with them.
 */
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wisp/media.h>

#include "base/file.h"
#include "base/rng.h"
#include "media/spec/media.h"
#include "support/command.h"
#include "support/daemon.h"

enum { BRIEF = 1500, LONG = 3000000 }; /* samples; the long ones are 6 MB in their file, and 12 as numbers */

static const char structure[] = "name: merge\nprocessing: audio.synthesis\ninput: [514, 64]\nlayers:\n"
                                "- conv1d: {channels: 514, kernel: 1, groups: 257}\n";
static const char media[] = "{\"kind\":\"audio\",\"spectrum\":512,\"frames\":64,\"recordings\":2,\"answer\":\"sound\"}";

static const char *folder;
static struct test_daemon wispd;
static struct outcome outcome;

static void write_sound(const char *name, size_t count)
{
    float *samples = malloc(count * sizeof *samples);
    const int fd = open(scratch_path(folder, name), O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct media_sound_writer *writer;
    struct rng rng = rng_make(1, 3);
    struct reason why;

    assert_non_null(samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = rng_float(&rng) - 0.5f;
    assert_ok(media_sound_writer_new(name, 8000, count, fd, &writer, &why), why);
    assert_ok(media_sound_writer_add(writer, samples, count, &why), why);
    assert_ok(media_sound_writer_end(writer, &why), why);
    media_sound_writer_free(writer);
    free(samples);
    close(fd);
}

static int begin(void **state)
{
    static char path[256];
    const char *models[] = { path };
    struct reason why;

    (void)state;
    folder = scratch_make();
    snprintf(path, sizeof path, "%s/merge.safetensors", folder);
    assert_ok(
        file_write(scratch_path(folder, "merge.yaml"), &(struct file_part){ structure, strlen(structure) }, 1, &why),
        why);
    command_run(&(struct command){ .words = { "wisp", "build", "--structure=merge.yaml", "-s0", "--no-history",
                                              "--media", media, "-o", path },
                                   .folder = folder },
                &outcome);
    assert_int_equal(outcome.status, 0);
    write_sound("in.wav", BRIEF);
    write_sound("long.wav", LONG);
    daemon_start(&wispd, &(struct daemon_setup){ .models = models, .model_count = 1 });
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_remove(folder);
    return daemon_stop(&wispd);
}

static void merge(const char *one, const char *other, const char *out, struct command command)
{
    const char *const words[] = { "wisp", "run", "-s", wispd.socket, "merge", one, other, "-o", out };

    memcpy(command.words, words, sizeof words);
    command.folder = folder;
    command_run(&command, &outcome);
    if (outcome.status)
        fail_msg("%s %s: %d, %s", one, other, outcome.status, outcome.err);
}

static void *read_file(const char *name, size_t *length)
{
    struct reason why;
    void *bytes;

    assert_ok(file_read(scratch_path(folder, name), 1 << 24, &bytes, length, &why), why);
    return bytes;
}

static void pipes_give_what_files_give(void **state)
{
    size_t length, piped_length;
    void *bytes = read_file("in.wav", &length), *piped;
    int ends[2];

    (void)state;
    merge("in.wav", "in.wav", "merged.wav", (struct command){ .input = NULL });
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, length), length); /* which a pipe has room for */
    close(ends[1]);
    merge("-", "in.wav", "-", (struct command){ .input_fd = ends[0], .output = scratch_path(folder, "piped.wav") });
    free(bytes);
    bytes = read_file("merged.wav", &length);
    piped = read_file("piped.wav", &piped_length);
    assert_int_equal(length, piped_length);
    assert_memory_equal(bytes, piped, length);
    free(bytes);
    free(piped);
}

static void keep_extent(void *user, const struct wisp_extent *read, const struct wisp_extent *made)
{
    struct wisp_extent *extents = user;

    extents[0] = *read;
    extents[1] = *made;
}

/* What programs of before say of themselves ends before the call that tells how large all is. */
static void a_program_is_told_what_it_asks_for(void **state)
{
    const char *const in[] = { scratch_path(folder, "in.wav"), scratch_path(folder, "in.wav"), NULL };
    const char *out = scratch_path(folder, "told.wav");
    struct wisp_extent extents[2] = { { .bytes = 0 } };
    struct wisp_process_options options = { .size = sizeof options, .made = keep_extent, .made_user = extents };
    const struct wisp_options to = { .size = sizeof to, .socket_path = wispd.socket };
    wisp_client *client = NULL;

    (void)state;
    assert_int_equal(wisp_connect(&client, &to), 0);
    assert_int_equal(wisp_process_files(client, "merge", in, out, &options, NULL), 0);
    assert_int_equal(extents[0].bytes, 2 * (44 + 2 * BRIEF));
    assert_true(extents[1].bytes > 44 && extents[1].bytes % 2 == 0);
    assert_true(extents[0].seconds > 0.187 && extents[0].seconds < 0.188);
    assert_int_equal(extents[0].width + extents[1].height, 0);
    options.size = offsetof(struct wisp_process_options, made);
    extents[0].bytes = 0;
    assert_int_equal(wisp_process_files(client, "merge", in, out, &options, NULL), 0);
    assert_int_equal(extents[0].bytes, 0);
    options.size = 3;
    assert_int_equal(wisp_process_files(client, "merge", in, out, &options, NULL), WISP_E_INVALID);
    wisp_close(client);
}

/* 16 MB of its own are enough for the command, and not for the numbers and both files of the long recording. */
static void memory_does_not_grow_with_a_recording(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* of which memory is another matter */
    merge("long.wav", "in.wav", "merged.wav", (struct command){ .data_max = 16 << 20 });
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipes_give_what_files_give),
        cmocka_unit_test(a_program_is_told_what_it_asks_for),
        cmocka_unit_test(memory_does_not_grow_with_a_recording),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
