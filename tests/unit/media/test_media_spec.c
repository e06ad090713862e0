/* SPDX-License-Identifier: Apache-2.0
 *
 * The description: what is accepted, what it becomes, and that each refusal names its key.
 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "media/spec/sniff.h"
#include "support/test.h"

static void shapes(void **state)
{
    static const struct {
        const char *json;
        enum media_kind kind;
        unsigned rank;
        uint32_t dimensions[4];
    } cases[] = {
        { "{\"kind\": \"image\", \"width\": 28, \"height\": 20, \"channels\": 1}", MEDIA_IMAGE, 3, { 1, 20, 28 } },
        { "{\"kind\": \"image\", \"width\": 2, \"height\": 3}", MEDIA_IMAGE, 3, { 3, 3, 2 } },
        { "{\"kind\": \"image\", \"width\": 2, \"height\": 3, \"fit\": \"cover\", \"background\": 255, \"mean\": [0.1, "
          "0.2, 0.3], \"deviation\": 0.5}",
          MEDIA_IMAGE,
          3,
          { 3, 3, 2 } },
        { "{\"kind\": \"text\", \"features\": 512}", MEDIA_TEXT, 1, { 512 } },
        { "{\"kind\": \"text\", \"features\": 1, \"characters\": [2, 2], \"words\": [0, 0], \"weight\": \"sqrt\", "
          "\"norm\": \"none\", \"limit\": 100}",
          MEDIA_TEXT,
          1,
          { 1 } },
        { "{\"idf\": \"AP8B\", \"kind\": \"text\", \"features\": 3}", MEDIA_TEXT, 1, { 3 } },
        { "{\"kind\": \"text\", \"features\": 524289, \"idf\": false}", MEDIA_TEXT, 1, { 524289 } },
        { "{\"kind\": \"audio\", \"mels\": 40, \"frames\": 32}", MEDIA_AUDIO, 2, { 40, 32 } },
        { "{\"kind\": \"audio\", \"rate\": 16000, \"mels\": 64, \"frames\": 98, \"window\": 400, \"low\": 20, "
          "\"high\": "
          "7600, \"trim_db\": 0, \"floor_db\": 80, \"mean\": -1, \"deviation\": 2}",
          MEDIA_AUDIO,
          2,
          { 64, 98 } },
        { "{\"kind\": \"audio\", \"spectrum\": 512, \"frames\": 64, \"rate\": 16000, \"answer\": \"sound\"}",
          MEDIA_AUDIO,
          2,
          { 257, 64 } },
        { "{\"kind\": \"audio\", \"spectrum\": 64, \"frames\": 4, \"recordings\": 3}", MEDIA_AUDIO, 2, { 99, 4 } },
        { "{\"kind\": \"raw\", \"shape\": [4, 3, 2, 5]}", MEDIA_RAW, 4, { 4, 3, 2, 5 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct media *media = make_media(cases[i].json);
        uint32_t dimensions[4];
        size_t elements = 1;

        assert_int_equal(media_kind(media), cases[i].kind);
        assert_int_equal(media_shape(media, dimensions), cases[i].rank);
        for (unsigned d = 0; d < cases[i].rank; d++) {
            assert_int_equal(dimensions[d], cases[i].dimensions[d]);
            elements *= dimensions[d];
        }
        assert_int_equal(media_elements(media), elements);
        assert_null(media_free(media));
    }
    assert_null(media_free(NULL));
}

#define IMAGE "{\"kind\":\"image\",\"width\":8,\"height\":8,"
#define TEXT  "{\"kind\":\"text\",\"features\":64,"
#define AUDIO "{\"kind\":\"audio\",\"mels\":8,\"frames\":8,"
#define SOUND "{\"kind\":\"audio\",\"frames\":8,\"spectrum\":"

static void check_refusal(const char *json, const char *says)
{
    struct media *media = NULL;
    struct reason why = { "" };

    assert_int_equal(media_parse(json, &media, &why), WISP_E_FORMAT);
    assert_null(media);
    if (!strstr(why.text, says) || strncmp(why.text, "media description", 17) != 0)
        fail_msg("%s\n  gives: %s\n  wanted: %s", json, why.text, says);
}

static void refusals(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        { "", "line 1, column 0" },
        { "{\"kind\": \"image\"", "line 1" },
        { "[]", "a JSON object is expected" },
        { "{}", "kind: one of" },
        { "{\"kind\": 3}", "kind: one of" },
        { "{\"kind\": \"imgae\"}", "did you mean \"image\"?" },
        { "{\"kind\": \"smell\"}", "\"smell\" is none of" },
        { "{\"kind\":\"text\",\"kind\":\"text\"}", "duplicate" },
        { "{\"kind\":\"image\",\"width\":8}", "key 'height' is missing" },
        { "{\"kind\":\"text\"}", "key 'features' is missing" },
        { "{\"kind\":\"text\",\"features\":1,\"sequence\":4}", "features: with sequence, 2 or more" },
        { "{\"kind\":\"audio\",\"mels\":8}", "key 'frames' is missing" },
        { "{\"kind\":\"raw\"}", "key 'shape' is missing" },
        { IMAGE "\"chanels\":1}", "unknown key 'chanels' for kind \"image\"; did you mean 'channels'?" },
        { IMAGE "\"features\":1}", "unknown key 'features'" },
        { TEXT "\"width\":1}", "unknown key 'width' for kind \"text\"" },
        { IMAGE "\"channels\":2}", "channels: 1 (grey) or 3 (RGB)" },
        { IMAGE "\"channels\":4}", "channels: a whole number from 1 to 3" },
        { IMAGE "\"channels\":1.0}", "channels: a whole number" },
        { IMAGE "\"channels\":\"1\"}", "channels: a whole number" },
        { IMAGE "\"fit\":\"squeeze\"}", "fit: one of \"stretch\", \"contain\", \"cover\"" },
        { IMAGE "\"fit\":1}", "fit: one of" },
        { IMAGE "\"background\":256}", "background: a whole number from 0 to 255" },
        { IMAGE "\"background\":-1}", "background:" },
        { IMAGE "\"answer\":\"masks\"}", "answer: one of \"none\", \"picture\", \"mask\" is expected" },
        { IMAGE "\"threshold\":0}", "threshold: a whole number from 1 to 255" },
        { TEXT "\"answer\":\"mask\"}", "answer: a JSON object is expected" },
        { IMAGE "\"mean\":[1,2]}", "mean: 2 values for 3 channels" },
        { IMAGE "\"mean\":[1,2,\"x\"]}", "mean: a number" },
        { IMAGE "\"mean\":[]}", "mean: 0 values" },
        { IMAGE "\"deviation\":0}", "deviation: a number from 1e-06" },
        { IMAGE "\"deviation\":null}", "deviation:" },
        { "{\"kind\":\"image\",\"width\":0,\"height\":8}", "width: a whole number from 1 to 4096" },
        { "{\"kind\":\"image\",\"width\":99999999999999999999,\"height\":8}", "too big" },
        { "{\"kind\":\"image\",\"width\":-9223372036854775808,\"height\":8}", "width:" },
        { TEXT "\"characters\":[3,1]}", "characters: [3, 1] begins above its end" },
        { TEXT "\"characters\":3}", "characters: [shortest, longest]" },
        { TEXT "\"characters\":[1,2,3]}", "characters: [shortest, longest]" },
        { TEXT "\"characters\":[0,2]}", "characters: a whole number from 1 to 8" },
        { TEXT "\"words\":[1,9]}", "words: a whole number from 1 to 8" },
        { TEXT "\"characters\":[0,0],\"words\":[0,0]}", "nothing is left to count" },
        { TEXT "\"weight\":\"tfidf\"}", "weight: one of" },
        { TEXT "\"norm\":\"l1\"}", "norm: one of" },
        { TEXT "\"idf\":1}", "idf: true, false, or base64 is expected" },
        { TEXT "\"idf\":\"\"}", "idf: base64 of 64 bytes" },
        { TEXT "\"idf\":\"AAAA\"}", "idf: base64 of 64 bytes is expected, one a feature" },
        { "{\"kind\":\"text\",\"features\":3,\"idf\":\"AA=A\"}", "idf: base64 of 3 bytes" },
        { "{\"kind\":\"text\",\"features\":524289,\"idf\":true}", "idf: at most 524288 features" },
        { "{\"idf\":\"AAAA\",\"kind\":\"text\"}", "key 'features' is missing" },
        { TEXT "\"limit\":0}", "limit:" },
        { AUDIO "\"rate\":999}", "rate:" },
        { AUDIO "\"high\":4001}", "high: 4001 Hz is above half the rate" },
        { AUDIO "\"low\":300,\"high\":300}", "low: 300 Hz is not below high" },
        { AUDIO "\"window\":8}", "window:" },
        { AUDIO "\"trim_db\":-1}", "trim_db:" },
        { AUDIO "\"floor_db\":0}", "floor_db:" },
        { "{\"kind\":\"audio\",\"mels\":512,\"frames\":8,\"window\":64}", "take fewer mels or a longer window" },
        { "{\"kind\":\"raw\",\"shape\":4}", "shape: a list of 1 to 4" },
        { "{\"kind\":\"raw\",\"shape\":[]}", "shape: a list of 1 to 4" },
        { "{\"kind\":\"raw\",\"shape\":[1,1,1,1,1]}", "shape: a list of 1 to 4" },
        { "{\"kind\":\"raw\",\"shape\":[0]}", "shape: a whole number" },
        { "{\"kind\":\"raw\",\"shape\":[65536,65536]}", "a sample of more than" },
        { "{\"kind\":\"raw\",\"shape\":[67108864,67108864,67108864,67108864]}", "a sample of more than" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_refusal(cases[i].json, cases[i].says);
}

static void refusals_of_tiles(void **state)
{
    (void)state;
    check_refusal(IMAGE "\"overlap\":2}", "overlap: goes with fit \"tiles\"");
    check_refusal(IMAGE "\"fit\":\"tiles\"}", "fit: \"tiles\" goes with answer");
    check_refusal(IMAGE "\"fit\":\"tiles\",\"answer\":\"mask\",\"overlap\":5}", "tiles of 8 x 8 overlap by at most 4");
}

/* What a picture was is not known any more when its answer is to become one. */
static void refusals_of_normalising(void **state)
{
    (void)state;
    media_free(make_media(IMAGE "\"normalise\":\"given\",\"mean\":0.5,\"answer\":\"picture\"}"));
    media_free(make_media(IMAGE "\"normalise\":\"picture\",\"fit\":\"tiles\",\"answer\":\"mask\"}"));
    check_refusal(IMAGE "\"normalise\":\"set\"}", "normalise: one of \"given\", \"picture\" is expected");
    check_refusal(IMAGE "\"normalise\":true}", "normalise: one of");
    check_refusal(IMAGE "\"normalise\":\"picture\",\"mean\":[0,0,0.5]}", "own mean and deviation, and no other");
    check_refusal(IMAGE "\"normalise\":\"picture\",\"deviation\":2}", "own mean and deviation, and no other");
    check_refusal(IMAGE "\"normalise\":\"picture\",\"answer\":\"picture\"}", "normalise: \"picture\" goes with answer");
}

static void refusals_of_spectra(void **state)
{
    (void)state;
    check_refusal("{\"kind\":\"audio\",\"spectrum\":64}", "key 'frames' is missing");
    check_refusal(SOUND "33}", "spectrum: an even number");
    check_refusal(SOUND "8194}", "spectrum: a whole number from 16 to 8192");
    check_refusal(SOUND "64,\"hop\":33}", "hop: at most half of the spectrum's 64 samples");
    check_refusal(SOUND "64,\"mels\":8}", "mels: that is of mel bands, and with 'spectrum' there are none");
    check_refusal(SOUND "64,\"recordings\":9}", "recordings: a whole number from 1 to 8");
    check_refusal(AUDIO "\"recordings\":2}", "recordings: that is of spectra");
    check_refusal(SOUND "64,\"window\":64}", "window: that is of mel bands");
    check_refusal(SOUND "64,\"answer\":\"mask\"}", "answer: one of \"none\", \"sound\" is expected");
    check_refusal(AUDIO "\"answer\":\"sound\"}", "answer: that is of spectra; give 'spectrum' in place of 'mels'");
}

static void raw_tensors(void **state)
{
    struct media *media = make_media("{\"kind\":\"raw\",\"shape\":[2,2]}");
    uint8_t bytes[16] = { 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0, 1, 0, 0, 0 };
    struct reason why = { "" };
    float out[4];

    (void)state;
    assert_ok(media_encode(media, "x.bin", bytes, sizeof bytes, out, &why), why);
    assert_true(out[0] == 1.0f && out[1] == -2.0f && out[2] == 0 && out[3] > 0 && out[3] < 1e-44f);
    assert_int_equal(media_encode(media, "x.bin", bytes, 15, out, &why), WISP_E_FORMAT);
    assert_string_equal(why.text, "x.bin: 15 bytes; 16 are expected, 4 float32 in little-endian order");
    assert_int_equal(media_encode(media, "x.bin", bytes, 0, out, &why), WISP_E_FORMAT);
    memcpy(bytes + 8, "\0\0\xc0\x7f", 4);
    assert_int_equal(media_encode(media, "x.bin", bytes, sizeof bytes, out, &why), WISP_E_FORMAT);
    assert_string_equal(why.text, "x.bin: value 2, at byte 8, is not a finite number");
    media_free(media);
}

/* The path to a file is checked before its content. */
static void files(void **state)
{
    const char *folder = scratch_make();
    struct media *media = make_media("{\"kind\":\"raw\",\"shape\":[1]}");
    struct reason why = { "" };
    float out = 0;

    (void)state;
    write_bytes(scratch_path(folder, "one"), "\0\0\x80\x3f", 4);
    assert_ok(media_encode_file(media, scratch_path(folder, "one"), &out, &why), why);
    assert_true(out == 1.0f);
    assert_int_equal(media_encode_file(media, scratch_path(folder, "none"), &out, &why), -ENOENT);
    assert_non_null(strstr(why.text, "none: No such file"));
    assert_int_equal(media_encode_file(media, folder, &out, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "is a directory"));
    write_bytes(scratch_path(folder, "empty"), "", 0);
    assert_int_equal(media_encode_file(media, scratch_path(folder, "empty"), &out, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "empty: 0 bytes; 4 are expected"));
    media_free(media);
    scratch_remove(folder);
}

/* Every place that says what is read says the same, and that is what sniff.h says. */
static void documents(void **state)
{
    static const char *const paths[] = { "client/include/wisp/media.h", "docs/man/libwisp.3",   "docs/man/wisp-run.1",
                                         "docs/man/wisp-train.1",       "docs/man/wisp-eval.1", "docs/media.md" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        static char text[1 << 17];
        FILE *file = fopen(source_path(paths[i]), "r");
        size_t length = 0;
        int last = ' ';

        assert_non_null(file);
        for (int c; (c = getc(file)) != EOF && length < sizeof text - 1; last = c) {
            c = strchr("\n\t*", c) ? ' ' : c; /* a comment's lines begin with stars */
            if (c != ' ' || last != ' ')
                text[length++] = (char)c;
        }
        text[length] = 0;
        fclose(file);
        if (!strstr(text, FORMATS_OF_SOUNDS))
            fail_msg("%s does not say \"%s\"", paths[i], FORMATS_OF_SOUNDS);
        if (!strstr(text, FORMATS_OF_PICTURES))
            fail_msg("%s does not say \"%s\"", paths[i], FORMATS_OF_PICTURES);
    }
}

static void endings(void **state)
{
    (void)state;
    assert_true(media_ending_is_read("a.wav") && media_ending_is_read("B.C/x.AIFF") && media_ending_is_read(".mp3"));
    assert_false(media_ending_is_read("wav") || media_ending_is_read("x.wav.txt") || media_ending_is_read("x."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(refusals_of_tiles),
        cmocka_unit_test(refusals_of_normalising),
        cmocka_unit_test(refusals_of_spectra),
        cmocka_unit_test(refusals),
        cmocka_unit_test(raw_tensors),
        cmocka_unit_test(files),
        cmocka_unit_test(documents),
        cmocka_unit_test(endings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
