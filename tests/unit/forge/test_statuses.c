/* SPDX-License-Identifier: Apache-2.0
 *
 * What train and eval end with when something does not fit: the exit status, which scripts tell apart, and the whole of
 * what is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "process.h"
#include "support/test.h"

#define IMAGE "--processing image.classification "
#define TYPES "raw, text.classification, .semantics, .keywords, .summarisation, .translation, .generation"
#define TEXT  "{\"kind\":\"text\",\"features\":64}"

static const char *folder;
static struct ran ran;

static void run_well(const char *command)
{
    forge_run_well(&ran, folder, command);
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(scratch_path(folder, name), "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Pictures of four classes in d; models that fit them and that do not; tables of texts. */
static int prepare(void **state)
{
    (void)state;
    folder = scratch_make();
    setenv("WISP_DB", scratch_path(folder, "structures.db"), 1);
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 100, 10);
    write_text("five.txt", "a\nb\nc\nd\ne\n");
    write_text("five.svg", "{}\n");
    write_text("one.tsv", "a\tx\na\ty\na\tz\n");
    write_text("numbers.tsv", "1\tx\n2\ty\n3\tz\n4\tu\n5\tv\n");
    write_text("several.tsv", "a|b\tx\nb\ty\na\tz\nb\tu\n");
    write_text("scent.yaml",
               "name: scent\nprocessing: scent.classification\ninput: [64]\nlayers: [{linear: 4}, softmax]\n");
    write_text("two.yaml", "name: two\nprocessing: image.classification\ninputs: {a: [64], b: [4]}\n"
                           "layers: [{linear: {neurons: 4, from: a}}, {add: {from: [previous, b]}}, softmax]\n");
    write_text("line.yaml", "name: line\nprocessing: text.classification\ninput: [64]\nlayers: [{linear: 1}]\n");
    run_well("build --layers 64-8-4 --density 1 --no-history -n m " IMAGE "-o m");
    run_well("build --layers 64-8-4 --density 1 --no-history -n raw -o raw");
    run_well("build --layers 65-8-4 --density 1 --no-history -n odd " IMAGE "-o odd");
    run_well("build --layers 64-8-5 --density 1 --no-history -n five " IMAGE "-o five");
    run_well("build --layers 64-2 --density 1 --no-history -n text --processing text.classification --media " TEXT
             " -o text");
    run_well("build --structure scent.yaml --density 1 --no-history -n scent -o scent");
    run_well("build --structure line.yaml --density 1 --no-history -n line --media " TEXT " -o line");
    run_well("build --structure two.yaml --density 1 --no-history -n two -o two");
    run_well("build --layers 64-8-4 --density 1 --no-history -n heir --base m " IMAGE "-o heir");
    run_well("train m -D d -e 1 --no-history --checkpoint ck -o t");
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static const struct refusal refusals[] = {
    /* the model and its processing type */
    { "train none -D d -o x", 65, "cannot open none: No such file or directory" },
    { "train five.txt -D d -o x", 65, "five.txt: 10 bytes are too few for a safetensors file" },
    { "train two -D d -o x", 65,
      "two: it has 2 inputs; data fill one, or two that are called source and target, of a network that gives words" },
    { "train scent -D d -o x", 65,
      "scent (--processing gives it another type): there is no processing type scent.classification (did you mean "
      "text.classification?); there are " TYPES },
    { "train m -D d -p Image! -o x", 2,
      "--processing: the processing type is not \"modality\" or \"modality.task\" of a-z, 0-9, '_' and '-' (byte 0)" },
    { "train m -D d -p video.x -o x", 2,
      "--processing: there is no processing type video.x; it is raw, or begins with image, text or audio" },
    { "train m -D d -p image.segmentation -o x", 2,
      "--processing: a network that ends in a softmax classifies, which is not image.segmentation; it can be "
      "image.classification, text.classification, .semantics, .keywords, .summarisation, "
      "audio.classification, "
      ".recognition" },
    { "eval scent -D d", 65,
      "scent (--processing gives it another type): there is no processing type scent.classification (did you mean "
      "text.classification?); there are " TYPES },
    /* its input */
    { "train raw -D d -o x", 2,
      "processing type raw: training data are pictures, texts or sounds; give a type that begins with image, text or "
      "audio, as --processing image.classification" },
    { "train odd -D d -o x", 2,
      "with 65 inputs wisp cannot guess how inputs become tensors; say it by --media, as --media '{\"kind\": "
      "\"image\", \"width\": 32, \"height\": 24, \"channels\": 1}'" },
    { "train m -D d -m {\"kind\": -o x", 65, "--media the JSON, line 1, column 8: unexpected token near end of file" },
    { "train m -D d -m none.json -o x", 65, "--media cannot open none.json: No such file or directory" },
    { "train m -D d -m " TEXT " -o x", 65,
      "m takes image.classification, but its media description is of another kind; say by --media how inputs become "
      "tensors" },
    /* labels, kernels */
    { "train m -D d --labels none.txt -o x", 65, "--labels cannot open none.txt: No such file or directory" },
    { "train m -D d --labels five.txt -o x", 65, "five.txt has 5 labels, but the model has 4 outputs" },
    /* data */
    { "train m -o x", 2, "--data is missing; give the folder or file with the data set" },
    { "train m -D none -o x", 65, "cannot open none: No such file or directory" },
    { "train m -D d --label-column 1 -o x", 2,
      "--label-column, --text-column, --label-separator and --target-columns are for tables of texts" },
    { "train text -D several.tsv --label-separator || -o x", 2,
      "--label-separator is one character, and not for numbers" },
    { "train five -D d -o x", 65,
      "d has 4 classes, but the model has 5 outputs; build it with --layers …-4, or --outputs 4" },
    { "train text -D one.tsv -o x", 65,
      "one.tsv: all 3 samples are of one class, \"a\"; a classifier needs two or more" },
    { "train text -D numbers.tsv --target-columns 1 --text-column 2 -o x", 65,
      "numbers.tsv: 1 target columns, but the model has 2 outputs" },
    /* what would be written over */
    { "build --structure line.yaml -d 1 -o line.yaml", 2,
      "-o line.yaml would be written over the structure; give it another name" },
    { "train m -D d --checkpoint m -o x", 2, "--checkpoint m would be written over the model; give it another name" },
    { "train m -D d --checkpoint ./m -o x", 2,
      "--checkpoint ./m would be written over the model; give it another name" },
    { "train text -D one.tsv -o one.tsv", 2, "-o one.tsv would be written over the data; give it another name" },
    { "train text -D one.tsv --unlabelled several.tsv -o several.tsv", 2,
      "-o several.tsv would be written over --unlabelled; give it another name" },
    { "train m -D d --teacher raw --plot raw.svg --checkpoint raw -o x", 2,
      "--checkpoint raw would be written over the teacher; give it another name" },
    { "train m -D d --labels five.txt -o five.txt", 2,
      "-o five.txt would be written over --labels; give it another name" },
    { "train m -D d --plot d/z.svg -o ./d/z.svg", 2,
      "--plot d/z.svg is also to be written by -o; give one of them another name" },
    { "curves five.svg -o ./five.svg", 2, "-o ./five.svg would be written over what it shows; give it another name" },
    /* the loss */
    { "train m -D d --loss sine -o x", 2,
      "--loss sine: give cross-entropy, sequence-cross-entropy, ctc, binary-cross-entropy, dice, mse, l1, masked-snr "
      "or none" },
    { "train m -D d --loss binary-cross-entropy -o x", 65,
      "m: layer softmax: the loss binary-cross-entropy needs a sigmoid as the last layer, this is a softmax" },
    { "train m -D d --loss mse -o x", 65,
      "m: the loss mse is of numbers; end the network in a softmax, or name columns of numbers by --target-columns" },
    { "train text -D several.tsv --label-separator | -o x", 65,
      "text: a softmax says one label; end the network in a sigmoid for several, as the ngram-labels-* structures do" },
    { "train line -D numbers.tsv --target-columns 1 --text-column 2 --balance full --no-history -o x", 2,
      "--balance is for classes; the loss mse has none" },
    { "train line -D numbers.tsv --target-columns 1 --text-column 2 --label-smoothing 0.1 --no-history -o x", 2,
      "--label-smoothing is for cross-entropies of labels; the loss mse has none" },
    /* the training itself */
    { "train heir -D d --candidates 2 --no-history -o x", 1,
      "the model's weights were inherited from a base file: build each candidate from it, with a seed of its own" },
    { "train m -D d -e 1 -b 32 --no-history --resume ck -o x", 1,
      "ck: it is of another run: recipe.batch is 128 there and 32 here" },
    { "train line -D numbers.tsv --target-columns 1 --text-column 2 --optimizer sgd --validation 0 -e 90 -b 1 -r 1000 "
      "--quiet --no-history -o x",
      1,
      "the loss is no number any more (epoch 3, rate 1000): the training diverged; try a lower --rate (a third of it), "
      "or a longer --warmup; with --validation above 0 or a --checkpoint the last good weights are saved" },
};

static void test_refusals(void **state)
{
    (void)state;
    forge_refuses(&ran, folder, refusals, ARRAY_SIZE(refusals));
}

/* Whatever else is wrong: it is what is looked at first. */
static void test_kernels_that_are_not_there(void **state)
{
    static const char *const words[] = { "train m -D d -o x", "show m" };
    char expected[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        setenv("WISP_CPU", "abacus", 1);
        forge_run(&ran, folder, words[i]);
        unsetenv("WISP_CPU");
        assert_int_equal(ran.status, 2);
        snprintf(expected, sizeof expected,
                 "wisp %s: WISP_CPU=abacus: such kernels are unknown, or this CPU cannot run them; there are: auto",
                 i ? "show" : "train");
        assert_memory_equal(ran.err, expected, strlen(expected));
        assert_non_null(strstr(ran.err, ", scalar\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_kernels_that_are_not_there),
    };

    return cmocka_run_group_tests(tests, prepare, clean);
}
