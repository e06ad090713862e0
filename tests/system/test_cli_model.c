/* SPDX-License-Identifier: Apache-2.0
 *
 * Model files in a person's hands, without a daemon: `wisp show FILE` says what a daemon would say, and `wisp run
 * --model FILE` answers what it would answer, through a daemon that ends with the command, however that ends.
 */
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "cli_bed.h"
#include "media/spec/media.h"

static const char *const no_daemon = "WISP_SOCKET=/nonexistent/wisp.sock";

static json_t *show(const char *model)
{
    const struct command command = { .words = { "wisp", "show", "--json", model }, .folder = folder };
    json_t *json;

    command_run(&command, &outcome);
    expect(model, 0, "layers", NULL);
    json = json_loads(outcome.out, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_a_file_shows_what_a_daemon_shows(void **state)
{
    json_t *served = show("wide"), *file = show("./wide.safetensors"), *value;
    const char *key;
    size_t compared = 0;

    (void)state;
    json_object_foreach(file, key, value)
    {
        if (!strcmp(key, "file") || !strcmp(key, "file_bytes"))
            continue;
        if (!json_equal(value, json_object_get(served, key)))
            fail_msg("%s is %s, and served %s", key, json_dumps(value, JSON_ENCODE_ANY),
                     json_dumps(json_object_get(served, key), JSON_ENCODE_ANY));
        compared++;
    }
    assert_true(compared >= 13);
    json_decref(served);
    json_decref(file);
}

static void test_show_needs_no_daemon(void **state)
{
    static const struct {
        const char *model;
        int status;
        const char *out, *err;
    } cases[] = {
        { "lang.safetensors", 0, "label 3", NULL },
        { "./lang.safetensors", 0, "label 3", NULL },
        { "./nothere.safetensors", 65, NULL, "./nothere.safetensors: No such file" },
        { "nothere.safetensors", 69, NULL, "not running on /nonexistent" }, /* may be a model's name */
        { "nothere.safetensors", 69, NULL, "nor is there a file nothere.safetensors here" },
        { "good.png", 69, NULL, "'wisp show ./good.png' reads it" },
        { "./good.png", 65, NULL, "good.png" },
        { "./folder", 65, NULL, "folder" },
        { "lang", 69, NULL, "not running on /nonexistent" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        command_run(&(struct command){ .words = { "wisp", "show", cases[i].model },
                                       .folder = folder,
                                       .environment = { no_daemon } },
                    &outcome);
        expect(cases[i].model, cases[i].status, cases[i].out, cases[i].err);
    }
}

/* What was built and not trained takes tensors alone, and says what it lacks. */
static void test_a_model_that_was_only_built(void **state)
{
    static const char *const inputs[][2] = { { "--text", "some words" }, { "--lines", "good.txt" } };

    (void)state;
    command_run(&(struct command){ .words = { "wisp", "build", "--layers=8-2", "-s0", "-ptext.classification",
                                              "--no-history", "-obuilt.safetensors" },
                                   .folder = folder },
                &outcome);
    expect("build", 0, "fc1", NULL);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        command_run(
            &(struct command){ .words = { "wisp", "run", "--model=built.safetensors", inputs[i][0], inputs[i][1] },
                               .folder = folder },
            &outcome);
        expect(inputs[i][0], i ? 2 : 65, NULL, "which wisp train adds to a model");
    }
}

/* ---- pictures ---- */

static void build_picture(const char *layers, const char *media, const char *to)
{
    char text[512];

    write_file("picture.yaml", text,
               (size_t)snprintf(text, sizeof text,
                                "name: picture\nprocessing: image.denoising\ninput: [1, 4, 4]\nlayers:\n"
                                "  - conv2d: {channels: 3, kernel: 3, padding: 1}\n%s",
                                layers));
    command_run(&(struct command){ .words = { "wisp", "build", "--structure=picture.yaml", "-s0", "--no-history",
                                              "--media", media, "-o", to },
                                   .folder = folder },
                &outcome);
    assert_int_equal(outcome.status, 0);
}

/* The file has the numbers that the model gives, as its description says what they are. */
static void check_picture(const char *model, bool mask)
{
    struct media_picture written;
    struct reason why = { "" };
    float numbers[3 * 16];

    command_run(
        &(struct command){ .words = { "wisp", "run", "--model", model, "good.png", "--raw" }, .folder = folder },
        &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.out_size, sizeof numbers);
    memcpy(numbers, outcome.out, sizeof numbers);
    command_run(
        &(struct command){ .words = { "wisp", "run", "--model", model, "good.png", "-o", "-" }, .folder = folder },
        &outcome);
    assert_int_equal(outcome.status, 0);
    assert_ok(media_decode_picture("it", outcome.out, outcome.out_size, &written, &why), why);
    assert_true(written.width == 4 && written.height == 4 && written.channels == 3);
    for (size_t i = 0; i < 48; i++) {
        const double value = (double)numbers[i % 3 * 16 + i / 3], byte = 255 * (value * 2 + 0.25);
        const double said = mask ? (value > 0.5 ? 255 : 0) : fmin(fmax(byte, 0), 255);

        assert_true(fabs(written.pixels[i] - said) <= 0.5001);
    }
    free(written.pixels);
}

#define IMAGE_OF_4 "{\"kind\":\"image\",\"width\":4,\"height\":4,\"channels\":1,\"mean\":0.25,\"deviation\":2"

static void test_a_picture_is_written(void **state)
{
    static const struct {
        const char *words[4];
        int status;
        const char *err;
    } cases[] = {
        { { "mask", "good.png", "--raw" }, 2, "-o is a file of what the model makes" },
        { { "picture", "good.png", "--overlay=y.png" }, 2, "does not answer with masks" },
        { { "mask", "good.png", "good.png" }, 2, "is one file for 2 inputs" },
        { { "plain", "good.png" }, 65, "good.png: plain gives no picture and no sound, or does not say so" },
        { { "lang.safetensors", "good.txt" }, 2, "answers with text; give it a name in .txt" },
    };

    (void)state;
    build_picture("  - sigmoid\n", IMAGE_OF_4 ",\"answer\":\"mask\"}", "mask");
    build_picture("  - tanh\n", IMAGE_OF_4 ",\"answer\":\"picture\"}", "picture");
    build_picture("  - tanh\n", IMAGE_OF_4 "}", "plain");
    check_picture("mask", true);
    check_picture("picture", false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *w = cases[i].words;

        command_run(&(struct command){ .words = { "wisp", "run", "-o", "x.png", "--model", w[0], w[1], w[2] },
                                       .folder = folder },
                    &outcome);
        expect(w[0], cases[i].status, NULL, cases[i].err);
    }
    command_run(&(struct command){ .words = { "wisp", "run", "-o", "./good.png", "--model", "mask", "good.png" },
                                   .folder = folder },
                &outcome);
    expect("over the input", 2, NULL, "-o ./good.png would be written over the input");
}

/* ---- recordings ---- */

#define SPECTRA "{\"kind\":\"audio\",\"spectrum\":64,\"frames\":16,\"rate\":8000,\"floor_db\":40"

/* Of which every mask is a half. */
static void build_sound(const char *media, unsigned rows, const char *to)
{
    char text[200];

    write_file("half.yaml", text,
               (size_t)snprintf(text, sizeof text,
                                "name: half\nprocessing: audio.denoising\ninput: [%u, 16]\nlayers:\n"
                                "  - conv1d: {channels: %u, kernel: 1}\n  - sigmoid\n",
                                rows, rows));
    command_run(&(struct command){ .words = { "wisp", "build", "--structure=half.yaml", "-s0", "--weights=zero",
                                              "--force", "--no-history", "--media", media, "-o", to },
                                   .folder = folder },
                &outcome);
    assert_int_equal(outcome.status, 0);
}

static struct media_sound write_noise(const char *name, uint32_t rate, size_t count)
{
    struct media_sound sound = { rate, count, malloc(count * sizeof(float)) };
    struct media_sound_writer *writer;
    struct reason why = { "" };
    const int fd = open(scratch_path(folder, name), O_RDWR | O_CREAT | O_TRUNC, 0644);

    assert_non_null(sound.samples);
    for (size_t i = 0; i < count; i++)
        sound.samples[i] = (float)((int)(i * i % 32749) - 16384) / 32768;
    assert_ok(media_sound_writer_new(name, rate, count, fd, &writer, &why), why);
    assert_ok(media_sound_writer_add(writer, sound.samples, count, &why), why);
    assert_ok(media_sound_writer_end(writer, &why), why);
    media_sound_writer_free(writer);
    close(fd);
    return sound;
}

/* Standard output has half of the recording, to the step of 16 bits. */
static void check_half(const struct media_sound *sound)
{
    struct media_sound written;
    struct reason why = { "" };

    assert_int_equal(outcome.status, 0);
    assert_ok(media_decode_sound("it", outcome.out, outcome.out_size, &written, &why), why);
    assert_int_equal(written.rate, 8000);
    assert_int_equal(written.count, sound->count);
    for (size_t i = 0; i < written.count; i++)
        assert_true(fabsf(written.samples[i] - sound->samples[i] / 2) < 0.51f / 32768);
    free(written.samples);
}

/* A recording of any length, by a file or a pipe; at another rate it comes back at the model's. */
static void test_a_recording_is_written(void **state)
{
    static const size_t lengths[] = { 1, 400, 30000 };
    static const struct row rows[] = {
        { "mp3", { "run", "-o", "x.mp3", "--model", "half", "noise.wav" }, NULL, 2, NULL, "written as WAV or FLAC" },
        { "a picture", { "run", "-o", "x.wav", "--model", "half", "good.png" }, NULL, 65, NULL, "good.png" },
        { "no sound", { "run", "-o", "x.wav", "--model", "bare", "noise.wav" }, NULL, 65, NULL, "and no sound" },
        { "too few", { "run", "-o", "x.wav", "--model", "both", "noise.wav" }, NULL, 2, NULL, "recording of 2" },
        { "no files",
          { "run", "-o", "x.wav", "--model", "both", "--text", "a", "--text", "b" },
          NULL,
          2,
          NULL,
          "of 2" },
        { "no -o", { "run", "--model", "both", "noise.wav" }, NULL, 2, NULL, "one recording of 2" },
        { "a folder", { "run", "-o", "folder", "--model", "half", "noise.wav" }, NULL, 0, NULL, NULL },
    };
    struct media_sound sound = { .samples = NULL };

    (void)state;
    build_sound(SPECTRA ",\"answer\":\"sound\"}", 33, "half");
    build_sound(SPECTRA ",\"answer\":\"sound\",\"recordings\":2}", 66, "both");
    build_sound(SPECTRA "}", 33, "bare");
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        free(sound.samples);
        sound = write_noise("noise.wav", 8000, lengths[i]);
        command_run(&(struct command){ .words = { "wisp", "run", "--model", "half", "-", "-o", "-" },
                                       .folder = folder,
                                       .input = scratch_path(folder, "noise.wav") },
                    &outcome);
        check_half(&sound);
    }
    RUN_ROWS(rows);
    assert_int_equal(access(scratch_path(folder, "folder/noise.wav"), R_OK), 0);
    free(write_noise("fast.wav", 16000, 20000).samples);
    command_run(
        &(struct command){ .words = { "wisp", "run", "--model", "half", "fast.wav", "-o", "-" }, .folder = folder },
        &outcome);
    assert_int_equal(outcome.out_size, 44 + 2 * 10000);
    for (size_t i = 0; i < sound.count; i++) /* both halves of two that are alike */
        sound.samples[i] *= 2;
    command_run(&(struct command){ .words = { "wisp", "run", "--model", "both", "noise.wav", "noise.wav", "-o", "-" },
                                   .folder = folder },
                &outcome);
    check_half(&sound);
    free(sound.samples);
}

/* Of what the folder has by names that begin so. */
static size_t count_beginning(const char *beginning)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(entries);
    while ((entry = readdir(entries)))
        count += !strncmp(entry->d_name, beginning, strlen(beginning));
    closedir(entries);
    return count;
}

/* Killed at whatever moment, it leaves the whole recording or none, and nothing beside it. */
static void test_a_killed_run_leaves_nothing(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGKILL };
    const struct command command = { .words = { "wisp", "run", "--model", "half", "noise.wav", "-o", "killed.wav" },
                                     .folder = folder };
    const size_t samples = 8000ul * 60;
    uint64_t whole;

    (void)state;
    build_sound(SPECTRA ",\"answer\":\"sound\"}", 33, "half");
    free(write_noise("noise.wav", 8000, samples).samples);
    whole = clock_ns();
    command_run(&command, &outcome);
    whole = clock_ns() - whole;
    assert_int_equal(outcome.status, 0);
    srandom(2);
    for (size_t i = 0; i < 18; i++) {
        struct running running;
        struct stat status = { .st_size = 44 + 2 * (off_t)samples };

        (void)unlink(scratch_path(folder, "killed.wav"));
        command_start(&command, &running);
        usleep((useconds_t)((uint64_t)random() % (whole / 1000)));
        (void)kill(running.pid, signals[i % ARRAY_SIZE(signals)]);
        command_finish(&running, &outcome);
        (void)stat(scratch_path(folder, "killed.wav"), &status);
        assert_int_equal(status.st_size, 44 + 2 * samples);
        assert_int_equal(count_beginning("killed.wav"), !access(scratch_path(folder, "killed.wav"), F_OK));
    }
}

/* ---- a daemon for one call ---- */

static char runtime_variable[256];

/* Where the command puts its socket, and nobody else does. */
static void make_runtime_folder(void)
{
    (void)mkdir(scratch_path(folder, "runtime"), 0700);
    snprintf(runtime_variable, sizeof runtime_variable, "XDG_RUNTIME_DIR=%s", scratch_path(folder, "runtime"));
}

static unsigned entries_in_runtime_folder(void)
{
    DIR *directory = opendir(scratch_path(folder, "runtime"));
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

/* Whether a wispd runs that has `word` on its command line. */
static bool daemon_runs(const char *word)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    bool found = false;

    assert_non_null(processes);
    while (!found && (entry = readdir(processes))) {
        char path[300], line[4096] = "";
        ssize_t got;
        int fd;

        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        got = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
        if (fd >= 0)
            close(fd);
        found = got > 0 && !strcmp(line, "wispd") && memmem(line, (size_t)got, word, strlen(word));
    }
    closedir(processes);
    return found;
}

static void assert_nothing_is_left(const char *what)
{
    const char *model = scratch_path(folder, "lang.safetensors");

    for (int i = 0; i < PATIENCE_MS / 10 && daemon_runs(model); i++)
        usleep(10000);
    if (daemon_runs(model))
        fail_msg("%s: the daemon goes on", what);
    if (entries_in_runtime_folder())
        fail_msg("%s: its folder is left", what);
}

static struct command with_model(void)
{
    static char model[256];

    make_runtime_folder();
    snprintf(model, sizeof model, "%s", scratch_path(folder, "lang.safetensors"));
    return (struct command){ .words = { "wisp", "run", "--model", model, "--lines", "--json", "-" },
                             .folder = folder,
                             .environment = { no_daemon, runtime_variable } };
}

static void test_it_answers_as_a_daemon_does(void **state)
{
    struct command command = { .words = { "wisp", "run", "vector", "--raw", "--tensor", "good.f32" },
                               .folder = folder };
    char expected[256];
    size_t size;

    (void)state;
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    size = outcome.out_size;
    assert_in_range(size, 1, sizeof expected);
    memcpy(expected, outcome.out, size);
    command = (struct command){ .words = { "wisp", "run", "-m", "vector.safetensors", "--raw", "--tensor", "good.f32" },
                                .folder = folder,
                                .environment = { no_daemon } };
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.out_size, size);
    assert_memory_equal(outcome.out, expected, size);
    command = with_model();
    command.input = scratch_path(folder, "good.txt");
    command_run(&command, &outcome);
    expect("lines", 0, "labels", NULL);
    assert_nothing_is_left("after an answer");
}

static void test_it_cannot_be_served(void **state)
{
    static const struct row rows[] = {
        { "not there", { "run", "--model", "nothere", "good.png" }, NULL, 65, NULL, "nothere: No such file" },
        { "no model", { "run", "--model", "good.png", "good.png" }, NULL, 65, NULL, "wispd does not serve good.png" },
        { "no input", { "run", "--model", "pic.safetensors" }, NULL, 2, NULL, "no input" },
        { "two daemons", { "run", "--model", "x", "--socket", "y", "good.png" }, NULL, 2, NULL, "exclude" },
        { "a bad input", { "run", "--model", "pic.safetensors", "empty" }, NULL, 65, NULL, "empty" },
        { "a large one", { "run", "--model", "wide.safetensors", "good.txt" }, NULL, 0, "label ", NULL },
    };

    (void)state;
    make_runtime_folder();
    setenv("XDG_RUNTIME_DIR", scratch_path(folder, "runtime"), 1);
    RUN_ROWS(rows);
    unsetenv("XDG_RUNTIME_DIR");
    assert_nothing_is_left("after failures");
}

static void test_it_ends_with_the_command(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGKILL };
    struct command command = with_model();

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct running running;
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        command.input_fd = ends[0];
        command_start(&command, &running);
        assert_int_equal(write(ends[1], "bonjour\n", 8), 8);
        assert_int_equal(poll(&(struct pollfd){ .fd = running.out, .events = POLLIN }, 1, PATIENCE_MS), 1);
        assert_true(daemon_runs(command.words[3]));
        assert_int_equal(kill(running.pid, signals[i]), 0);
        command_finish(&running, &outcome);
        assert_int_equal(outcome.status, 128 + signals[i]);
        close(ends[1]);
        assert_nothing_is_left(strsignal(signals[i]));
    }
}

/* At any moment of its start. */
static void test_it_ends_with_the_command_at_its_start(void **state)
{
    const struct command command = with_model();

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct running running;

        command_start(&command, &running);
        usleep(i * 300);
        assert_int_equal(kill(running.pid, SIGTERM), 0);
        command_finish(&running, &outcome);
        assert_nothing_is_left("SIGTERM at the start");
    }
}

/* ---- a user without root, and without a service ---- */

static char user_runtime[256];

static struct command as_user(const char *verb)
{
    return (struct command){
        .words = { verb }, .folder = folder, .environment = { "WISP_SOCKET=", user_runtime }, .nobody = true
    };
}

static void make_users_folder(void)
{
    const char *path = scratch_path(folder, "user");

    assert_int_equal(mkdir(path, 0700), 0);
    if (!geteuid())
        assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(user_runtime, sizeof user_runtime, "XDG_RUNTIME_DIR=%s", path);
}

static void test_a_users_own_daemon(void **state)
{
    struct command wispd = as_user("wispd"), wisp = as_user("wisp");
    struct running running;

    (void)state;
    make_users_folder();
    wisp.words[1] = "version";
    command_run(&wisp, &outcome);
    if (outcome.status || !access("/run/wisp/wisp.sock", F_OK))
        skip(); /* nobody cannot load libwisp from here, or there is a service */
    wisp.words[1] = "ping";
    command_run(&wisp, &outcome);
    expect("before", 69, NULL, "not running on /run/wisp/wisp.sock: systemctl start wispd");
    wispd.words[1] = "--model";
    wispd.words[2] = "pic.safetensors";
    command_start(&wispd, &running);
    for (int i = 0; i < PATIENCE_MS / 10 && outcome.status == 69; i++) {
        usleep(10000);
        command_run(&wisp, &outcome);
    }
    expect("while it runs", 0, "round trips", NULL);
    assert_int_equal(kill(running.pid, SIGTERM), 0);
    command_finish(&running, &outcome);
    assert_int_equal(outcome.status, 0);
}

/* The classes of batches up to wispd's 32, each with a format of the list; nothing for a layer without weights. */
static void test_layers_say_their_weight_formats(void **state)
{
    static const char *const classes[] = { "1", "2-4", "5-7", "8-15", "16-31", "32-63" };
    const char *path = source_path("models/fashion.safetensors");
    json_t *model = show(path), *layers = json_object_get(model, "layers"), *layer;
    size_t index, weighted = 0;

    (void)state;
    json_array_foreach(layers, index, layer)
    {
        const json_t *formats = json_object_get(layer, "formats");
        const bool has_weights = json_integer_value(json_object_get(layer, "potential")) > 0;

        assert_int_equal(json_object_size(formats), has_weights ? ARRAY_SIZE(classes) : 0);
        for (size_t c = 0; has_weights && c < ARRAY_SIZE(classes); c++) {
            const char *format = json_string_value(json_object_get(formats, classes[c]));

            assert_non_null(format);
            assert_non_null(
                strstr("csr sell16 dense16 block8 window32 dense8 window32_bf16 window32_int8 window64", format));
        }
        weighted += has_weights;
    }
    assert_true(weighted > 1);
    json_decref(model);
    command_run(&(struct command){ .words = { "wisp", "show", path }, .folder = folder }, &outcome);
    expect("as text", 0, "WEIGHT FORMAT", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_shows_what_a_daemon_shows),
        cmocka_unit_test(test_show_needs_no_daemon),
        cmocka_unit_test(test_layers_say_their_weight_formats),
        cmocka_unit_test(test_a_model_that_was_only_built),
        cmocka_unit_test(test_a_picture_is_written),
        cmocka_unit_test(test_a_recording_is_written),
        cmocka_unit_test(test_a_killed_run_leaves_nothing),
        cmocka_unit_test(test_it_answers_as_a_daemon_does),
        cmocka_unit_test(test_it_cannot_be_served),
        cmocka_unit_test(test_it_ends_with_the_command),
        cmocka_unit_test(test_it_ends_with_the_command_at_its_start),
        cmocka_unit_test(test_a_users_own_daemon),
    };

    return cmocka_run_group_tests(tests, cli_begin, cli_end);
}
