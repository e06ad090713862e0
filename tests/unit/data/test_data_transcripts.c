/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings and their transcripts: where the table is looked for, what it may look like, what units it is taken apart
 * into, and that what is wrong with a recording is said with its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data_make.h"
#include "support/test.h"

/* 0.1 s are 8 frames, and 4 of the model's positions. */
enum { FRAMES = 20, POSITIONS = 10 };

static struct media *media;

static void make_sounds(void)
{
    struct bytes sound = data_sound(500);

    data_write(data_root, "set/a.wav", sound.data, sound.size);
    data_write(data_root, "set/train/b.wav", sound.data, sound.size);
    free(sound.data);
}

static int read_set(const char *name, size_t scores, bool skip_bad, struct dataset **out, struct reason *why)
{
    *out = NULL;
    return dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, name),
                                                .split = "train",
                                                .kind = MEDIA_AUDIO,
                                                .scores = scores,
                                                .positions = POSITIONS,
                                                .skip_bad = skip_bad,
                                                .media = media },
                        out, why);
}

/* "1 2 2|1": the units of each sample. */
static void assert_units(const struct dataset *set, const char *expected)
{
    char text[256];
    size_t used = 0;

    for (size_t i = 0; i < set->count; i++) {
        for (uint64_t k = set->set_starts[i]; k < set->set_starts[i + 1]; k++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%u",
                                     k > set->set_starts[i] ? " "
                                     : i                    ? "|"
                                                            : "",
                                     set->set[k]);
    }
    assert_string_equal(text, expected);
}

static void assert_labels(const struct dataset *set, const char *const *labels)
{
    for (size_t i = 0; i < set->label_count; i++)
        assert_string_equal(set->labels[i], labels[i]);
    assert_null(labels[set->label_count]);
}

static void units(void **state)
{
    static const struct {
        const char *table;
        size_t scores;
        const char *units, *labels[8];
    } cases[] = {
        { "a.wav\tba\ntrain/b.wav\tac\n", 4, "2 1|1 3", { "<blank>", "a", "b", "c" } },
        { "file\ttranscript\na.wav\tno  no \ntrain/b.wav\tso\n", 3, "1 1|2", { "<blank>", "no", "so" } },
        { "path\tsentence\na.wav\t a  b\n", 4, "1 3 2", { "<blank>", "a", "b", "\xe2\x96\x81" } },
        { "id\taudio\ttext\n7\ta.wav\t\xc3\xa4h\n", 3, "2 1", { "<blank>", "h", "\xc3\xa4" } },
        { "x\ta.wav\n", 2, NULL, { NULL } }, /* there is no file x */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dataset *set;
        struct reason why;
        int result;

        data_write_text(data_root, "set/train.tsv", cases[i].table);
        result = read_set("set", cases[i].scores, false, &set, &why);
        if (!cases[i].units) {
            assert_int_equal(result, -ENOENT);
            continue;
        }
        assert_ok(result, why);
        assert_units(set, cases[i].units);
        assert_labels(set, cases[i].labels);
        dataset_free(set);
    }
}

/* A model that has its labels gives each its number, by words or by characters as they are. */
static void units_of_a_model(void **state)
{
    static char names[][8] = { "<blank>", "so", "no", "yes", "s", "o", "n" };
    char *words[] = { names[0], names[1], names[2], names[3] }, *letters[] = { names[0], names[4], names[5], names[6] };
    struct dataset_wish wish = { .split = "train", .kind = MEDIA_AUDIO, .scores = 4, .positions = POSITIONS };
    struct dataset *set = NULL;
    struct reason why;

    (void)state;
    data_write_text(data_root, "set/train.tsv", "a.wav\tno so\n");
    wish.path = scratch_path(data_root, "set/train.tsv");
    wish.media = media;
    wish.label_count = 4;
    wish.labels = words;
    assert_ok(dataset_read(&wish, &set, &why), why);
    assert_units(set, "2 1");
    set = dataset_free(set);
    wish.labels = letters;
    assert_ok(dataset_read(&wish, &set, &why), why);
    assert_units(set, "3 2 1 2");
    set = dataset_free(set);
    wish.labels = words + 1;
    wish.label_count = 3;
    assert_int_equal(dataset_read(&wish, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "first label is \"so\"; of transcripts it is <blank>"));
}

static void tables(void **state)
{
    struct dataset *set;
    struct reason why;

    (void)state;
    remove(scratch_path(data_root, "set/train.tsv"));
    assert_int_equal(read_set("set", 3, false, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "neither train.tsv or train.csv in it, nor train/metadata.csv"));
    data_write_text(data_root, "set/train/metadata.csv", "file_name,transcription\nb.wav,\"a, b\"\n");
    assert_ok(read_set("set", 5, false, &set, &why), why);
    assert_string_equal(set->labels[1], ",");
    dataset_free(set);
    assert_int_equal(read_set("set/a.wav", 3, false, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "is read from a .tsv or .csv"));
}

static void refusals(void **state)
{
    static const struct {
        const char *table, *says;
    } cases[] = {
        { "a.wav\tab\nnone.wav\tba\n", "train.tsv:2: cannot open" },
        { "a.wav\tab\n\tba\n", "train.tsv:2: no file is named" },
        { "a.wav\tab\na.wav\t \n", "train.tsv:2: the transcript" },
        { "a.wav\tab\na.wav\tababa\n", "a.wav: its 5 characters take 5 positions, and the model has 4 for 0.10 s" },
        { "a.wav\tab\na.wav\taaa\n", "train.tsv:2: " }, /* between those alike there is a position */
        { "a.wav\tab\nlong.wav\tb\n", "long.wav: the recording lasts 0.30 s, and the model takes 0.25 s" },
        { "a.wav\tab\nb.txt\tb\n", "train.tsv:2: " },
        { "a.wav\tab\tx\n", "train.tsv:1: 3 columns ('a.wav', 'ab', 'x'): say which are the pair by a heading" },
        { "a.wav\tabc\n", "3 different characters and 1 words; with one for none of them that is 4 or 2 scores" },
    };
    struct bytes sound = data_sound(500), longer = { malloc(3 * sound.size), 44 + 3 * (sound.size - 44) };
    const uint32_t size = (uint32_t)longer.size - 44, whole = size + 36;

    (void)state;
    memcpy(longer.data, sound.data, sound.size);
    for (int i = 1; i < 3; i++)
        memcpy((char *)longer.data + 44 + i * (sound.size - 44), (char *)sound.data + 44, sound.size - 44);
    memcpy((char *)longer.data + 4, &whole, sizeof whole);
    memcpy((char *)longer.data + 40, &size, sizeof size);
    data_write(data_root, "set/long.wav", longer.data, longer.size);
    data_write_text(data_root, "set/b.txt", "no sound");
    free(sound.data);
    free(longer.data);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const bool whole_table = i + 2 >= ARRAY_SIZE(cases);
        struct dataset *set;
        struct reason why;

        data_write_text(data_root, "set/train.tsv", cases[i].table);
        assert_int_not_equal(read_set("set", 3, false, &set, &why), 0);
        if (!strstr(why.text, cases[i].says))
            fail_msg("'%s' is said, not '%s'", why.text, cases[i].says);
        if (whole_table)
            continue;
        assert_ok(read_set("set", 3, true, &set, &why), why);
        assert_int_equal(set->count, 1);
        assert_int_equal(set->skipped.count, 1);
        assert_non_null(strstr(set->skipped.first[0], cases[i].says));
        assert_units(set, "1 2");
        dataset_free(set);
    }
}

static int set_up(void **state)
{
    struct reason why;
    int result = data_root_make(state);

    make_sounds();
    assert_ok(media_parse("{\"kind\":\"audio\",\"mels\":4,\"frames\":20,\"hop\":100,\"trim_db\":0}", &media, &why),
              why);
    return result;
}

static int tear_down(void **state)
{
    media_free(media);
    return data_root_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units),
        cmocka_unit_test(units_of_a_model),
        cmocka_unit_test(tables),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
