/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run -o with models that answer with words or labels: text files of the answers alone, for other programs; of
 * --lines each answer in the line of what it answers.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "support/command.h"
#include "system/types/all_models.h"

static void write_text(const char *name, const char *text)
{
    struct reason why;

    assert_ok(file_write(scratch_path(all_models.folder, name), &(struct file_part){ text, strlen(text) }, 1, &why),
              why);
}

/* Freed by the caller. */
static char *text_in(const char *name)
{
    struct reason why;
    size_t length;
    void *bytes;

    assert_ok(file_read(scratch_path(all_models.folder, name), 1 << 20, &bytes, &length, &why), why);
    assert_int_equal(strlen(bytes), length);
    return bytes;
}

static void assert_text(const char *name, const char *text)
{
    char *bytes = text_in(name);

    assert_string_equal(bytes, text);
    free(bytes);
}

static void test_answers_alone(void **state)
{
    char *said, *line;

    (void)state;
    RUN(0, "text.translation", "--text", "It is very cold today.", "-o", "said.txt", "--json");
    said = text_in("said.txt");
    line = strchr(said, '\n');
    assert_true(line > said && !line[1]);
    *line = '\0';
    assert_non_null(strstr(all_models.outcome.out, said)); /* "text": "…" */
    free(said);
    RUN(0, "text.semantics", "--text", "She dreams.", "-o", "said.txt");
    assert_text("said.txt", "She\tPRON\ndreams\tVERB\n.\tPUNCT\n");
    assert_string_equal(all_models.outcome.out, "");
    RUN(0, "text.keywords", "--text", "The children dreamed.", "-o", "said.txt");
    assert_text("said.txt", "children\tNOUN\tchild\ndreamed\tVERB\tdream\n");
    RUN(0, "text.summarisation", "--text", "She dreams.", "-o", "said.txt");
    assert_text("said.txt", "She dreams\n");
    RUN(0, "text.classification", example_path("sentence.txt"), "-k", "1", "-o", "-");
    assert_memory_equal(all_models.outcome.out, "de\t0.9", 6);
    assert_ptr_equal(strchr(all_models.outcome.out, '\n'), all_models.outcome.out + strlen("de\t0.1234"));
}

/* Words in a file are one request as words in a terminal are; what takes pieces is several, and of no class. */
static void test_urgency(void **state)
{
    (void)state;
    RUN(0, "text.semantics", "--text", "She dreams.", "--priority", "first", "-o", "urgent.txt");
    assert_text("urgent.txt", "She\tPRON\ndreams\tVERB\n.\tPUNCT\n");
    RUN(2, "image.segmentation", example_path("inputs/cells.png"), "--priority", "first", "-o", "mask.png");
    assert_non_null(strstr(all_models.outcome.err, "several requests"));
}

static void test_a_compressed_picture_needs_a_place(void **state)
{
    (void)state;
    RUN(2, "image.compression", example_path("inputs/small.png"), "holiday.wz");
    assert_non_null(strstr(all_models.outcome.err, "holiday.wz is a compressed picture"));
    assert_non_null(strstr(all_models.outcome.err, "-o FILE.png"));
}

/* UTF-16 with its mark is a text to every model of texts. */
static void test_texts_in_utf16(void **state)
{
    static const char text[] = "\xff\xfeS\0h\0e\0 \0d\0r\0e\0a\0m\0s\0.";
    static const char two[] = "\xff\xfeI\0 \0l\0i\0k\0e\0 \0t\0e\0a\0.\0 \0I\0 \0l\0i\0k\0e\0 \0t\0e\0a\0.";
    struct reason why;

    (void)state;
    assert_ok(
        file_write(scratch_path(all_models.folder, "wide.txt"), &(struct file_part){ text, sizeof text }, 1, &why),
        why);
    RUN(0, "text.semantics", "wide.txt", "-o", "said.txt");
    assert_text("said.txt", "She\tPRON\ndreams\tVERB\n.\tPUNCT\n");
    RUN(0, "text.summarisation", "wide.txt", "-o", "said.txt");
    assert_text("said.txt", "She dreams\n");
    assert_ok(file_write(scratch_path(all_models.folder, "two.txt"), &(struct file_part){ two, sizeof two }, 1, &why),
              why);
    RUN(0, "text.translation", "two.txt", "-o", "said.txt");
    assert_text("said.txt", "我喜欢茶。\n我喜欢茶。\n");
}

/* What a translator has no room for is not dropped in silence. */
static void test_a_text_that_is_too_long(void **state)
{
    char text[2000] = "";

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "it is very cold today, ");
    RUN(0, "text.translation", "--text", text);
    assert_non_null(strstr(all_models.outcome.err, "translate reads 64 words"));
    RUN(0, "text.translation", "--text", "It is very cold today.");
    assert_null(strstr(all_models.outcome.err, "reads 64 words"));
    strcat(text, "\nIt is very cold today.\n");
    write_text("lines.txt", text);
    RUN(0, "text.translation", "--lines", "lines.txt");
    assert_non_null(strstr(all_models.outcome.err, "lines.txt:1: translate reads 64 words"));
    assert_null(strstr(all_models.outcome.err, "lines.txt:2:"));
    RUN(0, "text.summarisation", "--text", "?!");
    assert_non_null(strstr(all_models.outcome.out, "none of its words"));
}

/* Each sentence is translated as if it were alone; what ends none is no end of one. */
static void test_a_text_is_translated_by_sentences(void **state)
{
    static const struct {
        const char *text;
        unsigned sentences;
    } texts[] = {
        { "It is very cold today. I like tea!", 2 },
        { "I like tea.\n\n\nIt is very cold today.", 2 },
        { "We will meet\n \nat the station", 2 }, /* an empty line */
        { "We will meet\nat the station", 1 },
        { "\"I like tea.\" (It is very cold today!) Really?!", 3 },
        { "Mr. Smith met J. Smith at 3.30 p.m. today", 1 },
        { "It is I. He is old.", 2 },
        { "So it is... it is very cold.", 1 },
        { "今天非常冷。我喜歡茶！是嗎？", 3 },
        { "  It is very cold today. \n", 1 },
        { "...", 1 },
        { ". . .", 3 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        unsigned lines = 0;

        RUN(0, "text.translation", "--text", texts[i].text, "-o", "-");
        for (const char *at = all_models.outcome.out; *at; at++)
            lines += *at == '\n';
        if (lines != texts[i].sentences)
            fail_msg("\"%s\" became %u lines: %s", texts[i].text, lines, all_models.outcome.out);
    }
    write_text("letter.txt", "It is very cold today. I like tea.\n");
    RUN(0, "text.translation", "letter.txt", "--text", "It is very cold today.", "--text", "I like tea.", "--json");
    assert_non_null(strstr(all_models.outcome.out, "\"text\":\"今天非常冷。\""));
    assert_non_null(strstr(all_models.outcome.out, "\"text\":\"今天非常冷。\\n我喜欢茶。\""));
    RUN(0, "text.translation", "letter.txt");
    assert_non_null(
        strstr(all_models.outcome.out, "letter.txt  translate, text.translation\n  今天非常冷。\n  我喜欢茶。\n"));
    write_text("white.txt", " \n");
    RUN(65, "text.translation", "white.txt");
    assert_string_equal(all_models.outcome.out, "");
}

static void test_lines_keep_step(void **state)
{
    (void)state;
    write_text("lines.txt", "It is very cold today.\n\nShe dreams.\n\xff\nIt is very cold today.\n\xff\n");
    RUN(65, "text.semantics", "--lines", "lines.txt", "-o", "tags.txt");
    assert_text("tags.txt", "It\tPRON\tis\tAUX\tvery\tADV\tcold\tADJ\ttoday\tNOUN\t.\tPUNCT\n\n"
                            "She\tPRON\tdreams\tVERB\t.\tPUNCT\n\n"
                            "It\tPRON\tis\tAUX\tvery\tADV\tcold\tADJ\ttoday\tNOUN\t.\tPUNCT\n\n");
    write_text("lines.txt", "She dreams.\n");
    RUN(0, "text.semantics", "--lines", "lines.txt", "-o", "-");
    assert_string_equal(all_models.outcome.out, "She\tPRON\tdreams\tVERB\t.\tPUNCT\n");
}

static void test_a_file_for_each_in_a_folder(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_path(all_models.folder, "made"), 0755), 0);
    RUN(0, "text.translation", example_path("sentences"), "-o", "made", "--json");
    assert_non_null(strstr(all_models.outcome.out, "\"output\":\"made/en.txt\""));
    assert_int_equal(access(scratch_path(all_models.folder, "made/fr.txt"), F_OK), 0);
    RUN(0, "image.classification", example_path("picture.png"), "-o", "made/");
    assert_int_equal(access(scratch_path(all_models.folder, "made/picture.txt"), F_OK), 0);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    write_text("old.txt", "as it was\n");
    RUN(65, "text.translation", "nowhere.txt", "-o", "old.txt");
    assert_text("old.txt", "as it was\n");
    RUN(65, "text.translation", "--lines", "nowhere.txt", "-o", "old.txt");
    assert_text("old.txt", "as it was\n");
    RUN(2, "image.classification", example_path("picture.png"), "-o", "labels.png");
    assert_non_null(strstr(all_models.outcome.err, "answers with text; give it a name in .txt"));
    RUN(2, "text.translation", "--text", "a", "--text", "b", "-o", "new.txt");
    assert_non_null(strstr(all_models.outcome.err, "for 2 inputs"));
    RUN(2, "text.translation", "old.txt", "-o", "old.txt");
    assert_non_null(strstr(all_models.outcome.err, "over the input"));
    RUN(1, "text.translation", "old.txt", "-o", "/proc/new.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_alone),
        cmocka_unit_test(test_urgency),
        cmocka_unit_test(test_a_compressed_picture_needs_a_place),
        cmocka_unit_test(test_texts_in_utf16),
        cmocka_unit_test(test_a_text_that_is_too_long),
        cmocka_unit_test(test_a_text_is_translated_by_sentences),
        cmocka_unit_test(test_lines_keep_step),
        cmocka_unit_test(test_a_file_for_each_in_a_folder),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, all_models_begin, all_models_end);
}
