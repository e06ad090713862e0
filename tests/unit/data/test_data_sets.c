/* SPDX-License-Identifier: Apache-2.0
 *
 * The sets that the models were trained on, whole: counts, labels, and that every sample becomes a tensor. They are not
 * in the source: $WISP_DATA says where they are, or ../shared/data beside it; skipped without.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "support/test.h"
#include "unit/data/data_make.h"

static char folder[4096];

struct expected {
    const char *name;
    enum media_kind kind;
    size_t train, test, labels;
    const char *first, *last, *media;
    size_t every;             /* so many samples apart one is encoded */
    const char *label, *text; /* columns */
};

static void read_split(const struct expected *expected, const char *split, size_t count)
{
    const char *path = scratch_path(folder, expected->name);
    struct dataset *set = expected->label ? data_read_columns(path, split, expected->label, expected->text)
                                          : data_read(path, split, expected->kind);
    struct media *media = make_media(expected->media);
    float *out = malloc(media_elements(media) * sizeof *out);
    struct reason why = { "" };

    assert_int_equal(set->count, count);
    assert_int_equal(set->label_count, expected->labels);
    assert_string_equal(set->labels[0], expected->first);
    assert_string_equal(set->labels[set->label_count - 1], expected->last);
    for (size_t i = 0; i < count; i += expected->every) {
        if (expected->kind == MEDIA_IMAGE)
            assert_ok(media_encode_picture(media, &set->pictures[i], out, &why), why);
        else if (expected->kind == MEDIA_AUDIO)
            assert_ok(media_encode_sound(media, &set->sounds[i], out, NULL, &why), why);
        else
            assert_ok(media_encode_text(media, "text", set->texts[i].bytes, set->texts[i].length, out, &why), why);
        for (size_t k = 0; k < media_elements(media); k++)
            assert_true(isfinite(out[k]));
    }
    free(out);
    media_free(media);
    dataset_free(set);
}

static void real_sets(void **state)
{
    static const struct expected sets[] = {
        { "fashion-mnist", MEDIA_IMAGE, 60000, 8000, 10, "0", "9",
          "{\"kind\":\"image\",\"width\":28,\"height\":28,\"channels\":1}", 100, NULL, NULL },
        { "langid-pud", MEDIA_TEXT, 15000, 3000, 20, "ar", "zh", "{\"kind\":\"text\",\"features\":4096}", 10, "1",
          "3" },
        { "sms-spam", MEDIA_TEXT, 3946, 1104, 2, "ham", "spam", "{\"kind\":\"text\",\"features\":512}", 10, NULL,
          NULL },
        { "ag-news", MEDIA_TEXT, 9993, 6600, 4, "1", "4", "{\"kind\":\"text\",\"features\":512}", 100, NULL, NULL },
        { "fsdd", MEDIA_AUDIO, 2250, 250, 10, "0", "9", "{\"kind\":\"audio\",\"mels\":40,\"frames\":32}", 5, NULL,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        struct stat status;

        if (stat(scratch_path(folder, sets[i].name), &status) < 0) {
            printf("%s is not there, skipped\n", sets[i].name);
            continue;
        }
        read_split(&sets[i], "train", sets[i].train);
        read_split(&sets[i], "test", sets[i].test);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(real_sets) };
    const char *data = getenv("WISP_DATA");
    struct stat status;

    snprintf(folder, sizeof folder, "%s", data ? data : source_path("../shared/data"));
    if (stat(folder, &status) < 0) {
        printf("%s is not there; WISP_DATA=FOLDER says where the data sets are\n", folder);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
