/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text: fields, quotes and line ends; packed and in folders; every damage with its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "support/test.h"
#include "unit/data/data_make.h"

static void text_is(const struct dataset *set, size_t i, const char *label, const char *text)
{
    assert_string_equal(set->labels[set->classes[i]], label);
    assert_int_equal(set->texts[i].length, strlen(text));
    assert_memory_equal(set->texts[i].bytes, text, strlen(text));
}

static struct dataset *read_text(const char *name, const char *text)
{
    data_write_text(data_root, name, text);
    return data_read(scratch_path(data_root, name), "train", MEDIA_TEXT);
}

static struct dataset *read_columns(const char *name, const char *text, const char *label_column,
                                    const char *text_column)
{
    data_write_text(data_root, name, text);
    return data_read_columns(scratch_path(data_root, name), "train", label_column, text_column);
}

static void tsv(void **state)
{
    struct dataset *set = read_columns("a.tsv", "en\tn1\tHello, \"world\"\nde\tn2\tGuten Tag\r\n\nen\tn3\tx", "1", "3");
    char name[64];

    (void)state;
    data_has(set, 3, 2, "de en");
    text_is(set, 0, "en", "Hello, \"world\"");
    text_is(set, 1, "de", "Guten Tag");
    text_is(set, 2, "en", "x");
    assert_string_equal(set->name, "a.tsv");
    assert_string_equal(dataset_sample(set, 2, name, sizeof name), "a.tsv:4");
    dataset_free(set);
    set = read_columns("of.csv/a.tsv", "en\t\"Hello\"\nde\t\"Guten Tag\"\n", "1", "2"); /* the folder says nothing */
    text_is(set, 0, "en", "\"Hello\"");
    dataset_free(set);
}

static void csv(void **state)
{
    struct dataset *set = read_text("a.csv", "\xef\xbb\xbf\"2\",\"Say \"\"hi\"\", twice\"\n1,plain \"text\"\r\n"
                                             "\"3\",\"two\nlines\"\r\n2,\"end\"");

    (void)state;
    data_has(set, 4, 3, "1 2 3");
    text_is(set, 0, "2", "Say \"hi\", twice");
    text_is(set, 1, "1", "plain \"text\"");
    text_is(set, 2, "3", "two\nlines");
    text_is(set, 3, "2", "end");
    dataset_free(set);
}

/* Names that are known decide which column is which; others are a row like any. */
static void heading(void **state)
{
    static const char *const heads[] = { "Label,Text",       "text,label",         "v1,v2",
                                         "Review,Sentiment", "Class Index,Title",  "\xef\xbb\xbflabel,text",
                                         "category,Message", "description,target", "\xef\xbb\xbf\"Text\",\"Class\"" };

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        bool text_first =
            strcasestr("text,label Review,Sentiment description,target", heads[i]) || strstr(heads[i], "\"Text\"");
        char table[200];
        struct dataset *set;

        snprintf(table, sizeof table, "%s\n%s", heads[i],
                 text_first ? "buy,spam\nhello,ham\nyes,ham\n" : "spam,buy\nham,hello\nham,yes\n");
        set = read_text("h.csv", table);
        data_has(set, 3, 2, "ham spam");
        text_is(set, 0, "spam", "buy");
        dataset_free(set);
    }
    for (int i = 0; i < 2; i++) {
        struct dataset *set = read_text("h.csv", "label,another\nspam,buy\n");

        data_has(set, 2, 2, "label spam");
        dataset_free(set);
    }
}

/* What a heading that is not known leaves behind, and columns the wrong way round. */
static void doubts(void **state)
{
    struct dataset *set;

    (void)state;
    data_write_text(data_root, "h.csv", "foo,bar\na,one\nb,two\na,three\nb,four\n");
    data_refused(
        scratch_path(data_root, "h.csv"), "train", MEDIA_TEXT,
        "h.csv: the label \"foo\" occurs once, in line 1: it looks like a heading; --label-column \"foo\" takes "
        "it for one");
    set = read_columns("h.csv", "foo,bar\na,one\nb,two\na,three\nb,four\n", "foo", NULL);
    data_has(set, 4, 2, "a b");
    assert_string_equal(set->doubt, "");
    dataset_free(set);
    set = read_columns("h.csv", "foo,bar\na,one\nb,two\na,three\nb,four\n", "1", "2");
    data_has(set, 5, 3, "a b foo");
    assert_non_null(strstr(set->doubt, "occurs once, in line 1"));
    dataset_free(set);
    set = read_text("h.csv", "one,a\ntwo,b\nthree,a\nfour,b\n");
    assert_non_null(strstr(set->doubt, "4 different labels in 4 rows: is column 1 the text?"));
    dataset_free(set);
    set = read_text("h.csv", "a,1\na,2\na,3\na,4\n");
    assert_non_null(strstr(set->doubt, "all 4 rows have the label \"a\""));
    dataset_free(set);
    set = read_text("h.csv", "a,1\nb,2\na,3\nb,4\n");
    assert_string_equal(set->doubt, "");
    dataset_free(set);
}

static void columns(void **state)
{
    static const char table[] = "id,Text,when,Label\n1,one,x,a\n2,two,y,b\n";
    struct dataset *set;

    (void)state;
    data_write_text(data_root, "c.csv", table);
    data_refused(scratch_path(data_root, "c.csv"), "train", MEDIA_TEXT,
                 "c.csv:1: 4 columns ('id', 'Text', 'when', 'Label'): say which they are by --label-column");
    for (int i = 0; i < 5; i++) {
        static const char *const ways[][2] = {
            { "label", "text" }, { "Label", NULL }, { NULL, "text" }, { "4", "2" }, { "label", "2" }
        };

        set = read_columns("c.csv", table, ways[i][0], ways[i][1]);
        data_has(set, 2, 2, "a b");
        text_is(set, 1, "b", "two");
        dataset_free(set);
    }
    set = read_columns("c.csv", table, "4", "when"); /* a name makes it a heading */
    text_is(set, 0, "a", "x");
    dataset_free(set);
    for (int i = 0; i < 4; i++) {
        static const char *const ways[][3] = { { "kind", "text", "--label-column kind: there is no such column" },
                                               { "5", "1", "--label-column 5: there is no such column" },
                                               { "0", "1", "numbers are 1 to 4" },
                                               { "2", "text", "are the same column, 2" } };
        struct reason why = { "" };

        assert_int_equal(dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, "c.csv"),
                                                              .split = "train",
                                                              .kind = MEDIA_TEXT,
                                                              .label_column = ways[i][0],
                                                              .text_column = ways[i][1] },
                                      &set, &why),
                         WISP_E_FORMAT);
        assert_non_null(strstr(why.text, ways[i][2]));
    }
}

/* A text of many scripts, a code point beyond 16 bits among them, in every coding that has a mark. */
static void codings(void **state)
{
    static const char text[] = "ja,\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80\nde,Gr\xc3\xbc\xc3\x9f"
                               "e\n";
    static const uint16_t units[] = { 0xfeff, 'j', 'a', ',', 0x65e5, 0x672c, ' ',  0xd83d, 0xde00, '\n',
                                      'd',    'e', ',', 'G', 'r',    0xfc,   0xdf, 'e',    '\n' };
    enum { UNITS = sizeof units / sizeof *units };
    struct dataset *plain = read_text("u.csv", text), *set;
    uint8_t bytes[2 * UNITS];

    (void)state;
    for (int big = 0; big < 2; big++) {
        for (size_t i = 0; i < UNITS; i++) {
            bytes[2 * i + !big] = (uint8_t)(units[i] >> 8);
            bytes[2 * i + big] = (uint8_t)units[i];
        }
        data_write(data_root, "u.csv", bytes, sizeof bytes);
        set = data_read(scratch_path(data_root, "u.csv"), "train", MEDIA_TEXT);
        assert_string_equal(set->hash, plain->hash);
        dataset_free(set);
        data_write(data_root, "u.csv", bytes, sizeof bytes - 1);
        data_refused(scratch_path(data_root, "u.csv"), "train", MEDIA_TEXT, "u.csv: UTF-16 that is cut off");
        bytes[2 * 8 + !big] = 0; /* its other half is missing */
        data_write(data_root, "u.csv", bytes, sizeof bytes);
        data_refused(scratch_path(data_root, "u.csv"), "train", MEDIA_TEXT, "UTF-16 with half a character at byte 14");
    }
    data_write(data_root, "u.csv", bytes + 2, sizeof bytes - 2);
    data_refused(scratch_path(data_root, "u.csv"), "train", MEDIA_TEXT,
                 "u.csv:1: a zero byte: this is no text, or UTF-16");
    dataset_free(plain);
}

static void old_line_ends(void **state)
{
    struct dataset *set = read_text("o.csv", "a,one\rb,\"two\rlines\"\ra,three\r");

    (void)state;
    data_has(set, 3, 2, "a b");
    text_is(set, 1, "b", "two\nlines");
    text_is(set, 2, "a", "three");
    dataset_free(set);
}

static void skipping(void **state)
{
    struct dataset *set = NULL;
    struct reason why = { "" };

    (void)state;
    data_write_text(data_root, "s.tsv", "a\tone\nb\t\n\ttwo\na\tcaf\xe9\nb\tthree\nb\tfour\tfive\nb\n");
    assert_ok(dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, "s.tsv"),
                                                   .split = "train",
                                                   .kind = MEDIA_TEXT,
                                                   .skip_bad = true },
                           &set, &why),
              why);
    data_has(set, 2, 2, "a b");
    assert_int_equal(set->skipped.count, 5);
    assert_non_null(strstr(set->skipped.first[0], "s.tsv:2: text: the text is empty"));
    assert_non_null(strstr(set->skipped.first[1], "s.tsv:3: a label has 1 to 256 bytes"));
    assert_non_null(strstr(set->skipped.first[2], "s.tsv:4: text: not UTF-8"));
    assert_non_null(strstr(set->skipped.first[3], "s.tsv:6: 3 columns"));
    assert_non_null(strstr(set->skipped.first[4], "s.tsv:7: 1 column"));
    dataset_free(set);
}

static void damages(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        { "d.tsv", "only\na\tb\n", "d.tsv:1: one column; a row is a label, a tab, and a text" },
        { "d.tsv", "a\tb\nonly\n", "d.tsv:2: 1 column, but the rows before have 2" },
        { "d.csv", "a,b\n\nonly\n", "d.csv:3: 1 column, but the rows before have 2" },
        { "d.tsv", "a\tb\nb\t\n", "d.tsv:2: text: the text is empty" },
        { "d.tsv", "a\t \xc2\xa0 \n", "d.tsv:1: text: nothing but white space" },
        { "d.tsv", "a\tb\n\tc\n", "d.tsv:2: a label has 1 to 256 bytes, this one has 0" },
        { "d.tsv", "a\tb\nb\tcaf\xe9\n", "d.tsv:2: text: not UTF-8 at byte 3" },
        { "d.tsv", "a\tb\nb\xe9\tc\n", "d.tsv:2: label: not UTF-8 at byte 1" },
        { "d.csv", "a,\"b\nc\nd,e\n", "d.csv:1: a quoted field is not closed" },
        { "d.csv", "a,\"b\nc\"\nd,\"e\" f\n", "d.csv:3: text after the closing quote of a field" },
        { "d.csv", "a,one\nb,hello, dear world\n",
          "d.csv:2: 3 columns, but the rows before have 2; a text with a comma" },
        { "d.tsv", "a\tone\nb\thello\tworld\n", "d.tsv:2: 3 columns, but the rows before have 2; is there a tab" },
        { "d.csv", "a,\"x\ny\"\nb,\"p,q\",r\n", "d.csv:3: 3 columns" },
        { "d.csv", "a,one\nb, \"with, comma\"\n", "d.csv:2: a space before a quote" },
        { "d.csv", "a,one\nb, \"none\"\n", "d.csv:2: a space before a quote" },
        { "d.csv", "a;one\nb;two\n",
          "d.csv:1: one column; a row is a label, a comma, and a text (this one has semicolons" },
        { "d.csv", "a\tone\n", "(this one has tabs: call the file .tsv)" },
        { "d.csv", "", "there are no samples in it" },
        { "d.csv", "\n\n", "there are no samples in it" },
        { "d.csv", "label,text\n", "there are no samples in it" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_write_text(data_root, cases[i].name, cases[i].text);
        data_refused(scratch_path(data_root, cases[i].name), "train", MEDIA_TEXT, cases[i].says);
    }
}

static void long_label(void **state)
{
    char row[400];

    (void)state;
    memset(row, 'x', sizeof row);
    memcpy(row + 257, "\ttext", 6);
    data_write_text(data_root, "d.tsv", row);
    data_refused(scratch_path(data_root, "d.tsv"), "train", MEDIA_TEXT, "d.tsv:1: a label has 1 to 256 bytes");
}

static void nul_bytes(void **state)
{
    (void)state;
    data_write(data_root, "nul.tsv", "a\tb\na\tb\0c\n", 10);
    data_refused(scratch_path(data_root, "nul.tsv"), "train", MEDIA_TEXT, "nul.tsv:2: a zero byte");
    data_write(data_root, "nul.tsv", "a\0a\tb\n", 6);
    data_refused(scratch_path(data_root, "nul.tsv"), "train", MEDIA_TEXT, "nul.tsv:1: a zero byte");
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

        data_pack(data_root, name, rows, sizeof rows - 1);
        set = data_read(scratch_path(data_root, name), "train", MEDIA_TEXT);
        assert_string_equal(set->hash, plain->hash);
        dataset_free(set);
        file = fopen(scratch_path(data_root, name), "rb");
        size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        for (size_t cut = 0; cut < size; cut++) {
            data_write(data_root, name, bytes, cut);
            data_refused(scratch_path(data_root, name), "train", MEDIA_TEXT, cut < 6 ? name : "cut off at byte");
        }
        for (size_t at = 10; at < size; at++) { /* behind gzip's header, whose time means nothing */
            bytes[at] ^= 1;
            data_write(data_root, name, bytes, size);
            data_refused(scratch_path(data_root, name), "train", MEDIA_TEXT, name);
            bytes[at] ^= 1;
        }
        memcpy(bytes + size, bytes, size); /* two parts are one file */
        data_write(data_root, name, bytes, 2 * size);
        set = data_read(scratch_path(data_root, name), "train", MEDIA_TEXT);
        assert_int_equal(set->count, 4);
        dataset_free(set);
        data_write(data_root, name, rows, sizeof rows - 1);
        data_refused(scratch_path(data_root, name), "train", MEDIA_TEXT, "is not packed as its name says");
    }
    dataset_free(plain);
}

static void folders(void **state)
{
    struct dataset *set;

    (void)state;
    data_write_text(data_root, "f/README.md", "no data");
    data_write_text(data_root, "f/train.tsv", "a\t1\nb\t2\n");
    data_write_text(data_root, "f/test.tsv", "b\t3\n");
    data_write_text(data_root, "f/test-titles.tsv", "c\t3\n");
    set = data_read(scratch_path(data_root, "f/"), "train", MEDIA_TEXT);
    data_has(set, 2, 2, "a b");
    assert_string_equal(set->name, "f");
    dataset_free(set);
    set = data_read(scratch_path(data_root, "f"), "test", MEDIA_TEXT);
    data_has(set, 1, 1, "b");
    dataset_free(set);
    data_refused(scratch_path(data_root, "f"), "validation", MEDIA_TEXT, "no validation.tsv or validation.csv in it");
    data_refused(scratch_path(data_root, "f"), "train", MEDIA_IMAGE,
                 "train.tsv holds texts, but the model takes pictures");
    data_write_text(data_root, "f/train.csv", "a,1\n");
    data_refused(scratch_path(data_root, "f"), "train", MEDIA_TEXT, "2 files may hold the split \"train\"");
}

static void model_labels(void **state)
{
    char words[][8] = { "spam", "ham", "unused" };
    char *known[] = { words[0], words[1], words[2] };
    struct dataset *set = NULL;
    struct reason why = { "" };

    (void)state;
    data_write_text(data_root, "m.tsv", "ham\t1\nspam\t2\n");
    assert_ok(dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, "m.tsv"),
                                                   .split = "train",
                                                   .kind = MEDIA_TEXT,
                                                   .labels = known,
                                                   .label_count = 3 },
                           &set, &why),
              why);
    data_has(set, 2, 3, "spam ham unused");
    text_is(set, 0, "ham", "1");
    dataset_free(set);
    set = NULL;
    data_write_text(data_root, "m.tsv", "ham\t1\nspan\t2\n");
    assert_int_equal(dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, "m.tsv"),
                                                          .split = "train",
                                                          .kind = MEDIA_TEXT,
                                                          .labels = known,
                                                          .label_count = 3 },
                                  &set, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "the label \"span\", which is not among the model's 3 (near: \"spam\")"));
}

static void unlabelled_is(const char *table, size_t count, const char *first)
{
    struct dataset *set;

    data_write_text(data_root, "u.tsv", table);
    set = data_read_unlabelled(scratch_path(data_root, "u.tsv"), MEDIA_TEXT);
    assert_int_equal(set->count, count);
    assert_int_equal(set->texts[0].length, strlen(first));
    assert_memory_equal(set->texts[0].bytes, first, strlen(first));
    dataset_free(set);
}

/* One column is the text, of two the one that is no label, else the one with a known name. */
static void unlabelled(void **state)
{
    struct dataset *set = NULL;
    struct dataset_wish wish = { .split = "train", .kind = MEDIA_TEXT, .unlabelled = true, .label_column = "2" };
    struct reason why = { "" };

    (void)state;
    unlabelled_is("one\ntwo\nthree\n", 3, "one");
    unlabelled_is("text\none\ntwo\n", 2, "one");
    unlabelled_is("spam\tone\nham\ttwo\n\tthree\n", 3, "one");
    unlabelled_is("label\tremark\nspam\tone\n", 1, "one");
    unlabelled_is("remark\tlabel\none\tspam\n", 1, "one");
    unlabelled_is("id\ttext\tdate\n1\tone\t2020\n", 1, "one");
    data_write_text(data_root, "u.tsv", "one\tspam\ntwo\t\n");
    wish.path = scratch_path(data_root, "u.tsv");
    assert_ok(dataset_read(&wish, &set, &why), why);
    assert_memory_equal(set->texts[1].bytes, "two", 3);
    dataset_free(set);
    set = NULL;
    data_write_text(data_root, "u.tsv", "a\tb\tc\n");
    assert_int_equal(dataset_read(&wish, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "u.tsv:1: 3 columns ('a', 'b', 'c'): say which they are"));
}

static int read_pairs(const char *table, const char *text, const char *targets, struct dataset **out,
                      struct reason *why)
{
    *out = NULL;
    data_write_text(data_root, "f.tsv", table);
    return dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, "f.tsv"),
                                                .split = "train",
                                                .kind = MEDIA_TEXT,
                                                .unlabelled = true,
                                                .pairs = true,
                                                .text_column = text,
                                                .target_columns = targets },
                        out, why);
}

/* A row that could be a heading is one only where it says so. */
static void pairs(void **state)
{
    static const struct {
        const char *table, *text, *targets, *source, *target, *says;
    } cases[] = {
        { "one\teins\n", NULL, NULL, "one", "eins", NULL },
        { "one\teins\n", "2", NULL, "eins", "one", NULL },
        { "one\teins\n", NULL, "1", "eins", "one", NULL },
        { "target\tsource\neins\tone\n", NULL, NULL, "one", "eins", NULL },
        { "source\tQuelle\neins\tone\n", NULL, NULL, "source", "Quelle", NULL },
        { "en\tde\tby\none\teins\tx\n", "en", "de", "one", "eins", NULL },
        { "en\tde\tby\none\teins\tx\n", "en", NULL, NULL, NULL,
          "3 columns ('en', 'de', 'by'): say which are the pair by --text-column and --target-columns" },
        { "one\teins\n", "1", "1", NULL, NULL, "source and target are the same column, 1" },
        { "one\n", NULL, NULL, NULL, NULL, "f.tsv:1: 1 columns ('one')" },
        { "one\teins\ntwo\t\n", NULL, NULL, NULL, NULL, "f.tsv:2: target: the text is empty" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dataset *set;
        struct reason why;
        int result = read_pairs(cases[i].table, cases[i].text, cases[i].targets, &set, &why);

        if (cases[i].says) {
            assert_int_equal(result, WISP_E_FORMAT);
            assert_non_null(strstr(why.text, cases[i].says));
            continue;
        }
        assert_ok(result, why);
        assert_int_equal(set->texts[0].length, strlen(cases[i].source));
        assert_memory_equal(set->texts[0].bytes, cases[i].source, strlen(cases[i].source));
        assert_int_equal(set->targets[0].length, strlen(cases[i].target));
        assert_memory_equal(set->targets[0].bytes, cases[i].target, strlen(cases[i].target));
        dataset_free(set);
    }
}

/* The hash is of the pairs: checkpoints are of one data set. */
static void other_targets_are_other_data(void **state)
{
    struct dataset *one, *other;
    struct reason why;

    (void)state;
    assert_ok(read_pairs("one\teins\n", NULL, NULL, &one, &why), why);
    assert_ok(read_pairs("one\tzwei\n", NULL, NULL, &other, &why), why);
    assert_string_not_equal(one->hash, other->hash);
    dataset_free(one);
    dataset_free(other);
}

static void missing(void **state)
{
    struct dataset *set = NULL;
    struct reason why = { "" };

    (void)state;
    assert_int_equal(
        dataset_read(
            &(struct dataset_wish){ .path = scratch_path(data_root, "none"), .split = "train", .kind = MEDIA_TEXT },
            &set, &why),
        -ENOENT);
    assert_non_null(strstr(why.text, "none: No such file"));
    data_write_text(data_root, "x.txt", "a\tb\n");
    data_refused(scratch_path(data_root, "x.txt"), "train", MEDIA_TEXT, "x.txt: not a form of data that is known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv),        cmocka_unit_test(csv),           cmocka_unit_test(heading),
        cmocka_unit_test(damages),    cmocka_unit_test(long_label),    cmocka_unit_test(nul_bytes),
        cmocka_unit_test(packed),     cmocka_unit_test(folders),       cmocka_unit_test(model_labels),
        cmocka_unit_test(unlabelled), cmocka_unit_test(pairs),         cmocka_unit_test(other_targets_are_other_data),
        cmocka_unit_test(missing),    cmocka_unit_test(doubts),        cmocka_unit_test(columns),
        cmocka_unit_test(codings),    cmocka_unit_test(old_line_ends), cmocka_unit_test(skipping),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
