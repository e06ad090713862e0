/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: a training that was stopped, however it was stopped, and resumed ends in the same bytes as one that was
 * not; a damaged or foreign checkpoint is refused with what is wrong.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "forge/train/checkpoint.h"
#include "process.h"
#include "sparse/file/model_checksum.h"
#include "support/test.h"

#define BUILD   "build --layers 64-24-4 --sparsity 0.5 --seed 3 --processing image.classification -o m.safetensors"
#define EPOCHS  "60"
#define TRAIN   "train m.safetensors " TRAINED
#define TRAINED "--data d --epochs " EPOCHS " --batch 32 --name t --no-history "

enum { STOP_AFTER = 3 };

static const char *folder;
static struct ran ran;

static void run_well(const char *command)
{
    forge_run_well(&ran, folder, command);
}

static int prepare(void **state)
{
    (void)state;
    folder = scratch_make();
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(folder, "other"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 50);
    write_quadrants(scratch_path(folder, "other"), 301, 50);
    run_well(BUILD);
    assert_int_equal(mkfifo(scratch_path(folder, "events"), 0600), 0);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* `stopped`: of the run that is stopped alone. */
static void check_resumed_by(const char *model, const char *recipe, const char *stopped, int signal, int expected)
{
    char command[512];
    struct checkpoint c;
    struct reason why;

    snprintf(command, sizeof command, "train %s " TRAINED "%s -o full.safetensors", model, recipe);
    run_well(command);
    snprintf(command, sizeof command, "train %s " TRAINED "%s%s --checkpoint ck -o part.safetensors", model, recipe,
             stopped);
    assert_int_equal(forge_stop(folder, command, STOP_AFTER, signal), expected);
    assert_ok(checkpoint_read(scratch_path(folder, "ck"), &c, &why), why);
    assert_true(c.epoch >= STOP_AFTER - 1 && c.epoch < 60);
    checkpoint_deinit(&c);
    snprintf(command, sizeof command,
             "train %s " TRAINED "%s --threads 1 --resume ck --checkpoint ck -o resumed.safetensors", model, recipe);
    run_well(command);
    assert_same_bytes(folder, "full.safetensors", "resumed.safetensors");
    /* And once more from its end: nothing is left to do. */
    snprintf(command, sizeof command, "train %s " TRAINED "%s --resume ck -o again.safetensors", model, recipe);
    run_well(command);
    assert_same_bytes(folder, "full.safetensors", "again.safetensors");
}

static void check_resumed(const char *model, const char *recipe, int signal, int expected)
{
    check_resumed_by(model, recipe, "", signal, expected);
}

static void test_interrupted_and_resumed_is_not_interrupted(void **state)
{
    (void)state;
    check_resumed("m.safetensors", "--optimizer sgd", SIGINT, 130);
    check_resumed("m.safetensors", "--optimizer adamw --validation 0 --augment shift=1", SIGINT, 130);
}

static void test_killed_and_resumed_is_not_killed(void **state)
{
    (void)state;
    check_resumed("m.safetensors", "--optimizer adamw --input-dropout 0.1", SIGKILL, 128 + SIGKILL);
}

/* What layers drop is looked up by the step, so a resumed run, of another number of threads, drops the same. */
static void test_layers_of_chance_are_resumed(void **state)
{
    static const char structure[] = "name: d\n"
                                    "processing: image.classification\n"
                                    "input: [64]\n"
                                    "layers: [dropout, {linear: 24}, relu, {dropout: 0.3}, {linear: 4}, softmax]\n";
    struct reason why;

    (void)state;
    assert_ok(file_write(scratch_path(folder, "d.yaml"), &(struct file_part){ structure, strlen(structure) }, 1, &why),
              why);
    run_well("build --structure d.yaml --sparsity 0.5 --seed 3 --no-history -o dropout.safetensors");
    check_resumed("dropout.safetensors", "--optimizer sgd", SIGKILL, 128 + SIGKILL);
}

/* With the connections of now and of the best epoch, be it within an epoch. */
static void test_connections_are_resumed(void **state)
{
    (void)state;
    check_resumed("m.safetensors", "--batch 96 --regrow set --optimizer adamw --average ema=0.9", SIGKILL,
                  128 + SIGKILL);
    check_resumed_by("m.safetensors", "--regrow rigl,every=4,until=1", " --checkpoint-every steps=3", SIGINT, 130);
}

static void refused(const char *rest, const char *reason)
{
    char command[512];

    snprintf(command, sizeof command, "train m.safetensors --name t --no-history %s -o no.safetensors", rest);
    forge_run(&ran, folder, command);
    assert_int_not_equal(ran.status, 0);
    if (!strstr(ran.err, reason))
        fail_msg("'%s' said: %s", command, ran.err);
}

static void test_a_foreign_checkpoint_is_refused(void **state)
{
    (void)state;
    run_well(TRAIN "--epochs 2 --checkpoint ck -o t.safetensors");
    refused("--data d --epochs 3 --batch 32 --resume ck", "recipe.epochs is 2 there and 3 here");
    refused("--data d --epochs 2 --batch 32 --optimizer adamw --resume ck", "recipe.");
    refused("--data other --epochs 2 --batch 32 --resume ck", "data is ");
    refused("--data d --epochs 2 --batch 32 --resume missing", "missing");
    refused("--data d --epochs 2 --batch 32 --resume m.safetensors", "no checkpoint");
    refused("--data d --epochs 2 --batch 32 --candidates 2 --resume ck", "--candidates 1");
    run_well("build --layers 64-24-4 --sparsity 0.5 --seed 4 -p image.classification --no-history -o m2.safetensors");
    forge_run(&ran, folder,
              "train m2.safetensors --data d --epochs 2 --batch 32 --no-history --resume ck -o n.safetensors");
    assert_non_null(strstr(ran.err, "model is "));
}

/* A copy of the file's bytes as checkpoint_parse() takes them. */
static int parse(const void *data, size_t size, struct checkpoint *out, struct reason *why)
{
    void *copy = NULL;
    size_t length;

    data = data ? data : "";
    assert_int_equal(file_write(scratch_path(folder, "cut"), &(struct file_part){ data, size }, 1, why), 0);
    assert_int_equal(file_read(scratch_path(folder, "cut"), 1 << 24, &copy, &length, why), 0);
    return checkpoint_parse(copy, length, out, why);
}

/* Cut anywhere, or with any bit changed. */
static void test_a_damaged_checkpoint_is_refused(void **state)
{
    struct checkpoint c;
    struct reason why;
    size_t size;
    char *data;

    (void)state;
    run_well(TRAIN "--epochs 2 --checkpoint ck -o t.safetensors");
    data = slurp(scratch_path(folder, "ck"), &size);
    assert_ok(parse(data, size, &c, &why), why);
    assert_int_equal(c.array_count, 3);
    checkpoint_deinit(&c);
    for (size_t cut = 0; cut < size; cut += 1 + size / 61)
        assert_int_equal(parse(data, cut, &c, &why), WISP_E_FORMAT);
    for (size_t at = 0; at < size; at += 1 + size / 211) {
        data[at] ^= (char)(1 << at % 8);
        if (parse(data, size, &c, &why) != WISP_E_FORMAT)
            fail_msg("byte %zu of %zu is changed, and nobody says so", at, size);
        data[at] ^= (char)(1 << at % 8);
    }
    free(data);
}

/* The places of connections, beside the values. A file of another version is none to go on from: what it does not say
 * may be otherwise by now. */
static void test_places_are_kept(void **state)
{
    static const float values[16] = { 1, 2, 3 };
    static const uint64_t places[16] = { 4, 5, UINT64_C(1) << 40 }, best[16] = { 7, 8, 9 };
    struct checkpoint c = { .run = json_object(),
                            .result = json_object(),
                            .length = 16,
                            .array_count = 1,
                            .places_count = 2,
                            .arrays = { { "values", values, 16 } },
                            .places = { { "places", places }, { "best_places", best } } };
    struct checkpoint got;
    struct reason why;
    char *data, *version;
    size_t size;

    (void)state;
    assert_ok(checkpoint_write(&c, scratch_path(folder, "places"), &why), why);
    assert_ok(checkpoint_read(scratch_path(folder, "places"), &got, &why), why);
    assert_memory_equal(checkpoint_places(&got, "places"), places, sizeof places);
    assert_memory_equal(checkpoint_places(&got, "best_places"), best, sizeof best);
    assert_memory_equal(checkpoint_array(&got, "values", 16), values, sizeof values);
    assert_null(checkpoint_places(&got, "values"));
    checkpoint_deinit(&got);
    c.places_count = 0;
    assert_ok(checkpoint_write(&c, scratch_path(folder, "places"), &why), why);
    data = slurp(scratch_path(folder, "places"), &size);
    version = strstr(data + 8, "\\\"version\\\":3"); /* quoted in the header's JSON */
    assert_non_null(version);
    for (int other = '2'; other <= '4'; other += 2) {
        version[12] = (char)other;
        assert_int_equal(checksum_seal(data, size), 0);
        assert_int_equal(parse(data, size, &got, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, "; this wisp reads version 3"));
    }
    free(data);
    json_decref(c.run);
    json_decref(c.result);
}

/* Labels that the run gave, a number a sample and not a parameter. */
static void test_labels_are_kept(void **state)
{
    static const float values[16] = { 1, 2, 3 };
    static const int32_t labels[5] = { 2, -1, 0, 7, -1 };
    struct checkpoint c = { .run = json_object(),
                            .result = json_object(),
                            .length = 16,
                            .array_count = 1,
                            .arrays = { { "values", values, 16 } },
                            .labels = labels,
                            .label_count = 5 };
    struct checkpoint got;
    struct reason why;

    (void)state;
    assert_ok(checkpoint_write(&c, scratch_path(folder, "labels"), &why), why);
    assert_ok(checkpoint_read(scratch_path(folder, "labels"), &got, &why), why);
    assert_int_equal(got.label_count, 5);
    assert_memory_equal(got.labels, labels, sizeof labels);
    assert_memory_equal(checkpoint_array(&got, "values", 16), values, sizeof values);
    assert_int_equal(got.length, 16);
    checkpoint_deinit(&got);
    assert_null(got.labels);
    json_decref(c.run);
    json_decref(c.result);
}

/* Arrays of a network beside it, and of another length. */
static void test_what_is_beside_is_kept(void **state)
{
    static const float values[16] = { 1, 2, 3 }, beside[8] = { 4, 5 }, slot[8] = { 6, 7 };
    struct checkpoint c = {
        .run = json_object(),
        .result = json_object(),
        .has_beside = true,
        .beside = { .loss = 0.5, .samples = 64, .correct = 40 },
        .length = 16,
        .array_count = 3,
        .arrays = { { "values", values, 16 }, { "adversary", beside, 8 }, { "adversary_slot0", slot, 8 } }
    };
    struct checkpoint got;
    struct reason why;

    (void)state;
    assert_ok(checkpoint_write(&c, scratch_path(folder, "beside"), &why), why);
    assert_ok(checkpoint_read(scratch_path(folder, "beside"), &got, &why), why);
    assert_memory_equal(checkpoint_array(&got, "adversary", 8), beside, sizeof beside);
    assert_memory_equal(checkpoint_array(&got, "adversary_slot0", 8), slot, sizeof slot);
    assert_null(checkpoint_array(&got, "adversary", 16));
    assert_int_equal(got.length, 16);
    assert_true(got.has_beside);
    assert_memory_equal(&got.beside, &c.beside, sizeof got.beside);
    checkpoint_deinit(&got);
    c.arrays[2].length = 7;
    assert_ok(checkpoint_write(&c, scratch_path(folder, "beside"), &why), why);
    assert_int_equal(checkpoint_read(scratch_path(folder, "beside"), &got, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "\"adversary_slot0\" has 7 elements, \"adversary\" has 8"));
    json_decref(c.run);
    json_decref(c.result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupted_and_resumed_is_not_interrupted),
        cmocka_unit_test(test_killed_and_resumed_is_not_killed),
        cmocka_unit_test(test_layers_of_chance_are_resumed),
        cmocka_unit_test(test_connections_are_resumed),
        cmocka_unit_test(test_a_foreign_checkpoint_is_refused),
        cmocka_unit_test(test_a_damaged_checkpoint_is_refused),
        cmocka_unit_test(test_places_are_kept),
        cmocka_unit_test(test_labels_are_kept),
        cmocka_unit_test(test_what_is_beside_is_kept),
    };

    return cmocka_run_group_tests(tests, prepare, clean);
}
