/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp train with labels for some of the samples: what the rounds do and say, that labels which are not to be read have
 * no part in it, that it is the same to the bit however it is run, and what is refused.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../process.h"
#include "base/size.h"
#include "forge/train/checkpoint.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

#define TRAIN "train m.safetensors --data d --batch 16 --steps 60 --name x --no-history --seed 5 "

static const char *folder;
static struct ran ran;

/* 400 pictures in d; in u 300 others, and in v the same without labels. */
static int prepare(void **state)
{
    (void)state;
    folder = scratch_make();
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(folder, "u"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(folder, "v"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 400, 300);
    write_quadrants(scratch_path(folder, "u"), 300, 10);
    assert_int_equal(
        link(scratch_path(folder, "u/train-images-idx3-ubyte"), scratch_path(folder, "v/train-images-idx3-ubyte")), 0);
    assert_int_equal(mkfifo(scratch_path(folder, "events"), 0600), 0);
    forge_run_well(&ran, folder,
                   "build --layers 64-24-4 --sparsity 0.5 --seed 3 -p image.classification -o m.safetensors");
    return 0;
}

static int tidy(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static double accuracy(const char *model)
{
    char command[128];
    const char *at;

    snprintf(command, sizeof command, "eval %s --data d", model);
    forge_run_well(&ran, folder, command);
    at = strstr(ran.out, "\naccuracy ");
    assert_non_null(at);
    return strtod(at + strlen("\naccuracy "), NULL);
}

/* The number behind a key of the n-th event of that name. */
static long number_of(const char *event, unsigned n, const char *key)
{
    const char *at = ran.out, *line;
    char name[64], field[64];

    snprintf(name, sizeof name, "\"event\":\"%s\"", event);
    snprintf(field, sizeof field, "\"%s\":", key);
    for (unsigned i = 0; i <= n; i++, at++) {
        at = strstr(at, name);
        assert_non_null(at);
    }
    line = strchr(at, '\n');
    at = strstr(at, field);
    assert_true(at && at < line);
    return strtol(at + strlen(field), NULL, 10);
}

static void test_the_rest_helps(void **state)
{
    double alone, together;
    long known;

    (void)state;
    forge_run_well(&ran, folder, TRAIN "--validation 0 --labelled 24 --rounds 0 -o alone.safetensors");
    assert_null(strstr(ran.out, "\"round\""));
    assert_int_equal(number_of("start", 0, "unlabelled_samples"), 376);
    alone = accuracy("alone.safetensors");
    forge_run_well(&ran, folder, TRAIN "--validation 0 --labelled 24 --agreement 0.6 -o together.safetensors");
    assert_int_equal(number_of("start", 0, "samples"), 24);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(number_of("round", round, "round"), round + 1);
        assert_int_equal(number_of("round", round, "unlabelled"), 376);
        assert_true(number_of("round", round, "agreed") >= number_of("round", round, "labelled"));
        /* A third of them, then two. */
        assert_in_range(number_of("round", round, "labelled"), 90 * (round + 1), 126 * (round + 1));
        /* Of those that are learned from the labelled ones are a fourth at least, and no oftener there than that takes.
         */
        known = number_of("round", round, "samples") - number_of("round", round, "labelled");
        assert_int_equal(known % 24, 0);
        assert_true(3 * known >= number_of("round", round, "labelled"));
        assert_true(3 * (known - 24) < number_of("round", round, "labelled"));
    }
    together = accuracy("together.safetensors");
    if (together < alone + 2)
        fail_msg("labels alone: %.2f%%, with the rest: %.2f%%", alone, together);
}

/* All their trainings, told one by one. */
static void test_epochs_are_counted_of_all_rounds(void **state)
{
    long epochs = 0;

    (void)state;
    forge_run_well(&ran, folder, TRAIN "--labelled 40 --rounds 2 --validation 0.25 --candidates 2 -o t.safetensors");
    for (const char *at = ran.out; (at = strstr(at, "\"event\":\"epoch\"")); at++)
        epochs++;
    assert_int_equal(number_of("done", 0, "candidates_epochs"), epochs);
}

/* The validation samples are labelled ones: of 40 a fourth, whatever else there is. */
static void test_validation_has_labels_of_the_data(void **state)
{
    (void)state;
    forge_run_well(&ran, folder, TRAIN "--labelled 40 --validation 0.25 --unlabelled u -o t.safetensors");
    assert_int_equal(number_of("start", 0, "samples"), 30);
    assert_int_equal(number_of("start", 0, "validation_samples"), 10);
    assert_int_equal(number_of("start", 0, "unlabelled_samples"), 660);
}

/* One file with all the options that matter, by any number of threads; and no label of --unlabelled is in it. */
static void test_it_is_the_same_to_the_bit(void **state)
{
#define RUN TRAIN "--labelled 60 --passes 3 --augment shift=1 "
    (void)state;
    forge_run_well(&ran, folder, RUN "--unlabelled u --threads 1 -o a.safetensors");
    forge_run_well(&ran, folder, RUN "--unlabelled v --threads 3 -o b.safetensors");
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
#undef RUN
}

/* Samples that have one in it. */
static long labels_of(const struct checkpoint *c)
{
    long found = 0;

    assert_int_equal(c->label_count, 400);
    for (uint64_t i = 0; i < c->label_count; i++)
        found += c->labels[i] >= 0;
    return found;
}

/* Ended within the last round, and taken up again: its labels come from the checkpoint, for the model that gave them is
 * gone. */
static void test_it_goes_on_within_a_round(void **state)
{
#define RUN                                                                                                            \
    TRAIN "--labelled 60 --rounds 2 --validation 0 --passes 3 --disagreement 2 --average ema=0.9 --mean-teacher "
    struct checkpoint c;
    struct reason why;
    char line[1024];
    FILE *events;
    pid_t pid;
    int rounds = 0;

    (void)state;
    forge_run_well(&ran, folder, RUN "--rounds 0 --checkpoint ck -o a.safetensors");
    assert_ok(checkpoint_read(scratch_path(folder, "ck"), &c, &why), why);
    assert_int_equal(labels_of(&c), 60);
    checkpoint_deinit(&c);
    forge_run_well(&ran, folder, RUN "-o a.safetensors");
    pid = forge_start(folder, RUN "--checkpoint ck --checkpoint-every steps=7 -o b.safetensors", "events");
    events = fopen(scratch_path(folder, "events"), "r");
    assert_non_null(events);
    assert_true(fcntl(fileno(events), F_SETPIPE_SZ, 4096) >= 0);
    while (fgets(line, sizeof line, events)) {
        rounds += strstr(line, "\"event\":\"round\"") != NULL;
        if (rounds == 2 && strstr(line, "\"event\":\"epoch\""))
            break;
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    fclose(events);
    forge_wait(pid);
    assert_ok(checkpoint_read(scratch_path(folder, "ck"), &c, &why), why);
    assert_true(labels_of(&c) > 60 + 100);
    checkpoint_deinit(&c);
    forge_run_well(&ran, folder, RUN "--resume ck --threads 1 -o b.safetensors");
    assert_int_equal(number_of("start", 0, "samples"), 60);
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
    forge_run(&ran, folder, RUN "--agreement 0.7 --resume ck -o b.safetensors");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "it is of another run: semi.agreement is 0.8 there and 0.7 here"));
    forge_run(&ran, folder, TRAIN "--validation 0 --resume ck -o b.safetensors");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "it is of another run: semi is {"));
    assert_non_null(strstr(ran.err, " there and missing here"));
#undef RUN
}

/* Pictures, when nobody says how: one training, on what it is sure of; the same by more threads, and after a stop. */
static void test_pictures_learn_what_is_sure(void **state)
{
#define RUN "train m.safetensors --data d --batch 16 --name x --no-history --seed 5 --validation 0 --steps 200 "
#define SURE                                                                                                           \
    "--disagreement 1 --confidence 0.7 --strong-augment shift=1,cutout=0.3,grain=30,colour=0.3 --average ema=0.999 "   \
    "--mean-teacher "
    double alone, together;

    (void)state;
    forge_run_well(&ran, folder, RUN "--labelled 24 --rounds 0 -o a.safetensors");
    alone = accuracy("a.safetensors");
    forge_run_well(&ran, folder, RUN "--labelled 24 --checkpoint ck --checkpoint-every steps=111 -o a.safetensors");
    assert_null(strstr(ran.out, "\"round\""));
    together = accuracy("a.safetensors");
    if (together < alone + 2)
        fail_msg("labels alone: %.2f%%, with the rest: %.2f%%", alone, together);
    forge_run_well(&ran, folder, RUN "--labelled 24 --threads 3 " SURE "-o b.safetensors");
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
    forge_run_well(&ran, folder, RUN "--labelled 24 --resume ck -o b.safetensors");
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
    forge_run_well(&ran, folder, RUN "--labelled 24 --confidence 0.999 -o b.safetensors");
    assert_non_null(strstr(ran.out, "\"done\""));
#undef SURE
#undef RUN
}

static void refused(const char *command, int status, const char *says)
{
    forge_run(&ran, folder, command);
    if (ran.status != status || !strstr(ran.err, says))
        fail_msg("%s\n%d: %s\n  wanted: %s", command, ran.status, ran.err, says);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    refused(TRAIN "--rounds 3 -o t.safetensors", 2, "are for samples without labels: name them by --unlabelled");
    refused(TRAIN "--disagreement 3 -o t.safetensors", 2, "and --disagreement are for samples without labels");
    refused(TRAIN "--confidence 0.9 -o t.safetensors", 2, "say how --disagreement learns of samples without labels");
    refused(TRAIN "--labelled 30 --rounds 1 --strong-augment shift=2 -o t.safetensors", 2, "--strong-augment and");
    refused(TRAIN "--labelled 30 --strong-augment speed=0.1 -o t.safetensors", 2,
            "--augment speed does nothing to these");
    refused(TRAIN "--labelled 30 --disagreement 3 --mean-teacher -o t.safetensors", 2, "by --average ema=D");
    refused(TRAIN "--labelled 30 --halving --candidates 4 -o t.safetensors", 2, "--halving compares candidates");
    refused(TRAIN "--labelled 401 -o t.safetensors", 2, "--labelled 401: the data have 400 labels");
    refused(TRAIN "--labelled 400 -o t.safetensors", 2, "these are all samples, and none is without a label");
    refused(TRAIN "--labelled 3 -o t.safetensors", 2, "--labelled 3: there are 4 classes, and each needs a label");
    refused(TRAIN "--labelled 30 --teacher m.safetensors -o t.safetensors", 2, "--teacher learns from all samples");
    refused(TRAIN "--unlabelled none -o t.safetensors", 65, "--unlabelled: cannot open none");
    refused(TRAIN "--agreement 1.5 --labelled 30 -o t.safetensors", 2, "--agreement");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rest_helps),
        cmocka_unit_test(test_epochs_are_counted_of_all_rounds),
        cmocka_unit_test(test_validation_has_labels_of_the_data),
        cmocka_unit_test(test_it_is_the_same_to_the_bit),
        cmocka_unit_test(test_it_goes_on_within_a_round),
        cmocka_unit_test(test_pictures_learn_what_is_sure),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, prepare, tidy);
}
