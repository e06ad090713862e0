/* SPDX-License-Identifier: Apache-2.0
 *
 * Choices of weight formats on disk: the daemon keeps what it measured, believes it the next time, and is not to be
 * hurt by what stands there instead.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/test.h"
#include "system/alpha.h"

static struct outcome outcome;

static const char *path_of(const char *name)
{
    return scratch_path(bed.folder, name);
}

/* In the bed's folder, as for a user. */
static int make(void **state)
{
    int result = bed_make(state);

    setenv("XDG_CACHE_HOME", bed.folder, 1);
    return result;
}

static void start_and_stop(const char *yaml)
{
    bed_start(NULL, yaml);
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static ino_t identity_of_file(void)
{
    struct stat status;

    return stat(path_of("wisp/weight-formats"), &status) ? 0 : status.st_ino;
}

static void it_is_written_once(void **state)
{
    ino_t first;

    (void)state;
    start_and_stop(NULL);
    first = identity_of_file();
    assert_true(first != 0);
    start_and_stop(NULL);
    assert_true(identity_of_file() == first); /* nothing new: not written again */
}

static bool starts_with_format(const char *text)
{
    static const char *const formats[] = { " sell16", " dense16", " block8", " window32", " window64", " dense8" };

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!strncmp(text, formats[i], strlen(formats[i])))
            return true;
    }
    return false;
}

/* csr, in the place of whatever was measured. */
static void put_csr(char *text)
{
    const char *end = strchr(text, '\n');

    assert_non_null(end);
    for (char *line = text + (end - text) + 1; *line; line = strchr(line, '\n') + 1) {
        for (char *at = line; *at != '\n'; at++) {
            if (starts_with_format(at)) {
                const size_t length = strcspn(at + 1, " ") + 1;

                memmove(at + 4, at + length, strlen(at + length) + 1);
                memcpy(at, " csr", 4);
            }
        }
    }
}

static void it_is_believed(void **state)
{
    struct file_part part;
    struct reason why;
    json_t *model, *layer;
    void *text;
    size_t index;

    (void)state;
    assert_ok(file_read(path_of("wisp/weight-formats"), 1 << 20, &text, &part.size, &why), why);
    put_csr(text);
    part = (struct file_part){ text, strlen(text) };
    assert_ok(file_write(path_of("wisp/weight-formats"), &part, 1, &why), why);
    free(text);
    bed_start(NULL, NULL);
    bed_serves();
    setenv("WISP_SOCKET", bed.daemon.socket, 1);
    command_run(&(struct command){ .words = { "wisp", "show", "--json", "alpha" } }, &outcome);
    assert_int_equal(outcome.status, 0);
    model = json_loads(outcome.out, 0, NULL);
    json_array_foreach(json_object_get(model, "layers"), index, layer)
    {
        const char *key;
        json_t *value;

        json_object_foreach(json_object_get(layer, "formats"), key, value)
            assert_string_equal(json_string_value(value), "csr");
    }
    assert_true(index > 1);
    json_decref(model);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* It serves as ever, and puts a sound file in its place. */
static void damage_costs_time_alone(void **state)
{
    static const char *const texts[] = { "", "\n", "wisp 0.0.0 weight formats csr\n", "\xff\xfe" };
    struct reason why;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct file_part part = { texts[i], strlen(texts[i]) };
        ino_t damaged;

        assert_ok(file_write(path_of("wisp/weight-formats"), &part, 1, &why), why);
        damaged = identity_of_file();
        start_and_stop(NULL);
        assert_true(identity_of_file() != damaged);
    }
    assert_int_equal(unlink(path_of("wisp/weight-formats")), 0);
    assert_int_equal(mkdir(path_of("wisp/weight-formats"), 0755), 0);
    bed_start(NULL, NULL);
    assert_true(daemon_logged(&bed.daemon, "the next start will measure again which weight formats are the fastest"));
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    assert_int_equal(rmdir(path_of("wisp/weight-formats")), 0);
}

static void it_can_be_switched_off(void **state)
{
    (void)state;
    start_and_stop("cache: false\n");
    assert_true(identity_of_file() == 0);
}

/* Then nothing is measured that could be kept, and it serves. */
static void formats_can_be_estimated(void **state)
{
    const char *arguments[] = { "--no-tune", "--dump-config", NULL };
    static char output[16384];

    (void)state;
    start_and_stop("tune: false\n");
    assert_true(identity_of_file() == 0);
    assert_int_equal(daemon_run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "\ntune: false\n"));
}

/* A check looks, and leaves nothing. */
static void a_test_writes_nothing(void **state)
{
    static char output[4096];
    const char *arguments[] = { "--test", "--model", bed.alpha, NULL };

    (void)state;
    assert_int_equal(daemon_run(arguments, output, sizeof output), 0);
    assert_true(identity_of_file() == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_written_once),      cmocka_unit_test(it_is_believed),
        cmocka_unit_test(damage_costs_time_alone), cmocka_unit_test(it_can_be_switched_off),
        cmocka_unit_test(a_test_writes_nothing),   cmocka_unit_test(formats_can_be_estimated),
    };

    return cmocka_run_group_tests(tests, make, bed_remove);
}
