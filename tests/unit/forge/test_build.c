/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp build and wisp structure as processes: what they print, that a seed decides every bit, and what they refuse.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "process.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

static void write_file(const char *folder, const char *name, const char *text)
{
    FILE *file = fopen(scratch_path(folder, name), "wb");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_build_prints_what_it_made(void **state)
{
    const char *folder = scratch_make();
    static struct ran ran;
    struct stat file;
    json_t *object, *layers;
    json_int_t connections = 0;

    (void)state;
    forge_run(&ran, folder, "build --layers 784-1000-1000-1000-10 --sparsity 0.95 --seed 7 -o m.safetensors --json");
    if (ran.status)
        fail_msg("%s", ran.err);
    object = json_loads(ran.out, 0, NULL);
    assert_non_null(object);
    layers = json_object_get(object, "layers");
    assert_int_equal(json_array_size(layers), 4);
    for (size_t i = 0; i < 4; i++)
        connections += json_integer_value(json_object_get(json_array_get(layers, i), "connections"));
    assert_int_equal(connections, 139700);
    assert_int_equal(json_integer_value(json_object_get(object, "connections")), 139700);
    assert_int_equal(json_integer_value(json_object_get(object, "seed")), 7);
    assert_int_equal(stat(scratch_path(folder, "m.safetensors"), &file), 0);
    assert_int_equal(json_integer_value(json_object_get(object, "file_bytes")), file.st_size);
    /* Never more than six bytes a connection, and what rows and biases cost. */
    assert_true(file.st_size < 139700 * 6 + 3010 * 12 + 8192);
    json_decref(object);
    scratch_remove(folder);
}

static void test_build_makes_the_model_it_says(void **state)
{
    const char *folder = scratch_make();
    struct model *model;
    struct reason why;
    static struct ran ran;

    (void)state;
    write_file(folder, "labels.txt", "\xef\xbb\xbfja\nnein\n"); /* with a mark, which is no letter of a label */
    forge_run(&ran, folder,
              "build --layers 16-8-2 --density 0.5 -o m.safetensors --name two --processing text.classification "
              "--media {\"kind\":\"text\",\"features\":16} --labels labels.txt");
    if (ran.status)
        fail_msg("%s", ran.err);
    assert_ok(model_read(scratch_path(folder, "m.safetensors"), &model, &why), why);
    assert_string_equal(model->name, "two");
    assert_string_equal(model->processing, "text.classification");
    assert_int_equal(model->layer_count, 4);
    assert_int_equal(model_connections(model), 72);
    assert_int_equal(model->label_count, 2);
    assert_string_equal(model->labels[0], "ja");
    assert_string_equal(model->labels[1], "nein");
    assert_non_null(strstr(model->media, "\"features\":16"));
    assert_non_null(strstr(model->lineage, "\"structure\":\"16-8-2\""));
    model_free(model);
    scratch_remove(folder);
}

static void test_same_seed_same_bits(void **state)
{
    const char *folder = scratch_make();
    size_t sizes[3];
    char *files[3];
    static struct ran ran;

    (void)state;
    forge_run(&ran, folder, "build --layers 300-200-10 --sparsity 0.9 --seed 5 --name x -o a.safetensors");
    assert_int_equal(ran.status, 0);
    forge_run(&ran, folder, "build --layers 300-200-10 --sparsity 0.9 --seed 5 --name x -o b.safetensors");
    assert_int_equal(ran.status, 0);
    forge_run(&ran, folder, "build --layers 300-200-10 --sparsity 0.9 --seed 6 --name x -o c.safetensors");
    assert_int_equal(ran.status, 0);
    files[0] = slurp(scratch_path(folder, "a.safetensors"), &sizes[0]);
    files[1] = slurp(scratch_path(folder, "b.safetensors"), &sizes[1]);
    files[2] = slurp(scratch_path(folder, "c.safetensors"), &sizes[2]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(files[0], files[1], sizes[0]);
    assert_true(sizes[0] != sizes[2] || memcmp(files[0], files[2], sizes[0]) != 0);
    for (size_t i = 0; i < 3; i++)
        free(files[i]);
    scratch_remove(folder);
}

static void test_without_output_nothing_is_written(void **state)
{
    const char *folder = scratch_make();
    static struct ran ran;

    (void)state;
    forge_run(&ran, folder, "build --layers 784-1000-1000-1000-10 --sparsity 0.95");
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "0.044848"));
    assert_non_null(strstr(ran.out, "dense"));
    assert_non_null(strstr(ran.out, "1 of 4 layers fully connected"));
    forge_run(&ran, folder, "structure show --layers 784-1000-1000-1000-10 --sparsity 0.95 --json");
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "\"connections\":139700"));
    assert_int_equal(unlink(scratch_path(folder, "stdout")), 0);
    assert_int_equal(unlink(scratch_path(folder, "stderr")), 0);
    assert_int_equal(rmdir(folder), 0);
    scratch_remove(folder);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *command;
        int status;
        const char *said;
    } bad[] = {
        { "bild", 2, "did you mean 'build'?" },
        { "zzzzzz", 2, "see 'wisp-forge --help'" },
        { "build", 2, "--layers is missing" },
        { "build --layers 784-10", 2, "--sparsity is missing" },
        { "build --layers 784-1x-10 --sparsity 0.5", 2, "character 6" },
        { "build --layers 784-10 --sparsity 0.5 --outputs 3", 2, "--outputs is of a --structure" },
        { "build --layers 784-10 --sparsity 1", 2, "from 0 to 1 (exclusive)" },
        { "build --layers 784-10 --sparsity -0.1", 2, "from 0 to 1" },
        { "build --layers 784-10 --sparsity 95", 2, "from 0 to 1" },
        { "build --layers 784-10 --sparsity 0.5x", 2, "give a number" },
        { "build --layers 784-10 --sparsity nan", 2, "give a number" },
        { "build --layers 784-10 --sparsity 0.5 -p foo.bar", 2,
          "no processing type foo.bar; it is raw, or begins with image" },
        { "build --layers 784-10 --sparsity 0.5 -p image.clasification", 2, "did you mean image.classification?" },
        { "build --layers 784-10 --sparsity 0.5 -p image.segmentation", 2,
          "ends in a softmax classifies, which is not" },
        { "build --layers 784-10 --density 0", 2, "--density 0" },
        { "build --layers 784-10 --density 1.5", 2, "--density 1.5" },
        { "build --layers 784-10 --sparsity 0.5 --density 0.5", 2, "give one of them" },
        { "build --layers 784-10 --sparsty 0.5", 2, "did you mean '--sparsity'?" },
        { "build --layers 784-10 --sparsity", 2, "needs a value" },
        { "build --layers 784-10 --sparsity 0.5 --json=yes", 2, "--json takes no value" },
        { "build --layers 784-10 --sparsity 0.5 -Z", 2, "unknown option '-Z'" },
        { "build --layers 784-10 --sparsity 0.5 extra", 2, "'extra' is not expected" },
        { "build --layers 784-10 --sparsity 0.5 --method snip", 2, "give er, erk, erk+, uniform, uniform+ or fixed" },
        { "build --layers 784-10 --sparsity 0.5 --seed -1", 2, "--seed -1" },
        { "build --layers 784-10 --sparsity 0.5 --seed 99999999999999999999", 2, "--seed" },
        { "build --layers 784-10 --sparsity 0.5 --processing Image! -o m", 2, "--processing" },
        { "build --layers 784-10 --sparsity 0.5 -o no/where/m", 1, "folder no/where" },
        { "build --layers 784-10 --sparsity 0.5 -o .", 1, "is a directory" },
        { "build --layers 784-10 --sparsity 0.5 -o m --labels none.txt", 65, "none.txt" },
        { "build --layers 784-10 --sparsity 0.5 -o m --labels labels.txt", 65, "2 labels, but the last layer has 10" },
        { "build --layers 784-10 --sparsity 0.5 -o m --media {\"kind\":", 65, "--media the JSON, line 1" },
        { "build --layers 784-10 --sparsity 0.5 -o m --media {\"kind\":\"text\",\"features\":9}", 65, "784 neurons" },
        { "build --layers 784-10 --sparsity 0.5 -o m --media none.json", 65, "none.json" },
        { "build --structure words.yaml -s 0.5 -o m --media {\"kind\":\"text\",\"features\":41,\"sequence\":8}", 65,
          "the JSON: \"features\" is 41, and input \"input\" looks up 40 words: give \"features\": 40" },
        { "structure", 2, "usage" },
        { "structure sho", 2, "unknown action 'sho'" },
        { "train", 2, "the model file (made by 'wisp build') is missing" },
        { "train m --data d", 2, "-o is missing" },
        { "train m --data d -o t --schedule sine", 2, "give cosine, one-cycle, step or constant" },
        { "train m --data d -o t --augment shift", 2, "--augment 'shift'" },
        { "train m --data d -o t --augment shift=2,flop=1", 2, "--augment 'flop=1'" },
        { "train m --data d -o t --candidates 3 --validation 0", 2, "--candidates needs" },
        { "train m --data d -o t --batch 0", 2, "--batch 0" },
        { "train none.safetensors --data d -o t", 65, "none.safetensors" },
        { "train labels.txt --data d -o t", 65, "labels.txt" },
        { "train m --data d -o no/where/t", 1, "folder no/where" },
        { "eval", 2, "the model file is missing" },
        { "eval none.safetensors --data d", 65, "none.safetensors" },
    };
    const char *folder = scratch_make();
    static struct ran ran;

    (void)state;
    write_file(folder, "labels.txt", "a\nb\n");
    write_file(folder, "words.yaml",
               "name: words\nprocessing: text.generation\ninput: [8]\nlayers:\n"
               "  - embedding: {vocabulary: 40, neurons: 4}\n  - projection: {neurons: 40}\n");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        forge_run(&ran, folder, bad[i].command);
        if (ran.status != bad[i].status || !strstr(ran.err, bad[i].said))
            fail_msg("'%s' ended with %d and said: %s", bad[i].command, ran.status, ran.err);
        if (*ran.out)
            fail_msg("'%s' wrote to stdout: %s", bad[i].command, ran.out);
    }
    scratch_remove(folder);
}

static void test_help_is_data_on_stdout(void **state)
{
    static const char *const commands[] = { "--help",       "build --help", "structure --help", "structure show --help",
                                            "train --help", "eval -h",      "--version" };
    const char *folder = scratch_make();
    static struct ran ran;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        forge_run(&ran, folder, commands[i]);
        if (ran.status || !*ran.out || *ran.err)
            fail_msg("'%s' ended with %d and said: %s", commands[i], ran.status, ran.err);
    }
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_prints_what_it_made),
        cmocka_unit_test(test_build_makes_the_model_it_says),
        cmocka_unit_test(test_same_seed_same_bits),
        cmocka_unit_test(test_without_output_nothing_is_written),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_help_is_data_on_stdout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
