/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder as an input of `wisp run`: the files in it that the model takes, by name, each told apart; what is wrong
 * with one keeps none of the others.
 */
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "support/command.h"
#include "system/types/all_models.h"

static void copy_example(const char *example, const char *to)
{
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(file_read(example_path(example), 1 << 24, &bytes, &length, &why), why);
    assert_ok(file_write(scratch_path(all_models.folder, to), &(struct file_part){ bytes, length }, 1, &why), why);
    free(bytes);
}

/* Of each kind, in another order than that of their names; and what is none of a kind, hidden, damaged or a folder. */
static int begin(void **state)
{
    static const char *const files[][2] = {
        { "inputs/small.png", "mixed/b.PNG" },    { "inputs/photo.png", "mixed/a.png" },
        { "inputs/drawing.png", "mixed/.c.png" }, { "sentences/fr.txt", "mixed/b.txt" },
        { "sentence.txt", "mixed/a.txt" },        { "inputs/event-3.wav", "mixed/3.wav" },
        { "inputs/event-1.wav", "mixed/1.wav" },  { "inputs/event-2.wav", "mixed/2.wav" },
        { "sentence.txt", "mixed/damaged.jpg" },  { "inputs/small.png", "mixed/folder.png/d.png" },
    };

    if (all_models_begin(state))
        return -1;
    assert_int_equal(mkdir(scratch_path(all_models.folder, "mixed"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(all_models.folder, "mixed/folder.png"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(all_models.folder, "made"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(all_models.folder, "empty"), 0755), 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        copy_example(files[i][0], files[i][1]);
    return 0;
}

/* The lines of JSON are of these inputs, in this order, and of no other. */
static void assert_inputs(const char *const *inputs)
{
    const char *at = all_models.outcome.out;

    for (; *inputs; inputs++) {
        json_t *json = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);

        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "input")), *inputs);
        json_decref(json);
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
}
#define ASSERT_INPUTS(...) assert_inputs((const char *const[]){ __VA_ARGS__, NULL })

static void test_its_files_are_answered(void **state)
{
    (void)state;
    RUN(0, "text", "mixed", "--json");
    ASSERT_INPUTS("mixed/a.txt", "mixed/b.txt");
    RUN(0, "text.translation", "--lines", "mixed/", "--json");
    assert_non_null(strstr(all_models.outcome.out, "\"file\":\"mixed/a.txt\""));
    assert_non_null(strstr(all_models.outcome.out, "\"file\":\"mixed/b.txt\""));
    RUN(0, "audio.recognition", "mixed", "--json");
    ASSERT_INPUTS("mixed/1.wav", "mixed/2.wav", "mixed/3.wav");
    RUN(0, "audio.synthesis", "mixed", "-o", "merged.wav", "--json");
    ASSERT_INPUTS("mixed/1.wav");
}

static void test_one_that_fails_keeps_no_other(void **state)
{
    (void)state;
    RUN(65, "image.classification", "mixed", "--json", "nowhere.png", "mixed/a.png");
    ASSERT_INPUTS("mixed/a.png", "mixed/b.PNG", "mixed/damaged.jpg", "nowhere.png", "mixed/a.png");
    assert_non_null(strstr(all_models.outcome.err, "mixed/damaged.jpg: "));
    RUN(65, "image", "empty", "mixed/a.png", "--json");
    ASSERT_INPUTS("empty", "mixed/a.png");
    assert_non_null(strstr(all_models.outcome.err, "empty: a folder in which no picture in .png or .jpg is"));
}

/* From a folder to a folder, and back where the model goes both ways. */
static void test_a_folder_for_a_folder(void **state)
{
    (void)state;
    RUN(65, "image.compression", "mixed", "-o", "made", "--json");
    ASSERT_INPUTS("mixed/a.png", "mixed/b.PNG", "mixed/damaged.jpg");
    RUN(0, "image.compression", "made", "-o", "made", "--json");
    ASSERT_INPUTS("made/a.wz", "made/b.wz");
    RUN(0, "image.style", "made", "-o", "empty/", "--json");
    ASSERT_INPUTS("made/a.png", "made/b.png");
    assert_int_equal(unlink(scratch_path(all_models.folder, "empty/a.png")), 0);
    assert_int_equal(unlink(scratch_path(all_models.folder, "empty/b.png")), 0);
}

/* Files whose names differ in their endings alone lose nothing; not either where one is called as what another becomes;
 * and not over what is there. */
static void test_files_that_would_be_one_keep_their_names(void **state)
{
    static const char *const names[] = { "a.jpg", "a.png", "a.jpg.png", "b.jpeg" };
    static const char *const made[] = { "a.jpg.png", "a.png.png", "a.jpg.png.png", "b.png" };
    char name[64];

    (void)state;
    assert_int_equal(mkdir(scratch_path(all_models.folder, "alike"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(all_models.folder, "apart"), 0755), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(name, sizeof name, "alike/%s", names[i]);
        copy_example("inputs/small.png", name);
    }
    for (int again = 0; again < 2; again++)
        RUN(0, "image.style", "alike", "-o", "apart");
    for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
        snprintf(name, sizeof name, "apart/%s", made[i]);
        assert_int_equal(access(scratch_path(all_models.folder, name), F_OK), 0);
    }
    assert_int_not_equal(access(scratch_path(all_models.folder, "apart/a.png"), F_OK), 0);
}

/* What cannot be is said before anything is written. */
static void test_outputs_that_cannot_be(void **state)
{
    (void)state;
    RUN(2, "image.style", "mixed");
    assert_non_null(strstr(all_models.outcome.err, "oil answers with pictures: say where they go, -o FOLDER"));
    RUN(2, "audio.synthesis", "mixed", "--json");
    assert_non_null(strstr(all_models.outcome.err, "merge makes one recording of 3: name so many files"));
    RUN(2, "image.style", "mixed", "-o", "one.png");
    assert_non_null(strstr(all_models.outcome.err, "for 3 inputs"));
    RUN(2, "image.style", "mixed", "-o", "mixed");
    assert_non_null(strstr(all_models.outcome.err, "over the input"));
    RUN(2, "image.segmentation", "mixed", "--overlay", "seen.png");
    assert_non_null(strstr(all_models.outcome.err, "one input"));
    assert_int_equal(mkdir(scratch_path(all_models.folder, "one"), 0755), 0);
    copy_example("inputs/small.png", "one/a.png");
    RUN(2, "image.style", "one", "-o", "one/a.png");
    assert_non_null(strstr(all_models.outcome.err, "over the input"));
    RUN(0, "image.style", "one", "-o", "one/b.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_files_are_answered), cmocka_unit_test(test_one_that_fails_keeps_no_other),
        cmocka_unit_test(test_a_folder_for_a_folder),  cmocka_unit_test(test_files_that_would_be_one_keep_their_names),
        cmocka_unit_test(test_outputs_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, begin, all_models_end);
}
