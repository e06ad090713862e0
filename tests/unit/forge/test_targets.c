/* SPDX-License-Identifier: Apache-2.0
 *
 * What samples are to come out as besides one class: several labels, or numbers. From a table to what is learned.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "forge/data/dataset.h"
#include "process.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

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

static FILE *new_file(const char *name)
{
    FILE *file = fopen(scratch_path(folder, name), "w");

    assert_non_null(file);
    return file;
}

static int read_table(const char *text, const char *separator, const char *targets, struct dataset **out,
                      struct reason *why)
{
    FILE *file = new_file("t.tsv");

    fputs(text, file);
    fclose(file);
    *out = NULL;
    return dataset_read(&(struct dataset_wish){ .path = scratch_path(folder, "t.tsv"),
                                                .split = "train",
                                                .kind = MEDIA_TEXT,
                                                .label_separator = separator,
                                                .target_columns = targets },
                        out, why);
}

static void test_rows_have_several_labels_or_none(void **state)
{
    static const char *const expected[] = { "b a", "", "c", "a" };
    struct dataset *set;
    struct reason why;

    (void)state;
    assert_ok(read_table("b|a\tone\n\ttwo\nc\tthree\na|a\tfour\n", "|", NULL, &set, &why), why);
    assert_int_equal(set->count, 4);
    assert_int_equal(set->label_count, 3);
    for (size_t i = 0; i < 4; i++) {
        char names[32] = "";

        for (uint64_t k = set->set_starts[i]; k < set->set_starts[i + 1]; k++) {
            size_t length = strlen(names);

            snprintf(names + length, sizeof names - length, "%s%s", length ? " " : "", set->labels[set->set[k]]);
        }
        assert_string_equal(names, expected[i]);
    }
    dataset_free(set);
    assert_int_equal(read_table("a|\tone\nb\ttwo\n", "|", NULL, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "t.tsv:1: an empty label after the last '|'"));
    assert_int_equal(read_table("a||b\tone\nb\ttwo\n", "|", NULL, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "t.tsv:1: a label has 1 to"));
}

static void test_rows_have_numbers(void **state)
{
    struct dataset *set;
    struct reason why;

    (void)state;
    assert_ok(read_table("x\ttext\ty\n1.5\tone\t-2\n0\ttwo\t1e3\n", NULL, "y,x", &set, &why), why);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->number_count, 2);
    assert_int_equal(set->label_count, 0);
    assert_true(set->numbers[0] == -2 && set->numbers[1] == 1.5f && set->numbers[2] == 1000 && set->numbers[3] == 0);
    assert_memory_equal(set->texts[1].bytes, "two", 3);
    dataset_free(set);
    assert_int_equal(read_table("1\tone\nfew\ttwo\n", NULL, "1", &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "t.tsv:2: column 1: \"few\" is no finite number"));
    assert_int_equal(read_table("1\tone\ninf\ttwo\n", NULL, "1", &set, &why), WISP_E_FORMAT);
    assert_int_equal(read_table("1\tone\n2\ttwo\n", NULL, "3", &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "--target-columns 3: there is no such column"));
}

static void run_well(const char *command)
{
    forge_run_well(&ran, folder, command);
}

static double evaluate(const char *command, const char *key)
{
    json_t *result;
    double value;

    run_well(command);
    result = json_loads(ran.out, 0, NULL);
    assert_non_null(result);
    assert_true(json_is_number(json_object_get(result, key)));
    value = json_number_value(json_object_get(result, key));
    json_decref(result);
    return value;
}

/* Of four words some are said; the numbers are how many of two of them, twice, and whether of the others. */
static void write_numbers(const char *name, uint64_t seed)
{
    static const char *const words[] = { "anna", "otto", "quux", "zyzz" };
    struct rng rng = rng_make(seed, 0);
    FILE *file = new_file(name);

    fputs("sum\ttext\tany\n", file);
    for (int i = 0; i < 200; i++) {
        unsigned said = 1 + (unsigned)rng_below(&rng, 15);

        fprintf(file, "%u\t", 2 * ((said & 1) + (said >> 1 & 1)));
        for (unsigned w = 0; w < 4; w++)
            fprintf(file, "%s ", said >> w & 1 ? words[w] : "");
        fprintf(file, "\t%d\n", (said & 12) != 0);
    }
    assert_int_equal(fclose(file), 0);
}

#define NUMBERS "n.safetensors --target-columns sum,any --text-column text"

static void learn_numbers(const char *loss, double most)
{
    char command[256];

    snprintf(command, sizeof command,
             "train " NUMBERS " -D train.tsv -e 60 -r 0.01 --loss %s --no-history -o t.safetensors", loss);
    run_well(command);
    assert_true(evaluate("eval t.safetensors --target-columns sum,any -D test.tsv --json", "mse") < most);
    assert_true(evaluate("eval t.safetensors --target-columns sum,any -D test.tsv --json", "mae") < sqrt(most));
}

/* The variance of the two is about 0.6 in the mean: what always saying the mean would reach. */
static void test_numbers_are_learned(void **state)
{
    FILE *file;

    (void)state;
    write_numbers("train.tsv", 1);
    write_numbers("test.tsv", 2);
    file = new_file("n.yaml");
    fputs("structures:\n  - name: n\n    processing: text.classification\n    network: mlp\n    input: [256]\n"
          "    layers:\n      - linear: 32\n      - relu\n      - linear: 2\n",
          file);
    assert_int_equal(fclose(file), 0);
    run_well("build --structure n.yaml --sparsity 0.2 -o n.safetensors");
    learn_numbers("mse", 0.1);
    learn_numbers("l1", 0.15);
}

/* Each of four words is its own label; a text says from none to all of them. */
static void write_labels(const char *name, uint64_t seed)
{
    static const char *const words[] = { "anna", "otto", "quux", "zyzz" };
    struct rng rng = rng_make(seed, 0);
    FILE *file = new_file(name);

    for (int i = 0; i < 200; i++) {
        unsigned said = (unsigned)rng_below(&rng, 16);
        const char *between = "";

        for (unsigned w = 0; w < 4; w++) {
            fprintf(file, "%s%s", said >> w & 1 ? between : "", said >> w & 1 ? words[w] : "");
            between = said >> w & 1 ? "|" : between;
        }
        fputs("\tso ", file);
        for (unsigned w = 0; w < 4; w++)
            fprintf(file, "%s ", said >> w & 1 ? words[w] : "");
        fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
}

/* Training has found one for each label; a model that has been built alone has none. */
static void assert_thresholds(const char *file)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, "l.safetensors"), &model, &why), why);
    assert_null(model->thresholds);
    model_free(model);
    assert_ok(model_read(scratch_path(folder, file), &model, &why), why);
    assert_int_equal(model->label_count, 4);
    assert_non_null(model->thresholds);
    model_free(model);
}

static void test_several_labels_are_learned(void **state)
{
    FILE *file;

    (void)state;
    write_labels("train.tsv", 3);
    write_labels("test.tsv", 4);
    file = new_file("l.yaml");
    fputs("structures:\n  - name: l\n    processing: text.classification\n    network: mlp\n    input: [256]\n"
          "    layers:\n      - linear: 32\n      - relu\n      - linear: 4\n      - sigmoid\n",
          file);
    assert_int_equal(fclose(file), 0);
    run_well("build --structure l.yaml --sparsity 0.5 -o l.safetensors");
    run_well("train l.safetensors -D train.tsv --label-separator | -e 60 -r 0.01 --no-history -o t.safetensors");
    assert_true(evaluate("eval t.safetensors -D test.tsv --label-separator | --json", "micro_f1") > 0.95);
    assert_true(evaluate("eval t.safetensors -D test.tsv --label-separator | --json", "macro_f1") > 0.95);
    assert_thresholds("t.safetensors");
    /* Of everything that is said to be there, and of nothing. */
    assert_true(evaluate("eval t.safetensors -D test.tsv --label-separator | --threshold 0 --json", "micro_recall") ==
                1);
    assert_true(evaluate("eval t.safetensors -D test.tsv --label-separator | --threshold 1 --json", "micro_f1") == 0);
}

static void assert_biases(const char *file, const double expected[3])
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, file), &model, &why), why);
    assert_int_equal(model->layers[0].vectors[0].count, 3);
    for (int i = 0; i < 3; i++)
        assert_float_equal(model->layers[0].vectors[0].data[i], expected[i], 1e-5);
    model_free(model);
}

/* At a rate of 0 only what the labels say is there: log((n + 1) / (N - n + 1)). What has learned keeps what it has. */
static void test_biases_begin_at_the_odds(void **state)
{
    const double odds[] = { log(4 / 3.), log(2 / 5.), log(1 / 6.) };
    FILE *file = new_file("odds.tsv");

    (void)state;
    fputs("a|b\tone\na\ttwo\n\tthree\na\tfour\n\tfive\n", file);
    assert_int_equal(fclose(file), 0);
    file = new_file("other.tsv");
    fputs("c\tone\nc\ttwo\nc|a\tthree\nb\tfour\nc\tfive\n", file);
    assert_int_equal(fclose(file), 0);
    file = new_file("o.yaml");
    fputs("name: o\nprocessing: text.classification\ninput: [64]\nlayers:\n  - linear: 3\n  - sigmoid\n", file);
    assert_int_equal(fclose(file), 0);
    file = new_file("names.txt");
    fputs("a\nb\nc\n", file);
    assert_int_equal(fclose(file), 0);
    run_well("build --structure o.yaml -s 0.5 --labels names.txt --no-history -o o.safetensors");
    run_well(
        "train o.safetensors -D odds.tsv --label-separator | -r 0 -e 1 --validation 0 --no-history -o 1.safetensors");
    assert_biases("1.safetensors", odds);
    run_well(
        "train 1.safetensors -D other.tsv --label-separator | -r 0 -e 1 --validation 0 --no-history -o 2.safetensors");
    assert_biases("2.safetensors", odds);
}

static void refused(const char *command, const char *says)
{
    forge_run(&ran, folder, command);
    assert_int_not_equal(ran.status, 0);
    if (!strstr(ran.err, says))
        fail_msg("'%s' said: %s", command, ran.err);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    FILE *file = new_file("labels.tsv");

    (void)state;
    fputs("a|b\tone\nb\ttwo\na\tthree\nb\tfour\na\tfive\n", file);
    fclose(file);
    file = new_file("plain.tsv");
    fputs("a\tone\nb\ttwo\na\tthree\nb\tfour\n", file);
    fclose(file);
    write_numbers("train.tsv", 1);
    run_well("build -l 64-2 --sparsity 0.2 -p text.classification -o s.safetensors");
    refused("train s.safetensors -D labels.tsv --label-separator | -o t.safetensors", "a softmax says one label");
    refused("train s.safetensors -D labels.tsv --label-separator || -o t.safetensors", "is one character");
    refused("train s.safetensors -D train.tsv --target-columns sum,any -o t.safetensors", "--loss mse or l1");
    refused("train s.safetensors -D train.tsv --target-columns sum --loss mse -o t.safetensors", "1 target columns");
    refused("train s.safetensors -D plain.tsv --loss mse -o t.safetensors", "--target-columns");
    refused("train s.safetensors -D plain.tsv --loss rmse -o t.safetensors", "--loss rmse: give cross-entropy");
    refused("train s.safetensors -D plain.tsv --loss binary-cross-entropy -o t.safetensors", "needs a sigmoid");
    refused("eval s.safetensors -D plain.tsv --threshold 0.3", "for labels of which a sample may have several");
    refused("eval s.safetensors -D plain.tsv --threshold 1.5", "--threshold");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_have_several_labels_or_none),
        cmocka_unit_test(test_rows_have_numbers),
        cmocka_unit_test(test_numbers_are_learned),
        cmocka_unit_test(test_several_labels_are_learned),
        cmocka_unit_test(test_biases_begin_at_the_odds),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
