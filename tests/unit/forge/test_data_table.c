/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text: fields, quotes and line ends; packed and in folders; every damage with its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_make.h"
#include "support/test.h"

static const char *root;

static int make_root(void **state)
{
    (void)state;
    root = scratch_make();
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

static void text_is(const struct dataset *set, size_t i, const char *label, const char *text)
{
    assert_string_equal(set->labels[set->classes[i]], label);
    assert_int_equal(set->texts[i].length, strlen(text));
    assert_memory_equal(set->texts[i].bytes, text, strlen(text));
}

static struct dataset *read_text(const char *name, const char *text)
{
    data_write_text(root, name, text);
    return data_read(scratch_path(root, name), "train", MEDIA_TEXT);
}

static void tsv(void **state)
{
    struct dataset *set = read_text("a.tsv", "en\tn1\tHello, \"world\"\nde\tn2\tGuten Tag\r\n\nen\tn3\tx");

    (void)state;
    data_has(set, 3, 2, "de en");
    text_is(set, 0, "en", "Hello, \"world\"");
    text_is(set, 1, "de", "Guten Tag");
    text_is(set, 2, "en", "x");
    assert_string_equal(set->name, "a.tsv");
    dataset_free(set);
}

static void csv(void **state)
{
    struct dataset *set = read_text("a.csv", "\xef\xbb\xbf\"2\",\"Say \"\"hi\"\", twice\"\n1,plain \"text\"\r\n"
                                             "\"3\",\"title\",\"two\nlines\"\r\n2,\"end\"");

    (void)state;
    data_has(set, 4, 3, "1 2 3");
    text_is(set, 0, "2", "Say \"hi\", twice");
    text_is(set, 1, "1", "plain \"text\"");
    text_is(set, 2, "3", "two\nlines");
    text_is(set, 3, "2", "end");
    dataset_free(set);
}

static void heading(void **state)
{
    struct dataset *set = read_text("h.csv", "Label,Text\nspam,buy\nham,hello\n");

    (void)state;
    data_has(set, 2, 2, "ham spam");
    dataset_free(set);
    set = read_text("h.csv", "label,another\nspam,buy\n");
    data_has(set, 2, 2, "label spam");
    dataset_free(set);
}

static void damages(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        { "d.tsv", "a\tb\nonly\n", "d.tsv:2: one column; a row is a label, a tab, and a text" },
        { "d.csv", "a,b\n\nonly\n", "d.csv:3: one column; a row is a label, a comma, and a text" },
        { "d.tsv", "a\tb\nb\t\n", "d.tsv:2: text: the text is empty" },
        { "d.tsv", "a\t \xc2\xa0 \n", "d.tsv:1: text: nothing but white space" },
        { "d.tsv", "a\tb\n\tc\n", "d.tsv:2: a label has 1 to 256 bytes, this one has 0" },
        { "d.tsv", "a\tb\nb\tcaf\xe9\n", "d.tsv:2: text: not UTF-8 at byte 3" },
        { "d.tsv", "a\tb\nb\xe9\tc\n", "d.tsv:2: label: not UTF-8 at byte 1" },
        { "d.csv", "a,\"b\nc\nd,e\n", "d.csv:1: a quoted field is not closed" },
        { "d.csv", "a,\"b\nc\"\nd,\"e\" f\n", "d.csv:3: text after the closing quote of a field" },
        { "d.csv", "", "there are no samples in it" },
        { "d.csv", "\n\n", "there are no samples in it" },
        { "d.csv", "label,text\n", "there are no samples in it" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_write_text(root, cases[i].name, cases[i].text);
        data_refused(scratch_path(root, cases[i].name), "train", MEDIA_TEXT, cases[i].says);
    }
}

static void long_label(void **state)
{
    char row[400];

    (void)state;
    memset(row, 'x', sizeof row);
    memcpy(row + 257, "\ttext", 6);
    data_write_text(root, "d.tsv", row);
    data_refused(scratch_path(root, "d.tsv"), "train", MEDIA_TEXT, "d.tsv:1: a label has 1 to 256 bytes");
}

static void nul_bytes(void **state)
{
    struct dataset *set;

    (void)state;
    data_write(root, "nul.tsv", "a\tb\0c\n", 6);
    set = data_read(scratch_path(root, "nul.tsv"), "train", MEDIA_TEXT);
    assert_int_equal(set->texts[0].length, 3);
    dataset_free(set);
    data_write(root, "nul.tsv", "a\0a\tb\n", 6);
    data_refused(scratch_path(root, "nul.tsv"), "train", MEDIA_TEXT, "nul.tsv:1: a label has");
}

static void packed(void **state)
{
    static const char rows[] = "en\tone\nde\tzwei\n";
    struct dataset *plain = read_text("p.tsv", rows);

    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "p.tsv.xz" : "p.tsv.gz";
        struct dataset *set;
        uint8_t bytes[1000];
        FILE *file;
        size_t size;

        data_pack(root, name, rows, sizeof rows - 1);
        set = data_read(scratch_path(root, name), "train", MEDIA_TEXT);
        assert_string_equal(set->hash, plain->hash);
        dataset_free(set);
        file = fopen(scratch_path(root, name), "rb");
        size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        for (size_t cut = 0; cut < size; cut++) {
            data_write(root, name, bytes, cut);
            data_refused(scratch_path(root, name), "train", MEDIA_TEXT, cut < 6 ? name : "cut off at byte");
        }
        for (size_t at = 10; at < size; at++) { /* behind gzip's header, whose time means nothing */
            bytes[at] ^= 1;
            data_write(root, name, bytes, size);
            data_refused(scratch_path(root, name), "train", MEDIA_TEXT, name);
            bytes[at] ^= 1;
        }
        memcpy(bytes + size, bytes, size); /* two parts are one file */
        data_write(root, name, bytes, 2 * size);
        set = data_read(scratch_path(root, name), "train", MEDIA_TEXT);
        assert_int_equal(set->count, 4);
        dataset_free(set);
        data_write(root, name, rows, sizeof rows - 1);
        data_refused(scratch_path(root, name), "train", MEDIA_TEXT, "is not packed as its name says");
    }
    dataset_free(plain);
}

static void folders(void **state)
{
    struct dataset *set;

    (void)state;
    data_write_text(root, "f/README.md", "no data");
    data_write_text(root, "f/train.tsv", "a\t1\nb\t2\n");
    data_write_text(root, "f/test.tsv", "b\t3\n");
    data_write_text(root, "f/test-titles.tsv", "c\t3\n");
    set = data_read(scratch_path(root, "f/"), "train", MEDIA_TEXT);
    data_has(set, 2, 2, "a b");
    assert_string_equal(set->name, "f");
    dataset_free(set);
    set = data_read(scratch_path(root, "f"), "test", MEDIA_TEXT);
    data_has(set, 1, 1, "b");
    dataset_free(set);
    data_refused(scratch_path(root, "f"), "validation", MEDIA_TEXT, "no validation.tsv or validation.csv in it");
    data_refused(scratch_path(root, "f"), "train", MEDIA_IMAGE, "train.tsv holds texts, but the model takes pictures");
    data_write_text(root, "f/train.csv", "a,1\n");
    data_refused(scratch_path(root, "f"), "train", MEDIA_TEXT, "2 files may hold the split \"train\"");
}

static void model_labels(void **state)
{
    char words[][8] = { "spam", "ham", "unused" };
    char *known[] = { words[0], words[1], words[2] };
    struct dataset *set = NULL;
    struct reason why = { "" };

    (void)state;
    data_write_text(root, "m.tsv", "ham\t1\nspam\t2\n");
    assert_ok(dataset_read(scratch_path(root, "m.tsv"), "train", MEDIA_TEXT, known, 3, &set, &why), why);
    data_has(set, 2, 3, "spam ham unused");
    text_is(set, 0, "ham", "1");
    dataset_free(set);
    set = NULL;
    data_write_text(root, "m.tsv", "ham\t1\nspan\t2\n");
    assert_int_equal(dataset_read(scratch_path(root, "m.tsv"), "train", MEDIA_TEXT, known, 3, &set, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "the label \"span\", which is not among the model's 3 (near: \"spam\")"));
}

static void missing(void **state)
{
    struct dataset *set = NULL;
    struct reason why = { "" };

    (void)state;
    assert_int_equal(dataset_read(scratch_path(root, "none"), "train", MEDIA_TEXT, NULL, 0, &set, &why), -ENOENT);
    assert_non_null(strstr(why.text, "none: No such file"));
    data_write_text(root, "x.txt", "a\tb\n");
    data_refused(scratch_path(root, "x.txt"), "train", MEDIA_TEXT, "x.txt: not a form of data that is known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv),     cmocka_unit_test(csv),        cmocka_unit_test(heading),
        cmocka_unit_test(damages), cmocka_unit_test(long_label), cmocka_unit_test(nul_bytes),
        cmocka_unit_test(packed),  cmocka_unit_test(folders),    cmocka_unit_test(model_labels),
        cmocka_unit_test(missing),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
