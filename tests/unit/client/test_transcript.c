/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read out of the scores of a model that writes down; and what is made of a daemon that lies of words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>

#include "client/binding.h"
#include "client/client.h"
#include "client/fork.h"
#include "client/model.h"
#include "support/test.h"

enum { LABELS = 4, POSITIONS = 6, BANDS = 2, FRAMES = 12 };

static wisp_model *make(const char *processing, const char *labels, const char *output)
{
    char *json = NULL;
    wisp_model *model;
    struct reason why;

    assert_true(asprintf(&json,
                         "{\"name\":\"m\",\"processing\":\"%s\",\"identity\":\"x\",\"rows_most\":1,\"labels\":[%s],"
                         "\"inputs\":[{\"name\":\"input\",\"dtype\":\"float32\",\"shape\":[2,12],\"elements\":24}],"
                         "\"outputs\":[{\"name\":\"output\",\"dtype\":\"float32\",\"shape\":%s}]}",
                         processing, labels, output) > 0);
    assert_ok(model_from_json("m", json, &model, &why), why);
    return model;
}

/* `way`: the best label at each position; the recording lasts so many of the frames. */
static void assert_said(wisp_model *model, const int way[POSITIONS], size_t frames, const char *expected)
{
    float input[BANDS * FRAMES], output[LABELS * POSITIONS];
    char *text;

    for (size_t i = 0; i < BANDS * FRAMES; i++)
        input[i] = i % FRAMES < frames && (i + i / FRAMES) % 3 ? 0.5f : -1.25f;
    for (int i = 0; i < LABELS * POSITIONS; i++)
        output[i] = i / POSITIONS == way[i % POSITIONS] ? 20 : -(float)i;
    for (uint32_t beam = 0; beam <= 16; beam += 4) { /* there is no doubt */
        assert_int_equal(wisp_transcript(model, input, output, beam, &text), 0);
        assert_string_equal(text, expected);
        free(text);
    }
    assert_int_equal(wisp_transcript(model, input, output, 17, &text), WISP_E_INVALID);
}

#define SHAPE "[4,6],\"elements\":24"

static void test_what_is_said(void **state)
{
    static const int twice[] = { 1, 1, 0, 1, 2, 2 }, spaced[] = { 1, 3, 3, 2, 0, 0 }, none[POSITIONS] = { 0 };
    wisp_model *letters = make("audio.transcription", "\"<blank>\",\"a\",\"\u00e4\",\"\u2581\"", SHAPE);
    wisp_model *words = make("audio.transcription", "\"<blank>\",\"so\",\"a\",\"no\"", SHAPE);
    wisp_model *raw = make("raw", "\"<blank>\",\"so\",\"a\",\"no\"", SHAPE);

    (void)state;
    assert_said(letters, twice, FRAMES, "aa\u00e4");
    assert_said(letters, spaced, FRAMES, "a \u00e4");
    assert_said(letters, none, FRAMES, "");
    assert_said(words, twice, FRAMES, "so so a");
    assert_said(words, twice, 8, "so so"); /* the last two positions are behind the recording */
    assert_said(words, twice, 2, "so");
    assert_said(raw, twice, 2, "so so a");
    wisp_model_free(letters);
    wisp_model_free(words);
    wisp_model_free(raw);
}

/* At two positions none is said with 0.6, "so" with 0.4: at one or both of them with 0.64. */
static void test_a_beam(void **state)
{
    wisp_model *words = make("raw", "\"<blank>\",\"so\",\"a\",\"no\"", SHAPE);
    float input[BANDS * FRAMES] = { 0 }, output[LABELS * POSITIONS];
    char *text;

    (void)state;
    for (int i = 0; i < LABELS * POSITIONS; i++)
        output[i] = i / POSITIONS ? -50 : 0;
    output[POSITIONS] = output[POSITIONS + 1] = -0.405f;
    assert_int_equal(wisp_transcript(words, input, output, 1, &text), 0);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(wisp_transcript(words, input, output, 2, &text), 0);
    assert_string_equal(text, "so");
    free(text);
    wisp_model_free(words);
}

static void test_who_writes_down(void **state)
{
    static const struct {
        const char *labels, *output;
        bool given;
    } cases[] = {
        { "\"<blank>\",\"a\",\"b\",\"c\"", SHAPE, true },
        { "\"a\",\"b\",\"c\",\"d\"", SHAPE, false },
        { "", SHAPE, false },
        { "\"<blank>\",\"a\",\"b\",\"c\"", "[4],\"elements\":4", false },
        { "\"<blank>\",\"a\",\"b\"", SHAPE, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wisp_model *model = make("audio.transcription", cases[i].labels, cases[i].output);

        assert_int_equal(wisp_gives_transcript(model), cases[i].given);
        wisp_model_free(model);
    }
}

/* The daemon says of a model of words that it takes whole numbers: no floats are to be written there. */
static void test_words_are_floats(void **state)
{
    static const char *const dtypes[] = { "float32", "int32" };
    struct reason why;

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *json = NULL;
        wisp_model *model;

        assert_true(
            asprintf(&json,
                     "{\"name\":\"m\",\"processing\":\"p\",\"identity\":\"x\",\"rows_most\":1,\"labels\":[\"a\",\"b\"],"
                     "\"media\":{\"kind\":\"text\",\"features\":64,\"sequence\":6,\"each\":\"word\"},"
                     "\"inputs\":[{\"name\":\"input\",\"dtype\":\"%s\",\"shape\":[66],\"elements\":66}],"
                     "\"outputs\":[{\"name\":\"o\",\"dtype\":\"float32\",\"shape\":[2,6],\"elements\":12}]}",
                     dtypes[i]) > 0);
        assert_ok(model_from_json("m", json, &model, &why), why);
        assert_int_equal(wisp_takes_words(model), !i);
        wisp_model_free(model);
    }
}

/* ---- words ---- */

enum { ROWS = 2, WORDS = 5, PROGRESS_AT = 64 };

/* A request that has been answered, in memory of just the size that it needs. */
static struct answered {
    struct wisp_client client;
    struct session session;
    struct binding binding;
    struct wisp_request request;
} a;

static void make_answered(uint64_t features)
{
    a = (struct answered){
        .client = { .lock = PTHREAD_MUTEX_INITIALIZER, .forks = fork_count(), .up = true, .reaper = true },
        .session = { .features = features, .response = { .address = malloc(PROGRESS_AT + ROWS * 8) } },
        .binding = { .name = "m" },
        .request = { .rows = ROWS, .words_max = WORDS, .mark = 7, .output = { 2, { WORDS * 4, 8 } } },
    };
    assert_non_null(a.session.response.address);
    memset(a.session.response.address, 0x55, PROGRESS_AT + ROWS * 8);
    a.client.session = a.request.session = &a.session;
    a.request.client = &a.client;
    a.request.binding = &a.binding;
}

static void test_counts_that_lie(void **state)
{
    static const uint32_t counts[] = { 0, 1, WORDS, WORDS + 1, INT32_MAX, UINT32_MAX }, marks[] = { 7, 8, 0 };

    (void)state;
    make_answered(WIRE_FEATURES);
    for (size_t i = 0; i < sizeof counts / sizeof *counts * 3; i++) {
        const struct wire_progress progress = { counts[i / 3], marks[i % 3] };

        for (uint32_t row = 0; row < ROWS; row++) {
            int32_t words[WORDS] = { 0 };
            size_t count = WORDS;

            memcpy((char *)a.session.response.address + PROGRESS_AT + row * 8, &progress, 8);
            assert_int_equal(wisp_request_words(&a.request, row, words, &count), 0);
            assert_int_equal(count, i % 3 ? 0 : progress.count < WORDS ? progress.count : WORDS);
        }
    }
    free(a.session.response.address);
}

/* A daemon of before would take a submission with a beam for a malformed one: it is not sent. */
static void test_beams_of_a_daemon_of_before(void **state)
{
    (void)state;
    make_answered(WIRE_FEATURES & ~WIRE_FEATURE_BEAMS);
    assert_int_equal(wisp_request_set_beam(&a.request, 2), 0);
    assert_int_equal(wisp_submit(&a.request), WISP_E_VERSION);
    assert_non_null(strstr(wisp_last_error(), "has no beams"));
    free(a.session.response.address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said),     cmocka_unit_test(test_a_beam),
        cmocka_unit_test(test_words_are_floats), cmocka_unit_test(test_who_writes_down),
        cmocka_unit_test(test_counts_that_lie),  cmocka_unit_test(test_beams_of_a_daemon_of_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
