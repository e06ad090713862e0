/* SPDX-License-Identifier: Apache-2.0
 *
 * A training that diverges: it says so with a status of its own, and saves the last good weights, be it those of the
 * best epoch or of the last checkpoint.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../process.h"
#include "base/outcome.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

/* Warm-up takes it, some epochs after the first, to a rate at which decay alone makes weights larger with each step. */
#define TRAIN                                                                                                          \
    "train m.safetensors --data d --batch 16 --name t --no-history --threads 1 --decay 1 "                             \
    "--rate 1000 --warmup 2000 --epochs 3000 -o "

static const char *folder;
static struct ran ran;

static int prepare(void **state)
{
    (void)state;
    folder = scratch_make();
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 200, 50);
    forge_run(&ran, folder,
              "build --layers 64-32-16-4 --density 0.5 --seed 3 -p image.classification -o m.safetensors");
    return ran.status;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void diverges(const char *command, int status, const char *says)
{
    forge_run(&ran, folder, command);
    if (ran.status != status || !strstr(ran.err, "diverged") || !strstr(ran.err, says))
        fail_msg("'%s' ended with %d: %s", command, ran.status, ran.err);
}

/* Saved and well: reading refuses what is no number. */
static void check_saved(const char *name)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, name), &model, &why), why);
    assert_non_null(strstr(model->lineage, "\"ended\":\"diverged\""));
    model_free(model);
    assert_non_null(strstr(ran.out, "\"ended\":\"diverged\""));
}

static void test_the_best_epoch_is_saved(void **state)
{
    (void)state;
    diverges(TRAIN "best --validation 0.2", EXIT_DIVERGED, "the best epoch");
    check_saved("best");
}

static void test_the_last_checkpoint_is_saved(void **state)
{
    (void)state;
    diverges(TRAIN "kept --validation 0 --checkpoint ck --checkpoint-every steps=1", EXIT_DIVERGED,
             "the last checkpoint");
    check_saved("kept");
}

/* Of candidates that are halved, too: the best of them, though none has come to the end. */
static void test_the_best_of_several_is_saved(void **state)
{
    (void)state;
    diverges(TRAIN "several --validation 0.2 --candidates 3 --halving", EXIT_DIVERGED, "the best epoch");
    check_saved("several");
}

/* Nothing to go back to: no model. */
static void test_nothing_is_saved_of_nothing_good(void **state)
{
    (void)state;
    diverges(TRAIN "none --validation 0", EXIT_FAILED, "try a lower --rate");
    assert_int_equal(access(scratch_path(folder, "none"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_epoch_is_saved),
        cmocka_unit_test(test_the_last_checkpoint_is_saved),
        cmocka_unit_test(test_the_best_of_several_is_saved),
        cmocka_unit_test(test_nothing_is_saved_of_nothing_good),
    };

    return cmocka_run_group_tests(tests, prepare, clean);
}
