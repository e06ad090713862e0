/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp train --adversary from the command line: what does not go together is refused with what to do, and what does is
 * trained, told and saved.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../process.h"
#include "base/size.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

#define NOISE   "train g -D d --no-history "
#define TABLE   "train line -D numbers.tsv --target-columns 1,3 --text-column 2 --no-history "
#define PLAYING "--adversary a "

static const char *folder;
static struct ran ran;

static void make(const char *name, const char *more, const char *document)
{
    char path[32], command[256];
    FILE *file;

    snprintf(path, sizeof path, "%s.yaml", name);
    file = fopen(scratch_path(folder, path), "w");
    assert_non_null(file);
    fprintf(file, "name: %s\n%s\n", name, document);
    assert_int_equal(fclose(file), 0);
    snprintf(command, sizeof command, "build --structure %s -d 0.5 --no-history -n %s%s -o %s", path, name, more, name);
    forge_run_well(&ran, folder, command);
}

static int prepare(void **state)
{
    FILE *file;

    (void)state;
    folder = scratch_make();
    setenv("WISP_DB", scratch_path(folder, "structures.db"), 1);
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 100, 10);
    file = fopen(scratch_path(folder, "numbers.tsv"), "w");
    assert_non_null(file);
    for (int i = 0; i < 60; i++)
        fprintf(file, "%d\tword%d\t%d\n", i % 3, i % 5, -i % 5);
    assert_int_equal(fclose(file), 0);
    make("g", "",
         "processing: image.generation\ninputs: {noise: [6]}\n"
         "layers: [{linear: {neurons: 16, from: noise}}, tanh, {linear: 64}]");
    make("a", "", "processing: image.generation\ninput: [64]\nlayers: [{linear: 16}, tanh, {linear: 1}]");
    make("deep", "",
         "processing: image.generation\ninput: [64]\n"
         "layers: [{linear: 16}, relu, {linear: 16}, relu, {linear: 16}, relu, {linear: 1}]");
    make("sure", "", "processing: image.generation\ninput: [64]\nlayers: [{linear: 16}, tanh, {linear: 1}, sigmoid]");
    make("narrow", "", "processing: image.generation\ninput: [63]\nlayers: [{linear: 1}]");
    make("wide", "", "processing: image.generation\ninput: [64]\nlayers: [{linear: 2}]");
    make("class", "", "processing: image.classification\ninput: [64]\nlayers: [{linear: 4}, softmax]");
    make("classes", "", "processing: image.classification\ninput: [64]\nlayers: [{linear: 1}, softmax]");
    make("seeing", "",
         "processing: image.generation\ninputs: {made: [64], given: [6]}\n"
         "layers: [{concat: {from: [made, given]}}, {linear: 1}]");
    make("line", " -m {\"kind\":\"text\",\"features\":64}",
         "processing: text.classification\ninput: [64]\nlayers: [{linear: 2}]");
    make("yes", " -m {\"kind\":\"text\",\"features\":64}",
         "processing: text.classification\ninput: [64]\nlayers: [{linear: 3}, sigmoid]");
    make("pair", "", "processing: text.classification\ninput: [2]\nlayers: [{linear: 8}, relu, {linear: 1}]");
    make("beside", "",
         "processing: text.classification\ninputs: {made: [2], given: [64]}\n"
         "layers: [{concat: {from: [made, given]}}, {linear: 8}, relu, {linear: 1}]");
    make("three", "",
         "processing: text.classification\ninputs: {made: [2], given: [64], more: [1]}\n"
         "layers: [{concat: {from: [made, given, more]}}, {linear: 1}]");
    make("other", "",
         "processing: text.classification\ninputs: {made: [2], given: [63]}\n"
         "layers: [{concat: {from: [made, given]}}, {linear: 1}]");
    make("noisy", "",
         "processing: text.classification\ninputs: {noise: [3], words: [64]}\n"
         "layers: [{concat: {from: [words, noise]}}, {linear: 2}]");
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static const struct refusal refusals[] = {
    /* what does not go together */
    { NOISE "-o x", 2, "g makes samples of noise, and learns that of another network alone: name one by --adversary" },
    { "eval g -D d", 65,
      "g makes samples of noise; data say of none what it should have been, so there is nothing to evaluate" },
    { TABLE "--save-adversary y -o x", 2, "--save-adversary needs --adversary, the network to train and save" },
    { TABLE "--adversarial 2 -o x", 2, "--adversarial and --adversarial-loss are for an --adversary; name one" },
    { TABLE "--loss none -o x", 2, "--loss none leaves it to an --adversary what is learned, and there is none" },
    { NOISE PLAYING "--loss mse -o x", 2,
      "--loss mse compares with what the data say, and of noise they say nothing; leave it out" },
    { NOISE PLAYING "--teacher a -o x", 2,
      "--adversary tells what is made from what the data say: leave out --teacher and --unlabelled" },
    { NOISE PLAYING "--unlabelled d -o x", 2,
      "--adversary tells what is made from what the data say: leave out --teacher and --unlabelled" },
    { NOISE PLAYING "--candidates 2 -o x", 2,
      "--candidates is not for a network that is trained against an --adversary; leave it out" },
    { NOISE PLAYING "--rate auto -o x", 2,
      "--rate auto is not for a network that is trained against an --adversary; leave it out" },
    { NOISE PLAYING "--prune snip=0.5 -o x", 2,
      "--prune is not for a network that is trained against an --adversary; leave it out" },
    { NOISE PLAYING "--validation 0.1 -o x", 2,
      "--loss none measures nothing on what is held back: leave out --validation, --keep best, --patience and "
      "--until-accuracy; --steps, --minutes and --epochs end it" },
    { NOISE PLAYING "--input-dropout 0.1 -o x", 2, "--input-dropout drops of what goes in, and that is noise" },
    { NOISE PLAYING "--adversarial-loss cross -o x", 2, "--adversarial-loss cross: give logistic or hinge" },
    { NOISE PLAYING "--adversarial-loss hinge --label-smoothing 0.1 -o x", 2,
      "--label-smoothing smooths what an adversary takes for real; hinge has none" },
    { NOISE PLAYING "--save-adversary x -o x", 2,
      "--save-adversary x is also to be written by -o; give one of them another name" },
    { NOISE PLAYING "-o a", 2, "-o a would be written over the adversary; give it another name" },
    /* networks that do not */
    { NOISE "--adversary none -o x", 65, "--adversary: cannot open none: No such file or directory" },
    { NOISE "--adversary narrow -m {\"kind\":\"image\",\"width\":9,\"height\":7,\"channels\":1} -o x", 65,
      "--adversary narrow: it reads 63 numbers, but g gives 64" },
    { NOISE "--adversary wide -o x", 65,
      "--adversary wide: it gives 2 numbers; an adversary gives one, for real or generated" },
    { NOISE "--adversary classes -o x", 65,
      "--adversary classes: layer softmax1: it ends in a softmax, but an adversary in the one number before that, or a "
      "sigmoid of it" },
    { NOISE "--adversary seeing -o x", 65,
      "--adversary seeing: its second input is for what g was given, which is noise alone" },
    { TABLE "--adversary other -o x", 65,
      "--adversary other: its second input has 63 numbers, but what line is given has 64" },
    { TABLE "--adversary three -o x", 65,
      "--adversary three: it has 3 inputs; an adversary has one, for what line gives, and perhaps a second, for what "
      "that was given" },
    { "train yes -D numbers.tsv --label-column 1 --label-separator | --text-column 2 --no-history --adversary pair -o "
      "x",
      65, "--adversary pair: it reads 2 numbers, but yes gives 3" },
    { "train class -D d --no-history --adversary wide -o x", 65,
      "--adversary wide: the loss cross-entropy is of classes or words, and an adversary reads numbers, as what class "
      "is "
      "to give; give --loss binary-cross-entropy, dice, mse, l1 or none" },
    /* one of them diverges */
    { NOISE "--adversary deep --adversarial 1e-6 --optimizer sgd --rate 1000 --warmup 0 -e 90 -b 16 --quiet -o x", 1,
      "the loss of deep is no number any more (epoch 1, rate 1000): the training diverged; try a lower --rate (a third "
      "of it), or a longer --warmup; with --validation above 0 or a --checkpoint the last good weights are saved" },
};

static void test_refusals(void **state)
{
    (void)state;
    forge_refuses(&ran, folder, refusals, ARRAY_SIZE(refusals));
}

/* The last event of a name that a training told. */
static json_t *last_event(const char *name)
{
    json_t *found = NULL;

    for (char *line = strtok(ran.out, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *event = json_loads(line, 0, NULL);

        assert_non_null(event);
        if (!strcmp(json_string_value(json_object_get(event, "event")), name)) {
            json_decref(found);
            found = json_incref(event);
        }
        json_decref(event);
    }
    assert_non_null(found);
    return found;
}

/* What is served has nothing to say of files; but where it is from, and what its numbers are. */
static void check_made(void)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, "made"), &model, &why), why);
    assert_string_equal(model->signature.inputs[0].name, "noise");
    assert_null(model->media);
    assert_non_null(strstr(model->lineage, "\"adversary\":{\"name\":\"sure\",\"identity\":\"xxh3-128:"));
    assert_non_null(strstr(model->lineage, "\"adversarial\":{\"hinge\":0.5}"));
    assert_non_null(strstr(model->lineage, "\"media\":{\"kind\":\"image\",\"width\":8"));
    model_free(model);
}

static void test_samples_are_made_of_noise(void **state)
{
    json_t *epoch;
    double accuracy;

    (void)state;
    forge_run_well(&ran, folder,
                   NOISE
                   "--adversary sure --epochs 2 --adversarial-loss hinge --adversarial 0.5 --regrow set --json -n made "
                   "-o made --save-adversary told --checkpoint ck");
    epoch = last_event("epoch");
    accuracy = json_number_value(json_object_get(epoch, "adversary_accuracy"));
    assert_true(accuracy > 0.25 && accuracy <= 1);
    assert_true(json_number_value(json_object_get(epoch, "adversary_loss")) > 0);
    json_decref(epoch);
    check_made();
    forge_run_well(
        &ran, folder,
        NOISE "--adversary sure --epochs 2 --adversarial-loss hinge --adversarial 0.5 --regrow set -n made -o again "
              "--save-adversary told2 --threads 1");
    assert_same_bytes(folder, "made", "again");
    assert_same_bytes(folder, "told", "told2");
    forge_run(&ran, folder,
              NOISE PLAYING "--epochs 2 --adversarial-loss hinge --adversarial 0.5 --regrow set --resume ck -o x");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "it is of another run: adversary is \"xxh3-128:"));
}

/* With --dense both networks are, and the adversary is the one that is built so. */
static void test_both_are_dense(void **state)
{
    struct model *model, *other;
    struct reason why;

    (void)state;
    forge_run_well(&ran, folder, NOISE PLAYING "--dense --epochs 1 -n made -o twin --save-adversary twin-a");
    assert_ok(model_read(scratch_path(folder, "twin-a"), &model, &why), why);
    assert_int_equal(model_connections(model), 64 * 16 + 16);
    forge_run_well(&ran, folder, "build --structure a.yaml -d 1 --no-history -n a -o dense-a");
    forge_run_well(&ran, folder, "build --structure g.yaml -d 1 --no-history -n g -o dense-g");
    forge_run_well(&ran, folder,
                   "train dense-g -D d --no-history --adversary dense-a --epochs 1 -n made -o other --save-adversary "
                   "other-a");
    assert_ok(model_read(scratch_path(folder, "other-a"), &other, &why), why);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct csr *one = &model->layers[i].weight, *two = &other->layers[i].weight;

        assert_int_equal(one->count, two->count);
        if (one->count)
            assert_memory_equal(one->values, two->values, one->count * sizeof *one->values);
    }
    model_free(other);
    model_free(model);
}

/* Beside a loss of their own, with and without noise; and a network that has both is one to evaluate. */
static void test_numbers_are_learned_beside(void **state)
{
    json_t *result;

    (void)state;
    forge_run_well(&ran, folder,
                   TABLE "--adversary beside --adversarial 0.01 -e 40 -r 0.05 --validation 0.2 -o x --json");
    result = last_event("epoch");
    assert_true(json_number_value(json_object_get(result, "validation_loss")) < 1);
    json_decref(result);
    forge_run_well(
        &ran, folder,
        "train noisy -D numbers.tsv -m {\"kind\":\"text\",\"features\":64} --target-columns 1,3 --text-column 2 "
        "--no-history --adversary beside -e 2 -o y");
    forge_run_well(&ran, folder, "eval y -D numbers.tsv --target-columns 1,3 --text-column 2 --json");
    result = json_loads(ran.out, 0, NULL);
    assert_true(json_number_value(json_object_get(result, "mse")) > 0);
    json_decref(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_samples_are_made_of_noise),
        cmocka_unit_test(test_both_are_dense),
        cmocka_unit_test(test_numbers_are_learned_beside),
    };

    return cmocka_run_group_tests(tests, prepare, clean);
}
