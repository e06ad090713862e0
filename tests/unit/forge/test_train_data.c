/* SPDX-License-Identifier: Apache-2.0
 *
 * What wisp train makes of its data without being told, and what it says: texts by default, the warning about guessing,
 * names of models, samples that cannot be read.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/rng.h"
#include "base/size.h"
#include "media/spec/media.h"
#include "process.h"
#include "sparse/file/model_file.h"
#include "support/test.h"
#include "unit/data/data_make.h"

static double real_of(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

/* Sentences of which one in `every` is of the rare class, told by one of a few words among many that say nothing; of
 * `wrong` percent the label is the other one. */
static void write_messages(const char *path, unsigned count, uint64_t seed, unsigned every, unsigned wrong)
{
    static const char *const rare[] = { "prize", "winner", "claim" }, *const common[] = { "lunch", "later", "home" };
    struct rng rng = rng_make(seed, 0);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (unsigned i = 0; i < count; i++) {
        bool is_rare = i % every == every / 2, swapped = rng_below(&rng, 100) < wrong;

        fprintf(file, "%s\t", is_rare != swapped ? "spam" : "ham");
        for (unsigned word = 0; word < 8; word++)
            fprintf(file, "w%u ", (unsigned)rng_below(&rng, 300));
        fprintf(file, "%s\n", (is_rare ? rare : common)[rng_below(&rng, 3)]);
    }
    fclose(file);
}

/* With nothing but defaults: the rare class is found, which always saying the other would not do. */
static void test_text_by_default(void **state)
{
    const char *folder = scratch_make();
    static struct ran ran;
    json_t *result, *rare;

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_messages(scratch_path(folder, "d/train.tsv"), 1600, 1, 8, 0);
    write_messages(scratch_path(folder, "d/test.tsv"), 400, 2, 8, 0);
    forge_run_well(&ran, folder, "build --layers 2048-32-2 --sparsity 0.9 -p text.classification -o m.safetensors");
    forge_run_well(&ran, folder, "train m.safetensors --data d -o t.safetensors");
    assert_string_equal(ran.err, "");
    forge_run_well(&ran, folder, "eval t.safetensors --data d --json");
    result = json_loads(ran.out, 0, NULL);
    assert_non_null(result);
    rare = json_array_get(json_object_get(result, "classes"), 1);
    assert_string_equal(json_string_value(json_object_get(rare, "label")), "spam");
    if (real_of(rare, "recall") < 0.9)
        fail_msg("recall of the rare class %g", real_of(rare, "recall"));
    assert_true(real_of(result, "accuracy") > 0.95);
    assert_true(real_of(result, "balanced_accuracy") > 0.9 && real_of(result, "macro_f1") > 0.9);
    assert_true(real_of(result, "majority") == 0.875);
    json_decref(result);
    scratch_remove(folder);
}

/* A network that always says the common class is right most of the time, and learned nothing; one that is right in two
 * of three, where a coin is in one of two, learned something. */
static void test_warning_about_guessing(void **state)
{
    const char *folder = scratch_make();
    double balanced;
    static struct ran ran;

    (void)state;
    write_messages(scratch_path(folder, "uneven.tsv"), 800, 1, 8, 0);
    write_messages(scratch_path(folder, "noisy.tsv"), 2000, 1, 2, 30);
    forge_run_well(&ran, folder, "build --layers 512-2 --sparsity 0 -p text.classification -o m.safetensors");
    forge_run_well(
        &ran, folder,
        "train m.safetensors -D uneven.tsv --optimizer sgd --rate 0.02 --epochs 3 --balance none -o t.safetensors");
    if (!strstr(ran.err, "no better than guessing") || !strstr(ran.err, "(balanced accuracy 50.00%)") ||
        !strstr(ran.err, "always saying \"ham\" would be in") || !strstr(ran.err, "try --balance full"))
        fail_msg("%s", ran.err);
    forge_run_well(&ran, folder, "train m.safetensors -D noisy.tsv --epochs 10 --validation 0.1 -o t.safetensors");
    assert_string_equal(ran.err, "");
    assert_non_null(strstr(ran.out, "\"best_epoch\":10,")); /* of texts the last is kept */
    balanced = strtod(strstr(ran.out, "\"validation_balanced_accuracy\":") + 31, NULL);
    if (!(balanced > 0.55 && balanced < 0.75))
        fail_msg("balanced accuracy %g: the case is not what it should be", balanced);
    /* No class is rare: weights of classes would help nothing, however the few samples held back fell. */
    write_messages(scratch_path(folder, "few.tsv"), 30, 1, 2, 0);
    forge_run_well(&ran, folder,
                   "build --layers 512-2 --sparsity 0 --weights zero -p text.classification "
                   "-o z.safetensors");
    forge_run_well(&ran, folder,
                   "train z.safetensors -D few.tsv --optimizer sgd --rate 0.00001 --epochs 1 -o t.safetensors");
    if (!strstr(ran.err, "no better than guessing") || strstr(ran.err, "--balance"))
        fail_msg("%s", ran.err);
    scratch_remove(folder);
}

static void name_is(const char *folder, const char *file, const char *name)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, file), &model, &why), why);
    assert_string_equal(model->name, name);
    model_free(model);
}

static void test_name_follows_the_file(void **state)
{
    const char *folder = scratch_make();
    static struct ran ran;

    (void)state;
    write_messages(scratch_path(folder, "d.tsv"), 40, 1, 2, 0);
    forge_run_well(&ran, folder, "build --layers 64-2 --sparsity 0 -p text.classification -o new.safetensors");
    name_is(folder, "new.safetensors", "new");
    forge_run_well(&ran, folder, "train new.safetensors -D d.tsv -e 1 -o spam.v2.st -q");
    name_is(folder, "spam.v2.st", "spam.v2");
    forge_run_well(&ran, folder, "train spam.v2.st -D d.tsv -e 1 -o plain -q");
    name_is(folder, "plain", "plain");
    forge_run_well(&ran, folder, "train new.safetensors -D d.tsv -e 1 -n given -o third.safetensors -q");
    name_is(folder, "third.safetensors", "given");
    forge_run_well(&ran, folder, "build --layers 64-2 --sparsity 0 -p text.classification -n kept -o new.safetensors");
    forge_run_well(&ran, folder, "train new.safetensors -D d.tsv -e 1 -o third.safetensors -q");
    name_is(folder, "third.safetensors", "kept");
    scratch_remove(folder);
}

/* Forty sounds of two pitches, and among them one that is silent and one that is cut off. */
static const char *make_sounds(void)
{
    const char *folder = scratch_make();
    struct bytes silent = data_sound(0), cut = data_sound(300);

    for (unsigned i = 0; i < 40; i++) {
        struct bytes sound = data_sound(i % 2 ? 400 + i : 1500 + i);
        char name[64];

        snprintf(name, sizeof name, "d/train/%s/%u.wav", i % 2 ? "low" : "high", i);
        data_write(folder, name, sound.data, sound.size);
        free(sound.data);
    }
    data_write(folder, "d/train/low/silent.wav", silent.data, silent.size);
    data_write(folder, "d/train/low/cut.wav", cut.data, cut.size - 100);
    free(silent.data);
    free(cut.data);
    return folder;
}

static void test_bad_samples_are_named_or_left_out(void **state)
{
    const char *folder = make_sounds();
    static struct ran ran;

    (void)state;
    forge_run_well(&ran, folder, "build --layers 320-2 --sparsity 0 -p audio.recognition -o m.safetensors");
    forge_run(&ran, folder, "train m.safetensors -D d -o t.safetensors");
    assert_int_equal(ran.status, 65);
    assert_non_null(strstr(ran.err, "low/cut.wav: "));
    assert_int_equal(remove(scratch_path(folder, "d/train/low/cut.wav")), 0);
    forge_run(&ran, folder, "train m.safetensors -D d -o t.safetensors");
    assert_int_equal(ran.status, 65);
    assert_non_null(strstr(ran.err, "low/silent.wav: the recording is silent"));
    data_write_text(folder, "d/train/low/none.wav", "");
    forge_run_well(&ran, folder, "train m.safetensors -D d --skip-bad -o t.safetensors");
    assert_non_null(strstr(ran.err, "2 of 42 samples cannot be read and are left out"));
    assert_non_null(strstr(ran.err, "low/silent.wav: the recording is silent"));
    assert_non_null(strstr(ran.err, "low/none.wav"));
    /* Once, though the data are read twice: how many classes they have says which network it is. */
    forge_run_well(&ran, folder, "train -p audio.recognition -D d --skip-bad -e 1 -o t.safetensors");
    assert_non_null(strstr(ran.err, "2 of 42 samples cannot be read and are left out"));
    assert_null(strstr(strstr(ran.err, "are left out") + 1, "are left out"));
    for (unsigned i = 0; i < 41; i++) {
        char name[64];

        snprintf(name, sizeof name, "d/train/high/bad%u.wav", i);
        data_write_text(folder, name, "");
    }
    forge_run(&ran, folder, "train m.safetensors -D d --skip-bad -o t.safetensors");
    assert_int_equal(ran.status, 65);
    assert_non_null(strstr(ran.err, "and 38 more"));
    assert_non_null(strstr(ran.err, "more than half of the samples cannot be read"));
    scratch_remove(folder);
}

/* Advice that leads to the cause: a model with one output more would be no better. */
static void test_classes_that_do_not_fit(void **state)
{
    static const struct {
        const char *table, *said;
    } cases[] = {
        { "x\tone\nx\ttwo\nx\tthree\nx\tfour\n",
          "has 1 class, but the model has 2 outputs: all 4 rows have the label" },
        { "x\tone\nx\ttwo\n", "all 2 samples are of one class, \"x\"; a classifier needs two or more" },
        { "one\ta\ntwo\tb\nthree\ta\nfour\tb\n", "4 different labels in 4 rows: is column 1 the text?" },
        { "foo\tbar\na\tone\nb\ttwo\na\tthree\nb\tfour\n", "occurs once, in line 1: it looks like a heading" },
        { "1\tone\n2\ttwo\n1,2\tboth\n2,1\ttoo\n1\tone\n2\ttwo\n1,2\tboth\n2,1\ttoo\n",
          "has 4 classes, but the model has 2 outputs: 2 labels, as \"1,2\", join others of them" },
        { "a\tone\nb\ttwo\nc\tthree\na\tone\nb\ttwo\nc\tthree\n",
          "has 3 classes, but the model has 2 outputs; build it" },
    };
    const char *folder = scratch_make();
    static struct ran ran;

    (void)state;
    forge_run_well(&ran, folder, "build --layers 64-2 --sparsity 0 -p text.classification -o m.safetensors");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        data_write_text(folder, "d.tsv", cases[i].table);
        forge_run(&ran, folder, "train m.safetensors -D d.tsv -o t.safetensors");
        if (ran.status != 65 || !strstr(ran.err, cases[i].said) || (i < 5 && strstr(ran.err, "build it")))
            fail_msg("case %zu ended with %d: %s", i, ran.status, ran.err);
    }
    scratch_remove(folder);
}

static void test_help_on_augmentation(void **state)
{
    static const char *const names[] = { "shift", "flip", "speed", "noise", "cut", "mask", "crop" };
    static struct ran ran;

    (void)state;
    forge_run_well(&ran, "/", "train --augment help");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_non_null(strstr(ran.out, names[i]));
}

static struct model *model_of(const char *folder, const char *file)
{
    struct model *model = NULL;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, file), &model, &why), why);
    return model;
}

static uint8_t idf_of(const struct model *model, const char *word)
{
    return model->idf[XXH3_64bits_withSeed(word, strlen(word), 1) % model->idf_count];
}

/* Of `count` texts all say "all", half "half", one "once". */
static void write_frequencies(const char *path, unsigned count)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (unsigned i = 0; i < count; i++)
        fprintf(file, "%s\tall all%s%s\n", i % 3 ? "a" : "b", i % 2 ? " half" : "", i ? "" : " once");
    fclose(file);
}

/* Counted where it is called for, once, and not again when training goes on. */
static void test_idf_is_of_the_training_texts(void **state)
{
    const char *folder = scratch_make();
    struct model *trained, *again;
    static struct ran ran;

    (void)state;
    write_frequencies(scratch_path(folder, "train.tsv"), 40);
    write_frequencies(scratch_path(folder, "other.tsv"), 7);
    forge_run_well(&ran, folder,
                   "build -l 512-2 -s 0.5 -p text.classification -o m.safetensors "
                   "-m {\"kind\":\"text\",\"features\":512,\"characters\":[0,0],\"idf\":true}");
    forge_run_well(&ran, folder, "train m.safetensors -D train.tsv -e 1 --validation 0 -o t.safetensors");
    forge_run_well(&ran, folder, "train t.safetensors -D other.tsv -e 1 --validation 0 -o u.safetensors");
    trained = model_of(folder, "t.safetensors");
    again = model_of(folder, "u.safetensors");
    assert_int_equal(trained->idf_count, 512);
    assert_int_equal(idf_of(trained, "all"), 0);
    assert_int_equal(idf_of(trained, "half"), media_idf(40, 20));
    assert_int_equal(idf_of(trained, "once"), media_idf(40, 1));
    assert_int_equal(idf_of(trained, "never"), media_idf(40, 0));
    assert_int_equal(again->idf_count, 512);
    assert_memory_equal(again->idf, trained->idf, 512);
    forge_run_well(&ran, folder,
                   "train t.safetensors -D other.tsv -e 1 --validation 0 -o v.safetensors "
                   "-m {\"kind\":\"text\",\"features\":512}");
    model_free(again);
    again = model_of(folder, "v.safetensors");
    assert_null(again->idf);
    model_free(again);
    model_free(trained);
    scratch_remove(folder);
}

/* What was recorded at 16 kHz is heard at 16 kHz, by windows that last as long; but not where somebody says otherwise.
 */
static void test_the_rate_follows_the_recordings(void **state)
{
    static const struct {
        int rate;
        const char *options, *rate_said, *window_said;
    } cases[] = {
        { 8000, "", NULL, NULL },
        { 44100, "", "\"rate\":16000", "\"window\":512" },
        { 16000, "-m {\"kind\":\"audio\",\"mels\":40,\"frames\":8}", NULL, NULL },
    };
    static struct ran ran;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *folder = scratch_make();
        struct model *model;
        struct reason why;
        char command[256];

        for (int k = 0; k < 8; k++) {
            static float samples[4410];
            struct bytes wav;

            fill_sine(samples, ARRAY_SIZE(samples), cases[i].rate, k % 2 ? 400 : 1500, 0.5);
            wav = make_wav(cases[i].rate, samples, ARRAY_SIZE(samples));
            snprintf(command, sizeof command, "d/%s/%d.wav", k % 2 ? "low" : "high", k);
            data_write(folder, command, wav.data, wav.size);
            free(wav.data);
        }
        forge_run_well(&ran, folder, "build --layers 320-2 --sparsity 0 -p audio.recognition -o m.safetensors");
        snprintf(command, sizeof command, "train m.safetensors -D d -e 1 %s%s-o t.safetensors", cases[i].options,
                 *cases[i].options ? " " : "");
        forge_run_well(&ran, folder, command);
        assert_ok(model_read(scratch_path(folder, "t.safetensors"), &model, &why), why);
        assert_true(!strstr(model->media, "\"rate\"") == !cases[i].rate_said);
        assert_true(!cases[i].rate_said || strstr(model->media, cases[i].rate_said));
        assert_true(!cases[i].window_said || strstr(model->media, cases[i].window_said));
        model_free(model);
        scratch_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rate_follows_the_recordings),
        cmocka_unit_test(test_text_by_default),
        cmocka_unit_test(test_warning_about_guessing),
        cmocka_unit_test(test_name_follows_the_file),
        cmocka_unit_test(test_bad_samples_are_named_or_left_out),
        cmocka_unit_test(test_classes_that_do_not_fit),
        cmocka_unit_test(test_help_on_augmentation),
        cmocka_unit_test(test_idf_is_of_the_training_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
