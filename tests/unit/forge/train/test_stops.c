/* SPDX-License-Identifier: Apache-2.0
 *
 * A training that is stopped at random moments, by SIGKILL or SIGINT, and resumed each time, ends in the same bytes as
 * one that nobody stopped. test_forge_stops [STOPS]: how many, 6 if absent.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../process.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/test.h"

static unsigned stops = 6;

struct bed {
    const char *folder, *recipe;
    uint64_t duration_ns; /* of the whole training, when nobody stops it */
    struct rng rng;
};

static void train_command(const struct bed *bed, char *text, size_t size, const char *rest)
{
    snprintf(text, size, "train m.safetensors --data d --name t --no-history --batch 8 --epochs 8 %s %s", bed->recipe,
             rest);
}

/* Lets it run for a while, at random from nothing to all that it needs, and stops it. False: it came to its end. */
static bool stop_once(struct bed *bed)
{
    static const int signals[] = { SIGKILL, SIGINT };
    const bool begun = access(scratch_path(bed->folder, "ck"), F_OK) == 0;
    int sent = signals[rng_below(&bed->rng, ARRAY_SIZE(signals))], status;
    uint64_t wait_ns = rng_below(&bed->rng, bed->duration_ns + 1);
    struct timespec pause = { (time_t)(wait_ns / NS_PER_S), (long)(wait_ns % NS_PER_S) };
    char command[512];
    pid_t pid;

    train_command(bed, command, sizeof command,
                  begun ? "--checkpoint ck --checkpoint-every steps=7 -o part.safetensors --resume ck"
                        : "--checkpoint ck --checkpoint-every steps=7 -o part.safetensors");
    pid = forge_start(bed->folder, command, "out");
    while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
        ;
    kill(pid, sent);
    status = forge_wait(pid);
    /* Until it catches SIGINT, that ends it as it ends any process. */
    if (status != 0 && status != 130 && status != 128 + SIGKILL)
        fail_msg("'%s' ended with %d", command, status);
    return status != 0;
}

static void compare(const struct bed *bed, const char *a, const char *b)
{
    size_t a_size, b_size;
    char *one = slurp(scratch_path(bed->folder, a), &a_size), *two = slurp(scratch_path(bed->folder, b), &b_size);

    if (a_size != b_size || memcmp(one, two, a_size) != 0)
        fail_msg("%s: stopped and resumed, it ends in other bytes", bed->recipe);
    free(one);
    free(two);
}

/* One training after the other, each stopped until it comes to its end. */
static void check(struct bed *bed, unsigned wanted)
{
    static struct ran ran;
    char command[512];
    uint64_t began_ns;

    train_command(bed, command, sizeof command, "-o full.safetensors");
    began_ns = clock_ns();
    forge_run(&ran, bed->folder, command);
    bed->duration_ns = clock_ns() - began_ns;
    if (ran.status)
        fail_msg("'%s': %s", command, ran.err);
    for (unsigned stopped = 0; stopped < wanted;) {
        unlink(scratch_path(bed->folder, "ck"));
        while (stop_once(bed))
            stopped++;
        compare(bed, "full.safetensors", "part.safetensors");
    }
}

static void test_stopped_at_random_moments(void **state)
{
    static const char *const recipes[] = {
        "--optimizer sgd --augment shift=1 --average last=3",
        "--optimizer sgd --labelled 100 --passes 3 --augment shift=1",
        "--optimizer adamw --validation 0 --input-dropout 0.1 --average ema=0.95 --clip 0.5",
    };
    static struct ran ran;
    const char *folder = scratch_make();

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 500, 50);
    forge_run(&ran, folder, "build --layers 64-24-4 --sparsity 0.5 --seed 3 -p image.classification -o m.safetensors");
    assert_int_equal(ran.status, 0);
    for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
        struct bed bed = { .folder = folder, .recipe = recipes[i], .rng = rng_make(clock_ns(), i) };

        check(&bed, stops / ARRAY_SIZE(recipes));
    }
    scratch_remove(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_stopped_at_random_moments) };

    if (argc > 1)
        stops = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
