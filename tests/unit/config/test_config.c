/* SPDX-License-Identifier: Apache-2.0
 *
 * config/: what a good configuration means; defaults, files, printing back.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/config.h"
#include "support/test.h"

static const char full[] = "# everything once\n"
                           "socket: \"/run/x y/w.sock\"\n"
                           "socket_mode: \"0660\"\n"
                           "log: {level: debug}\n"
                           "kernels: avx2\n"
                           "cache: false\n"
                           "tune: false\n"
                           "loop: io_uring\n"
                           "shards: 16\n"
                           "threads: 3\n"
                           "pin: true\n"
                           "spin: 50us\n"
                           "limits:\n"
                           "  channels: 10\n"
                           "  channels_per_user: 3\n"
                           "  memory_per_user: 1GiB\n"
                           "  entries: 8\n"
                           "  arena: 128KiB\n"
                           "  rows: 7\n"
                           "  time_per_user: 75%\n"
                           "  under_way_per_user: 12\n"
                           "users:\n"
                           "- {user: root, weight: 10000, time: 1%, under_way: 1}\n"
                           "- {user: 1000}\n"
                           "models:\n"
                           "- path: a.safetensors\n"
                           "  name: first\n"
                           "  default: true\n"
                           "  batch: {max: 64, wait: 200us, time: 3ms}\n"
                           "- path: '/abs/\"b\\.safetensors'\n"
                           "- {path: \"caf\\u00e9/\\u6a21\", name: \"7\"}\n";

static void parse(const char *name, const char *text, struct config *config)
{
    struct reason why = { 0 };

    assert_int_equal(config_init(config), 0);
    assert_ok(config_parse(name, text, strlen(text), config, stderr, &why), why);
}

static void assert_same_text(const char *a, const char *b)
{
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_ptr_equal(a, b);
}

static void assert_same(const struct config *a, const struct config *b)
{
    assert_same_text(a->socket, b->socket);
    assert_same_text(a->kernels, b->kernels);
    assert_int_equal(a->socket_mode, b->socket_mode);
    assert_int_equal(a->cache, b->cache);
    assert_int_equal(a->tune, b->tune);
    assert_int_equal(a->loop, b->loop);
    assert_int_equal(a->shards, b->shards);
    assert_int_equal(a->threads, b->threads);
    assert_int_equal(a->pin, b->pin);
    assert_int_equal(a->spin_ns, b->spin_ns);
    assert_int_equal(a->log_level, b->log_level);
    assert_int_equal(a->limits.channels, b->limits.channels);
    assert_int_equal(a->limits.channels_per_user, b->limits.channels_per_user);
    assert_int_equal(a->limits.memory_per_user, b->limits.memory_per_user);
    assert_int_equal(a->limits.entries, b->limits.entries);
    assert_int_equal(a->limits.arena, b->limits.arena);
    assert_int_equal(a->limits.rows, b->limits.rows);
    assert_int_equal(a->limits.time_per_user, b->limits.time_per_user);
    assert_int_equal(a->limits.under_way_per_user, b->limits.under_way_per_user);
    assert_int_equal(a->user_count, b->user_count);
    for (size_t i = 0; i < a->user_count; i++) {
        assert_same_text(a->users[i].user, b->users[i].user);
        assert_int_equal(a->users[i].weight, b->users[i].weight);
        assert_int_equal(a->users[i].time, b->users[i].time);
        assert_int_equal(a->users[i].under_way, b->users[i].under_way);
    }
    assert_int_equal(a->model_count, b->model_count);
    for (size_t i = 0; i < a->model_count; i++) {
        assert_same_text(a->models[i].path, b->models[i].path);
        assert_same_text(a->models[i].name, b->models[i].name);
        assert_int_equal(a->models[i].preferred, b->models[i].preferred);
        assert_int_equal(a->models[i].batch_max, b->models[i].batch_max);
        assert_int_equal(a->models[i].wait_ns, b->models[i].wait_ns);
        assert_int_equal(a->models[i].time_ns, b->models[i].time_ns);
    }
}

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(config_print(config, out), 0);
    fclose(out);
    return text;
}

static void test_defaults(void **state)
{
    struct config config;

    (void)state;
    unsetenv("XDG_RUNTIME_DIR"); /* where a user's own daemon listens */
    assert_int_equal(config_init(&config), 0);
    assert_null(config.file);
    assert_string_equal(config.socket, "/run/wisp/wisp.sock");
    assert_int_equal(config.socket_mode, 0666);
    assert_string_equal(config.kernels, "auto");
    assert_true(config.cache);
    assert_true(config.tune);
    assert_int_equal(config.loop, CONFIG_LOOP_AUTO);
    assert_int_equal(config.shards, 1);
    assert_int_equal(config.threads, 1);
    assert_false(config.pin);
    assert_true(config.spin_ns == CONFIG_SPIN_AUTO);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config.limits.channels, 256);
    assert_int_equal(config.limits.channels_per_user, 64);
    assert_int_equal(config.limits.memory_per_user, 256 << 20);
    assert_int_equal(config.limits.entries, 1024);
    assert_int_equal(config.limits.arena, 64 << 20);
    assert_int_equal(config.limits.rows, 4096);
    assert_int_equal(config.limits.time_per_user, 100);
    assert_int_equal(config.limits.under_way_per_user, 65536);
    assert_int_equal(config.user_count, 0);
    assert_int_equal(config.model_count, 0);
    config_deinit(&config);
    config_deinit(&config); /* idempotent */
}

static void test_everything_once(void **state)
{
    struct config config;

    (void)state;
    parse("/etc/wisp/w.yaml", full, &config);
    assert_string_equal(config.file, "/etc/wisp/w.yaml");
    assert_string_equal(config.socket, "/run/x y/w.sock");
    assert_int_equal(config.socket_mode, 0660);
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(config.kernels, "avx2");
    assert_false(config.cache);
    assert_false(config.tune);
    assert_int_equal(config.loop, CONFIG_LOOP_URING);
    assert_int_equal(config.shards, 16);
    assert_int_equal(config.threads, 3);
    assert_true(config.pin);
    assert_int_equal(config.spin_ns, 50000);
    assert_int_equal(config.limits.channels, 10);
    assert_int_equal(config.limits.channels_per_user, 3);
    assert_int_equal(config.limits.memory_per_user, 1 << 30);
    assert_int_equal(config.limits.entries, 8);
    assert_int_equal(config.limits.arena, 128 << 10);
    assert_int_equal(config.limits.rows, 7);
    assert_int_equal(config.limits.time_per_user, 75);
    assert_int_equal(config.limits.under_way_per_user, 12);
    assert_int_equal(config.user_count, 2);
    assert_string_equal(config.users[0].user, "root");
    assert_int_equal(config.users[0].weight, 10000);
    assert_int_equal(config.users[0].time, 1);
    assert_int_equal(config.users[0].under_way, 1);
    assert_string_equal(config.users[1].user, "1000");
    assert_int_equal(config.users[1].weight, 100);
    assert_int_equal(config.users[1].time, 100);
    assert_int_equal(config.users[1].under_way, 65536);
    assert_int_equal(config.model_count, 3);
    assert_string_equal(config.models[0].path, "/etc/wisp/a.safetensors");
    assert_string_equal(config.models[0].name, "first");
    assert_true(config.models[0].preferred);
    assert_int_equal(config.models[0].batch_max, 64);
    assert_int_equal(config.models[0].wait_ns, 200000);
    assert_int_equal(config.models[0].line, 26);
    assert_string_equal(config.models[1].path, "/abs/\"b\\.safetensors");
    assert_null(config.models[1].name);
    assert_false(config.models[1].preferred);
    assert_int_equal(config.models[1].batch_max, 32);
    assert_int_equal(config.models[1].line, 30);
    assert_string_equal(config.models[2].path, "/etc/wisp/caf\xc3\xa9/\xe6\xa8\xa1");
    assert_string_equal(config.models[2].name, "7");
    config_deinit(&config);
}

/* What leaves everything at its default: nothing, comments, sections whose keys are all commented out. */
static void test_emptiness_is_the_defaults(void **state)
{
    static const char *const texts[] = { "",
                                         "\n\n",
                                         "# nothing\n",
                                         "---\n",
                                         "---\n...\n",
                                         "{}\n",
                                         "\xef\xbb\xbf# a byte order mark\n",
                                         "limits:\nmodels:\nlog:\n",
                                         "limits: {}\nmodels: []\nlog: ~\n",
                                         "models: null\r\n" };
    struct config defaults, config;

    (void)state;
    assert_int_equal(config_init(&defaults), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        parse("x.yaml", texts[i], &config);
        assert_same(&config, &defaults);
        config_deinit(&config);
    }
    config_deinit(&defaults);
}

static void test_printing_reads_back(void **state)
{
    static const char *const texts[] = { full, "", "spin: auto\nmodels: [{path: a}]\n",
                                         "spin: 0\nsocket_mode: \"000\"\nlimits: {arena: 65537B}\n" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config config, again;
        cleanup_free char *text = NULL, *twice = NULL;

        parse("x.yaml", texts[i], &config);
        text = printed(&config);
        parse("y.yaml", text, &again);
        assert_same(&config, &again);
        twice = printed(&again);
        assert_string_equal(text, twice);
        config_deinit(&config);
        config_deinit(&again);
    }
}

static void test_a_failure_changes_nothing(void **state)
{
    static const char bad[] = "limits: {channels: 9}\nkernels: avx2\nnonsense: 1\n";
    struct config defaults, config;
    struct reason why = { 0 };

    (void)state;
    assert_int_equal(config_init(&defaults), 0);
    assert_int_equal(config_init(&config), 0);
    assert_int_equal(config_parse("x", bad, strlen(bad), &config, NULL, &why), WISP_E_CONFIG);
    assert_string_equal(why.text, "x:3:1: unknown key 'nonsense'");
    assert_int_equal(config_parse("x", bad, strlen(bad), &config, NULL, NULL), WISP_E_CONFIG);
    assert_same(&config, &defaults);
    config_deinit(&config);
    config_deinit(&defaults);
}

static void test_model_paths_begin_at_the_files_folder(void **state)
{
    static const char text[] = "models: [{path: m.safetensors}, {path: ../n, name: n}, {path: /o, name: o}]\n";
    struct file_part part = { text, sizeof text - 1 };
    const char *folder = scratch_make();
    struct config config;
    struct reason why = { 0 };
    cleanup_free char *before = getcwd(NULL, 0);
    char expected[512];

    (void)state;
    assert_ok(file_write(scratch_path(folder, "w.yaml"), &part, 1, &why), why);
    assert_non_null(before);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(config_init(&config), 0);
    assert_ok(config_read("w.yaml", &config, stderr, &why), why);
    snprintf(expected, sizeof expected, "%s/m.safetensors", folder);
    assert_string_equal(config.models[0].path, expected);
    snprintf(expected, sizeof expected, "%s/../n", folder);
    assert_string_equal(config.models[1].path, expected);
    assert_string_equal(config.models[2].path, "/o");
    assert_int_equal(chdir(before), 0);
    config_deinit(&config);
    scratch_remove(folder);
}

static void test_unreadable_files(void **state)
{
    const char *folder = scratch_make();
    cleanup_free char *lines = NULL;
    size_t size;
    FILE *errors = open_memstream(&lines, &size);
    cleanup_free char *huge = calloc(1, (1 << 20) + 1);
    struct file_part part = { huge, (1 << 20) + 1 };
    struct config config;
    struct reason why = { 0 };

    (void)state;
    assert_non_null(huge);
    assert_int_equal(config_init(&config), 0);
    assert_int_equal(config_read(scratch_path(folder, "none"), &config, errors, &why), WISP_E_CONFIG);
    assert_non_null(strstr(why.text, "none: No such file"));
    fflush(errors);
    assert_non_null(strstr(lines, why.text));
    assert_int_equal(config_read(folder, &config, NULL, &why), WISP_E_CONFIG);
    assert_non_null(strstr(why.text, "is a directory"));
    memset(huge, '#', part.size);
    assert_ok(file_write(scratch_path(folder, "huge"), &part, 1, &why), why);
    assert_int_equal(config_read(scratch_path(folder, "huge"), &config, NULL, &why), WISP_E_CONFIG);
    assert_non_null(strstr(why.text, "larger than the 1048576 allowed"));
    assert_int_equal(config_parse("huge", huge, part.size, &config, NULL, &why), WISP_E_CONFIG);
    assert_string_equal(why.text, "huge: larger than 1048576 bytes");
    assert_int_equal(config_parse("fits", huge, part.size - 1, &config, NULL, &why), 0);
    fclose(errors);
    config_deinit(&config);
    scratch_remove(folder);
}

/* The prefix is the folder above the program's; that of the system has its configuration in /etc. */
static void test_the_default_path_is_in_the_programs_prefix(void **state)
{
    static const char *const paths[][2] = {
        { "/usr/sbin/wispd", "/etc/wisp/wispd.yaml" },
        { "/usr/bin/wispd", "/etc/wisp/wispd.yaml" },
        { "/sbin/wispd", "/etc/wisp/wispd.yaml" },
        { "/wispd", "/etc/wisp/wispd.yaml" },
        { "", "/etc/wisp/wispd.yaml" },
        { "/usr/local/sbin/wispd", "/usr/local/etc/wisp/wispd.yaml" },
        { "/opt/a b/sbin/wispd", "/opt/a b/etc/wisp/wispd.yaml" },
        { "/usr2/sbin/wispd", "/usr2/etc/wisp/wispd.yaml" },
    };
    char path[64];

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        config_path_beside(paths[i][0], path, sizeof path);
        assert_string_equal(path, paths[i][1]);
    }
    config_path_beside("/a/folder/whose/name/does/not/fit/into/the/buffer/that/there/is/sbin/wispd", path, sizeof path);
    assert_string_equal(path, "/etc/wisp/wispd.yaml");
}

/* The models in models/, counted. */
static size_t count_shipped(void)
{
    DIR *folder = opendir(source_path("models"));
    size_t count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += strstr(entry->d_name, ".safetensors") != NULL;
    closedir(folder);
    return count;
}

/* The example that is installed is valid, serves each model that ships, and shows true defaults: with every "# key:"
 * uncommented it means the same. */
static void test_the_installed_example(void **state)
{
    static const char installed[] = "/usr/share/wisp/models/";
    struct config config;
    struct reason why = { 0 };
    char path[128];

    (void)state;
    assert_int_equal(config_init(&config), 0);
    assert_ok(config_read(source_path("config/wispd.yaml"), &config, stderr, &why), why);
    assert_int_equal(config.model_count, count_shipped());
    for (size_t i = 0; i < config.model_count; i++) {
        assert_memory_equal(config.models[i].path, installed, strlen(installed));
        snprintf(path, sizeof path, "models/%s", config.models[i].path + strlen(installed));
        assert_int_equal(access(source_path(path), R_OK), 0);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(config.models[i].path, config.models[other].path);
    }
    config_deinit(&config);
}

static void test_the_examples_comments_are_the_defaults(void **state)
{
    cleanup_free void *text = NULL;
    struct config config, with_comments;
    struct reason why = { 0 };
    size_t size;
    unsigned uncommented = 0;

    (void)state;
    assert_ok(file_read(source_path("config/wispd.yaml"), 1 << 20, &text, &size, &why), why);
    parse("as.yaml", text, &config);
    for (char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
        char *mark = line + strspn(line, " "), *word = mark + 2;
        size_t length = *mark == '#' && mark[1] == ' ' ? strspn(word, " abcdefghijklmnopqrstuvwxyz_") : 0;

        /* "# key:" or "#   key:", one word; prose has none, or capitals, or more words */
        if (!length || word[length] != ':' || strcspn(word + strspn(word, " "), " :") + strspn(word, " ") != length)
            continue;
        memmove(mark, word, strlen(word) + 1);
        uncommented++;
    }
    assert_true(uncommented >= 12);
    parse("with.yaml", text, &with_comments);
    assert_same(&config, &with_comments);
    config_deinit(&config);
    config_deinit(&with_comments);
}

/* ---- read again ---- */

/* What only a start can change stays, and is said; the rest is as the file has it. */
static void what_a_start_alone_can_change_is_kept(void **state)
{
    struct config running, fresh;
    char *kept = NULL;
    size_t size;
    FILE *out = open_memstream(&kept, &size);

    (void)state;
    parse("running", "limits: {channels: 9}\nmodels: [{path: a.safetensors}]\n", &running);
    parse("fresh", full, &fresh);
    assert_int_equal(config_keep(&fresh, &running, out), 0);
    fclose(out);
    assert_string_equal(
        kept, "socket\nsocket_mode\nloop\nshards\nthreads\npin\nspin\nlimits.channels\nlimits.channels_per_user\n"
              "limits.memory_per_user\nlimits.entries\nlimits.arena\nlimits.rows\n");
    assert_string_equal(fresh.socket, running.socket);
    assert_int_equal(fresh.limits.channels, 9);
    assert_int_equal(fresh.limits.rows, running.limits.rows);
    assert_int_equal(fresh.spin_ns, running.spin_ns);
    assert_int_equal(fresh.model_count, 3);
    assert_int_equal(fresh.log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(fresh.kernels, "avx2");
    assert_false(fresh.cache);
    free(kept);
    /* The same once more: nothing differs. */
    out = open_memstream(&kept, &size);
    assert_int_equal(config_keep(&fresh, &running, out), 0);
    fclose(out);
    assert_string_equal(kept, "");
    free(kept);
    config_deinit(&running);
    config_deinit(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_start_alone_can_change_is_kept),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything_once),
        cmocka_unit_test(test_emptiness_is_the_defaults),
        cmocka_unit_test(test_printing_reads_back),
        cmocka_unit_test(test_a_failure_changes_nothing),
        cmocka_unit_test(test_model_paths_begin_at_the_files_folder),
        cmocka_unit_test(test_unreadable_files),
        cmocka_unit_test(test_the_default_path_is_in_the_programs_prefix),
        cmocka_unit_test(test_the_installed_example),
        cmocka_unit_test(test_the_examples_comments_are_the_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
