/* SPDX-License-Identifier: Apache-2.0
 *
 * Trainings from the lines that tell of them: what is kept, and how a damaged file is refused.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../process.h"
#include "base/file.h"
#include "base/size.h"
#include "forge/train/runs/run_plot.h"
#include "support/test.h"

#define START "{\"event\":\"start\",\"connections\":10,\"epochs\":3}\n"
#define EPOCH(number, loss)                                                                                            \
    "{\"event\":\"epoch\",\"epoch\":" #number ",\"rate\":0.05,\"loss\":" #loss ",\"accuracy\":0.5,\"seconds\":1}\n"

static struct run_log log_;
static struct reason why;
static const char *folder;

static void write_text(const char *name, const char *text)
{
    assert_ok(file_write(scratch_path(folder, name), &(struct file_part){ text, strlen(text) }, 1, &why), why);
}

static void reads(const char *name, const char *text)
{
    write_text(name, text);
    assert_ok(run_log_read(&log_, scratch_path(folder, name), &why), why);
}

static void every_file_is_a_run(void **state)
{
    (void)state;
    reads("sparse.run.jsonl",
          START EPOCH(1, 2) EPOCH(2, 1.5) "{\"event\":\"epoch\",\"epoch\":3,\"rate\":0.01,\"loss\":1,\"validation_"
                                          "loss\":1.25,\"validation_accuracy\":0.75}\n"
                                          "{\"event\":\"done\",\"seconds\":3}\n{\"event\":\"of another version\"}");
    reads("dense", EPOCH(1, 3));
    assert_int_equal(log_.count, 2);
    assert_string_equal(log_.runs[0].name, "sparse.run");
    assert_string_equal(log_.runs[1].name, "dense");
    assert_int_equal(log_.runs[0].count, 3);
    assert_int_equal(log_.runs[1].count, 1);
    assert_float_equal(log_.runs[0].epochs[1].loss, 1.5, 0);
    assert_float_equal(log_.runs[0].epochs[2].validation_accuracy, 0.75, 0);
    assert_true(isnan(log_.runs[0].epochs[1].validation_loss) && isnan(log_.runs[0].epochs[2].accuracy));
    run_log_deinit(&log_);
}

/* A candidate is a run of its own, and so is none that has no epoch yet. */
static void every_candidate_is_a_run(void **state)
{
    (void)state;
    reads("two.jsonl",
          "{\"event\":\"candidate\",\"candidate\":1,\"candidates\":3,\"seed\":7}\n" START EPOCH(1, 2)
              EPOCH(2, 1) "{\"event\":\"candidate\",\"candidate\":2,\"candidates\":3,\"seed\":8}\n" START EPOCH(
                  1, 3) "{\"event\":\"candidate\",\"candidate\":3,\"candidates\":3,\"seed\":9}\n" START);
    assert_int_equal(log_.count, 2);
    assert_string_equal(log_.runs[0].name, "two, seed 7");
    assert_string_equal(log_.runs[1].name, "two, seed 8");
    assert_int_equal(log_.runs[0].count, 2);
    run_log_deinit(&log_);
}

/* And an adversary. */
static void an_adversary_is_a_run_beside(void **state)
{
#define PLAYED(number, loss, other)                                                                                    \
    "{\"event\":\"epoch\",\"epoch\":" #number ",\"rate\":0.05,\"loss\":" #loss ",\"adversary_loss\":" #other           \
    ",\"adversary_accuracy\":0.75}\n"
    (void)state;
    reads("gan.jsonl", PLAYED(1, 2, 0.5) PLAYED(2, 1, 0.25) PLAYED(2, 3, 0.75));
    assert_int_equal(log_.count, 2);
    assert_string_equal(log_.runs[0].name, "gan");
    assert_string_equal(log_.runs[1].name, "gan, adversary");
    assert_int_equal(log_.runs[0].count, 2);
    assert_int_equal(log_.runs[1].count, 2);
    assert_float_equal(log_.runs[0].epochs[1].loss, 3, 0);
    assert_float_equal(log_.runs[1].epochs[1].loss, 0.75, 0);
    assert_float_equal(log_.runs[1].epochs[0].accuracy, 0.75, 0);
    assert_true(isnan(log_.runs[1].epochs[0].validation_loss));
    run_log_deinit(&log_);
}

/* Halved candidates go on, each where it was, after others had their turn. */
static void a_candidate_goes_on_in_later_rounds(void **state)
{
#define TURN(number) "{\"event\":\"candidate\",\"candidate\":" #number ",\"round\":1,\"until_epoch\":2}\n"
    (void)state;
    reads("before.jsonl", TURN(2) EPOCH(1, 7));
    reads("halved.jsonl", TURN(1) START EPOCH(1, 2) TURN(2) EPOCH(1, 3) TURN(3) EPOCH(1, 1) TURN(2) EPOCH(2, 2.5)
                              TURN(3) EPOCH(2, 0.5) EPOCH(3, 0.25));
    assert_int_equal(log_.count, 4);
    assert_string_equal(log_.runs[2].name, "halved, candidate 2");
    assert_int_equal(log_.runs[0].count, 1);
    assert_int_equal(log_.runs[1].count, 1);
    assert_int_equal(log_.runs[2].count, 2);
    assert_int_equal(log_.runs[3].count, 3);
    assert_float_equal(log_.runs[2].epochs[1].loss, 2.5, 0);
    run_log_deinit(&log_);
}

/* Who labels samples itself is trained several times, and each candidate is. */
static void a_round_is_a_run(void **state)
{
#define ROUND(number) "{\"event\":\"round\",\"round\":" #number ",\"rounds\":2}\n"
#define SEED(number)  "{\"event\":\"candidate\",\"candidate\":1,\"seed\":" #number "}\n"
    (void)state;
    reads("own.jsonl", START EPOCH(1, 3) EPOCH(2, 2) ROUND(1) EPOCH(1, 1) ROUND(2) EPOCH(1, 4));
    assert_int_equal(log_.count, 3);
    assert_string_equal(log_.runs[0].name, "own");
    assert_string_equal(log_.runs[2].name, "own, round 2");
    assert_int_equal(log_.runs[0].count, 2);
    reads("both.jsonl", SEED(7) EPOCH(1, 3) ROUND(1) EPOCH(1, 1) SEED(8) EPOCH(1, 3) ROUND(1) EPOCH(1, 1));
    assert_int_equal(log_.count, 7);
    assert_string_equal(log_.runs[6].name, "both, seed 8, round 1");
    run_log_deinit(&log_);
#undef ROUND
#undef SEED
}

/* Stopped after any epoch and resumed after any earlier one, a run has each epoch once, as it was told last. */
static void resumed_runs_go_on(void **state)
{
    enum { ALL = 40 };
    static char text[ALL * 3 * 100];

    (void)state;
    for (int stopped = 1; stopped < ALL; stopped++) {
        int resumed = 1 + stopped * 7 % stopped, used = 0;

        for (int i = 1; i <= stopped; i++)
            used += snprintf(text + used, sizeof text - (size_t)used, EPOCH(% d, 9), i);
        for (int i = resumed; i <= ALL; i++)
            used += snprintf(text + used, sizeof text - (size_t)used, EPOCH(% d, 3), i);
        reads("resumed", text);
        assert_int_equal(log_.count, 1);
        assert_int_equal(log_.runs[0].count, ALL);
        for (int i = 1; i <= ALL; i++) {
            assert_int_equal(log_.runs[0].epochs[i - 1].epoch, i);
            assert_float_equal(log_.runs[0].epochs[i - 1].loss, i < resumed ? 9 : 3, 0);
        }
        run_log_deinit(&log_);
    }
}

static void damage_is_refused_by_line(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "", "no epoch of a training" },
        { START, "no epoch of a training" },
        { START EPOCH(1, 2) "{\"event\":\"epoch\",\"epo", "damaged:3: no JSON" },
        { "\n", "damaged:1: no JSON" },
        { "[1]\n", "damaged:1: no event" },
        { EPOCH(1, 2) "{\"loss\":1}\n", "damaged:2: no event" },
        { START EPOCH(0, 2), "damaged:2: an epoch without its number" },
        { EPOCH(1.5, 2), "damaged:1: an epoch without its number" },
        { EPOCH(1, 2) EPOCH(2, null), "damaged:2: epoch 2 has no 'loss'" },
        { EPOCH(1, "low"), "damaged:1: epoch 1 has no 'loss'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        write_text("damaged", cases[i].text);
        assert_int_equal(run_log_read(&log_, scratch_path(folder, "damaged"), &why), WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].said))
            fail_msg("'%s', not '%s'", why.text, cases[i].said);
        run_log_deinit(&log_);
    }
    assert_true(run_log_read(&log_, scratch_path(folder, "absent"), &why) != 0);
}

static void pictures_are_of_a_sort_and_of_so_many(void **state)
{
    (void)state;
    assert_int_equal(run_plot_check("a.gif", 1, &why), WISP_E_INVALID);
    assert_int_equal(run_plot_check("svg", 1, &why), WISP_E_INVALID);
    assert_int_equal(run_plot_check("a.svg", RUNS_MAX + 1, &why), WISP_E_INVALID);
    assert_ok(run_plot_check("a.svg.png", RUNS_MAX, &why), why);
}

/* ---- as a process ---- */

static struct ran ran;

static void ends(int status, const char *command, const char *says)
{
    forge_run(&ran, folder, command);
    if (ran.status != status || !strstr(status ? ran.err : ran.out, says))
        fail_msg("'%s' ended with %d: %s%s", command, ran.status, ran.err, ran.out);
}

static void a_table_has_each_run(void **state)
{
    (void)state;
    write_text("first.jsonl", EPOCH(1, 2) EPOCH(2, 1.5) EPOCH(3, 1.25));
    write_text("second.jsonl",
               "{\"event\":\"epoch\",\"epoch\":1,\"rate\":1,\"loss\":1,\"validation_accuracy\":0.875}\n" EPOCH(2, 1));
    ends(0, "curves first.jsonl second.jsonl", "first");
    assert_non_null(strstr(ran.out, "     3   1.2500   50.00%        -        -      3"));
    assert_non_null(strstr(ran.out, "     2   1.0000   50.00%        -   87.50%      1"));
    ends(65, "curves first.jsonl absent.jsonl", "absent.jsonl");
    ends(2, "curves first.jsonl -o picture.gif", ".svg, .png or .pdf");
    ends(2, "curves", "missing");
    ends(1, "curves first.jsonl -o absent/a.svg", "absent");
}

#define TRAIN "train m.safetensors --data d --batch 8 --threads 1 --no-history "

/* What is drawn at the end is what the lines say: of every candidate, and of as many epochs as there were. */
static void a_training_draws_itself(void **state)
{
    struct timespec pause = { 0, 20000000 };
    size_t size;
    pid_t pid;

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 200, 20);
    ends(0, "build --layers 64-24-4 --sparsity 0.5 --seed 3 -p image.classification -o m.safetensors", "");
    ends(0, TRAIN "--epochs 3 --candidates 2 --plot plot.svg -o t.safetensors", "\"done\"");
    write_text("t.jsonl", ran.out);
    ends(0, "curves t.jsonl", "t, seed 4");
    assert_non_null(strstr(ran.out, "     3 ")); /* epochs */
    ends(0, "curves t.jsonl -o curves.svg", "");
    ends(0, TRAIN "--epochs 3 --quiet --plot plot.svg -o t.safetensors", "");
    ends(0, TRAIN "--epochs 3 -o t.safetensors", "");
    write_text("t.jsonl", ran.out);
    ends(0, "curves t.jsonl -o curves.svg", "");
    assert_same_bytes(folder, "plot.svg", "curves.svg");
    ends(2, TRAIN "--plot plot.gif -o t.safetensors", ".svg, .png or .pdf");
    ends(2, TRAIN "--candidates 19 --plot plot.svg -o t.safetensors", "19 runs");
    ends(1, TRAIN "--plot absent/plot.svg -o t.safetensors", "absent");

    pid = forge_start(folder, TRAIN "--epochs 1000000 --plot stopped.svg -o s.safetensors", "s.jsonl");
    for (bool begun = false; !begun;) {
        char *lines;

        nanosleep(&pause, NULL);
        if (access(scratch_path(folder, "s.jsonl"), F_OK) < 0)
            continue;
        lines = slurp(scratch_path(folder, "s.jsonl"), &size);
        begun = strstr(lines, "\"epoch\":2,");
        free(lines);
    }
    kill(pid, SIGINT);
    assert_int_equal(forge_wait(pid), 130);
    ends(0, "curves s.jsonl -o curves.svg", "");
    assert_same_bytes(folder, "stopped.svg", "curves.svg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_a_run),
        cmocka_unit_test(every_candidate_is_a_run),
        cmocka_unit_test(an_adversary_is_a_run_beside),
        cmocka_unit_test(a_candidate_goes_on_in_later_rounds),
        cmocka_unit_test(a_round_is_a_run),
        cmocka_unit_test(resumed_runs_go_on),
        cmocka_unit_test(damage_is_refused_by_line),
        cmocka_unit_test(pictures_are_of_a_sort_and_of_so_many),
        cmocka_unit_test(a_table_has_each_run),
        cmocka_unit_test(a_training_draws_itself),
    };

    folder = scratch_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
