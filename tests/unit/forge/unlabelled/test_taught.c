/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp train --teacher as a process: data without labels, what the pupil takes over, checkpoints, and what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../process.h"
#include "base/size.h"
#include "forge/plan/assemble.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

static const char *folder;
static struct ran ran;

/* A trained teacher t, an untrained pupil p, the data d, and the same without labels in u. */
static int prepare(void **state)
{
    (void)state;
    folder = scratch_make();
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(folder, "u"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 200);
    assert_int_equal(
        link(scratch_path(folder, "d/train-images-idx3-ubyte"), scratch_path(folder, "u/train-images-idx3-ubyte")), 0);
    forge_run_well(&ran, folder,
                   "build --layers 64-32-4 --density 1 --seed 3 --processing image.classification -o m.safetensors");
    forge_run_well(&ran, folder, "train m.safetensors --data d --epochs 8 --batch 16 -o t.safetensors");
    forge_run_well(&ran, folder, "build --layers 64-24-4 --sparsity 0.6 --seed 4 -o p.safetensors");
    return 0;
}

static int tidy(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* With labels in the data or without, since none are read; and the pupil is good at what no label has told it. */
static void test_labels_are_not_read(void **state)
{
    struct model *model, *other;
    struct reason why;
    const char *at;

    (void)state;
    forge_run_well(&ran, folder,
                   "train p.safetensors --data d --teacher t.safetensors --epochs 8 --batch 16 --name x "
                   "--no-history -o d.safetensors");
    forge_run_well(&ran, folder,
                   "train p.safetensors --data u --teacher t.safetensors --epochs 8 --batch 16 --name x "
                   "--no-history -o u.safetensors");
    assert_ok(model_read(scratch_path(folder, "u.safetensors"), &model, &why), why);
    assert_string_equal(model->processing, "image.classification");
    assert_int_equal(model->label_count, 4);
    assert_non_null(strstr(model->lineage, "\"temperature\""));
    assert_non_null(strstr(model->lineage, "\"teacher\""));
    assert_ok(model_read(scratch_path(folder, "d.safetensors"), &other, &why), why);
    for (uint32_t i = 0; i < model->layer_count; i++)
        assert_memory_equal(model->layers[i].weight.values, other->layers[i].weight.values,
                            model->layers[i].weight.count * sizeof(float));
    model_free(other);
    model_free(model);
    forge_run_well(&ran, folder, "eval u.safetensors --data d");
    at = strstr(ran.out, "\naccuracy ");
    assert_non_null(at);
    assert_true(strtod(at + strlen("\naccuracy "), NULL) > 90);
}

/* The checkpoint of a run knows who taught it. */
static void test_it_goes_on_with_the_same_teacher(void **state)
{
#define RUN "train p.safetensors --data u --batch 16 --name x --no-history --augment shift=1 "
    (void)state;
    forge_run_well(&ran, folder, RUN "--epochs 4 --teacher t.safetensors --threads 1 -o a.safetensors");
    forge_run_well(&ran, folder,
                   RUN "--epochs 4 --teacher t.safetensors --checkpoint c --until-accuracy 0.01 -o x.safetensors");
    forge_run_well(&ran, folder, RUN "--epochs 4 --teacher t.safetensors --resume c --threads 3 -o b.safetensors");
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
    forge_run_well(&ran, folder, "train m.safetensors --data d --epochs 1 -o m2.safetensors");
    forge_run(&ran, folder, RUN "--epochs 4 --teacher m2.safetensors --resume c -o b.safetensors");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "it is of another run: teacher is \"xxh3-128:"));
    forge_run(&ran, folder,
              "train p.safetensors -p image.classification --data d --batch 16 --epochs 4 --resume c -o b.safetensors");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "it is of another run: teacher is \"xxh3-128:"));
    assert_non_null(strstr(ran.err, "\" there and missing here"));
#undef RUN
}

static void refused(const char *command, int status, const char *says)
{
    forge_run(&ran, folder, command);
    if (ran.status != status || !strstr(ran.err, says))
        fail_msg("%s\n%d: %s\n  wanted: %s", command, ran.status, ran.err, says);
}

static void test_what_cannot_be_taught(void **state)
{
    (void)state;
    refused("train p.safetensors --data u --teacher none.safetensors -o x.safetensors", 65, "--teacher: ");
    refused("train p.safetensors --data u --teacher m.safetensors -o x.safetensors", 65,
            "--teacher m.safetensors: it does not say how inputs become tensors; was it trained?");
    refused("train p.safetensors --data u --teacher t.safetensors --label-smoothing 0.1 -o x.safetensors", 2,
            "--label-smoothing is for labels; a teacher's answers are softened by --temperature");
    refused("train p.safetensors --data u --teacher t.safetensors --loss mse -o x.safetensors", 2,
            "--loss mse is of numbers, and p.safetensors has classes to learn of its teacher; leave --loss out");
    refused("train p.safetensors --data u --teacher t.safetensors --balance full -o x.safetensors", 2,
            "--balance counts labels, and with --teacher none are read");
    refused("train p.safetensors --data d --processing image.classification --temperature 3 -o x.safetensors", 2,
            "--temperature is for the classes that a --teacher says");
    refused("train p.safetensors --data u -p image.classification -o x.safetensors", 65, "pictures without labels");
    forge_run_well(&ran, folder, "build --layers 64-24-5 --sparsity 0.6 --seed 4 -o q.safetensors");
    refused("train q.safetensors --data u --teacher t.safetensors -o x.safetensors", 65,
            "--teacher t: it has 4 outputs, the pupil has 5; build the pupil with --layers …-4");
}

/* A teacher that would be asked for words that it does not know. */
static void test_a_teacher_knows_the_words_that_it_reads(void **state)
{
    static const char document[] = "name: w\nprocessing: text.classification\ninput: [8]\nlayers:\n"
                                   "  - embedding: {vocabulary: 40, neurons: 4}\n  - linear: 2\n  - softmax\n";
    struct model *model;
    struct reason why;
    FILE *file = fopen(scratch_path(folder, "w.yaml"), "w");

    (void)state;
    assert_non_null(file);
    assert_true(fputs(document, file) >= 0);
    assert_int_equal(fclose(file), 0);
    forge_run_well(&ran, folder, "build --structure w.yaml -s 0.5 --no-history -o w");
    assert_ok(model_read(scratch_path(folder, "w"), &model, &why), why);
    assert_int_equal(model_set_text(&model->media, "{\"kind\":\"text\",\"features\":41,\"sequence\":8}"), 0);
    assert_int_equal(model_set_labels(model, (char *[]){ (char[]){ "hot" }, (char[]){ "wet" } }, 2), 0);
    assert_ok(model_write(model, scratch_path(folder, "w"), &why), why);
    model_free(model);
    forge_run(&ran, folder, "train p.safetensors --data u --teacher w --no-history -o x");
    assert_int_equal(ran.status, 65);
    assert_non_null(strstr(ran.err, "--teacher w, media: \"features\" is 41, and input \"input\" looks up 40 words"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_not_read),
        cmocka_unit_test(test_it_goes_on_with_the_same_teacher),
        cmocka_unit_test(test_what_cannot_be_taught),
        cmocka_unit_test(test_a_teacher_knows_the_words_that_it_reads),
    };

    return cmocka_run_group_tests(tests, prepare, tidy);
}
