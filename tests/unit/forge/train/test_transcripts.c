/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said in recordings: learned from a table of files and transcripts of all lengths, with nothing but defaults
 * for the loss and the labels, and measured; and how many positions of each count.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/train/batches.h"
#include "sparse/file/model_file.h"
#include "support/test.h"
#include "unit/data/data_make.h"
#include "unit/forge/process.h"

enum { RATE = 8000, SAID_MAX = 4, FRAMES = 40, LONGEST = FRAMES * 128 };

static const char *folder;
static struct ran ran;

static int make_folder(void **state)
{
    (void)state;
    folder = scratch_make();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* A tone of 60 to 100 ms for each letter, with silence before the next. Returns how many samples it is. */
static size_t speak(struct rng *rng, const char *said, float *out)
{
    static const double tones[] = { 400, 900, 2000 };
    size_t count = 0;

    for (; *said; said++) {
        const size_t length = 480 + rng_below(rng, 320), gap = said[1] ? 80 + rng_below(rng, 240) : 0;

        fill_sine(out + count, length, RATE, tones[*said - 'a'], 0.5);
        memset(out + count + length, 0, gap * sizeof *out);
        count += length + gap;
    }
    for (size_t i = 0; i < count; i++)
        out[i] += 0.01f * (rng_float(rng) - 0.5f);
    return count;
}

static void write_split(const char *split, unsigned count, uint64_t seed)
{
    static char table[16384];
    char name[64];
    size_t used = 0;

    for (unsigned i = 0; i < count; i++) {
        static float samples[LONGEST];
        struct rng rng = rng_make(seed, i);
        char said[SAID_MAX + 1] = "";
        const size_t letters = 1 + rng_below(&rng, SAID_MAX);
        struct bytes wav;

        for (size_t k = 0; k < letters; k++)
            said[k] = (char)('a' + rng_below(&rng, 3));
        wav = make_wav(RATE, samples, speak(&rng, said, samples));
        snprintf(name, sizeof name, "%s/%u.wav", split, i);
        data_write(folder, name, wav.data, wav.size);
        free(wav.data);
        used += (size_t)snprintf(table + used, sizeof table - used, "%s\t%s\n", name, said);
    }
    snprintf(name, sizeof name, "%s.tsv", split);
    data_write_text(folder, name, table);
}

static void write_network(const char *name, const char *processing)
{
    char text[512];

    snprintf(text, sizeof text,
             "name: n\nprocessing: %s\ninput: [8, 40]\nlayers:\n  - conv1d: {channels: 16, kernel: 5, padding: 2, "
             "stride: 2}\n  - relu\n  - conv1d: {channels: 4, kernel: 1}\n",
             processing);
    data_write_text(folder, name, text);
}

#define MEDIA "{\"kind\":\"audio\",\"mels\":8,\"frames\":40,\"hop\":128}"

static void test_what_is_said_is_learned(void **state)
{
    static const char *const labels[] = { "<blank>", "a", "b", "c" };
    struct model *model;
    struct reason why;
    json_t *result;

    (void)state;
    write_split("train", 240, 1);
    write_split("test", 60, 2);
    write_network("n.yaml", "audio.transcription");
    data_write_text(folder, "media.json", MEDIA);
    forge_run_well(&ran, folder, "build --structure n.yaml -s 0.3 -m media.json --no-history -o m.safetensors");
    forge_run_well(&ran, folder,
                   "train m.safetensors -D . -r 0.01 -b 16 -e 12 -t 2 --augment none --no-history -o t.safetensors");
    forge_run_well(&ran, folder, "eval t.safetensors -D . --json");
    result = json_loads(ran.out, 0, NULL);
    assert_non_null(result);
    if (!(json_real_value(json_object_get(result, "error_rate")) < 0.05))
        fail_msg("after training: %s", ran.out);
    assert_true(json_real_value(json_object_get(result, "exact_match")) > 0.9);
    json_decref(result);
    assert_ok(model_read(scratch_path(folder, "t.safetensors"), &model, &why), why);
    assert_int_equal(model->label_count, ARRAY_SIZE(labels));
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
        assert_string_equal(model->labels[i], labels[i]);
    model_free(model);
    forge_run_well(&ran, folder, "eval t.safetensors -D . --loss ctc -t 1");
    assert_non_null(strstr(ran.out, "error rate "));
    assert_non_null(strstr(ran.out, "every label right in "));
}

/* Of one prefix it is what is said without; of more, what may be said otherwise, too. */
static void test_a_beam(void **state)
{
    json_t *result, *searched;

    (void)state;
    for (int beam = 1; beam <= 8; beam += 7) {
        forge_run_well(&ran, folder,
                       beam == 1 ? "eval t.safetensors -D . --json --beam 1"
                                 : "eval t.safetensors -D . --json --beam 8");
        result = json_loads(ran.out, 0, NULL);
        searched = json_object_get(result, "searched");
        assert_int_equal(json_integer_value(json_object_get(searched, "beam")), beam);
        assert_true(json_real_value(json_object_get(searched, "exact_match")) > 0.9);
        if (beam == 1)
            assert_int_equal(json_integer_value(json_object_get(searched, "edits")),
                             json_integer_value(json_object_get(result, "edits")));
        json_decref(result);
    }
    forge_run_well(&ran, folder, "eval t.safetensors -D . --beam 2");
    assert_non_null(strstr(ran.out, "by a beam of 2: error rate "));
}

/* Half as many positions as frames: those that a recording lasts, rounded up; and its units, -1 behind the last. */
static void test_positions_that_count(void **state)
{
    static const char table[] = "long.wav\tabca\nshort.wav\tb\n";
    static const uint32_t lengths[] = { 15, 5 };
    static float samples[LONGEST];
    const struct shape output = { .rank = 2, .dimension = { 4, FRAMES / 2 } };
    const uint32_t which[] = { 0, 1 };
    struct dataset_wish wish = { .split = "train", .kind = MEDIA_AUDIO, .scores = 4, .positions = FRAMES / 2 };
    struct loss_batch loss;
    struct batches *batches;
    struct dataset *set = NULL;
    struct media *media;
    struct reason why;
    static float activation[8 * FRAMES * 2];

    (void)state;
    fill_sine(samples, LONGEST, RATE, 400, 0.5);
    for (int i = 0; i < 2; i++) {
        struct bytes wav = make_wav(RATE, samples, i ? 9 * 128 + 1 : 30 * 128); /* 10 frames begin in the shorter */

        data_write(folder, i ? "short.wav" : "long.wav", wav.data, wav.size);
        free(wav.data);
    }
    data_write_text(folder, "two.tsv", table);
    wish.path = scratch_path(folder, "two.tsv");
    assert_ok(media_parse("{\"kind\":\"audio\",\"mels\":8,\"frames\":40,\"hop\":128,\"trim_db\":0}", &media, &why),
              why);
    wish.media = media;
    assert_ok(dataset_read(&wish, &set, &why), why);
    assert_int_equal(loss_batch_init(&loss, loss_find("ctc"), &output, 2), 0);
    for (int keep = 0; keep < 2; keep++) {
        const struct batch batch = { .which = which, .count = 2 };

        assert_ok(batches_new(set, media, NULL, keep, &batches, &why), why);
        assert_ok(batches_follow(batches, &(struct batches_words){ .apart = true }, keep, &why), why);
        assert_ok(batches_fill(batches, &batch, activation, &why), why);
        assert_ok(batches_targets(batches, &batch, NULL, &loss, &why), why);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(loss.lengths[i], lengths[i]);
        for (size_t p = 0; p < FRAMES / 2; p++) {
            assert_int_equal(loss.classes[2 * p], p < 4 ? 1 + (int)p % 3 : -1);
            assert_int_equal(loss.classes[2 * p + 1], p < 1 ? 2 : -1);
        }
        batches_free(batches);
    }
    loss_batch_deinit(&loss);
    dataset_free(set);
    media_free(media);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *command, *says;
    } cases[] = {
        { "train m.safetensors -D train.tsv --label-column 1 -o x.safetensors", "are for tables of texts" },
        { "train m.safetensors -D train.tsv --teacher m.safetensors -o x.safetensors", "" },
        { "train m.safetensors -D train.tsv --unlabelled train.tsv -o x.safetensors", "learns words" },
        { "train m.safetensors -D train -o x.safetensors", "neither train.tsv or train.csv" },
        { "train m.safetensors -D two.tsv -m media.json --loss mse -o x.safetensors", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        forge_run(&ran, folder, cases[i].command);
        assert_int_not_equal(ran.status, 0);
        if (!strstr(ran.err, cases[i].says))
            fail_msg("%s: %s", cases[i].command, ran.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said_is_learned),
        cmocka_unit_test(test_a_beam),
        cmocka_unit_test(test_positions_that_count),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
