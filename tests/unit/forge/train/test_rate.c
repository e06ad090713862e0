/* SPDX-License-Identifier: Apache-2.0
 *
 * The search for a learning rate: what is chosen from which losses, and the same bits for any number of threads and
 * any kernels.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../process.h"
#include "base/pool.h"
#include "forge/experiment/split.h"
#include "forge/train/rate_search.h"
#include "support/test.h"
#include "trainer_fixture.h"

/* Flat, then falling, then rising again from the rate 1 on: the smoothed loss is lowest some steps later. */
static void test_a_third_of_the_lowest(void **state)
{
    struct rate_search search = { .count = 0 };
    double rate;

    (void)state;
    assert_true(rate_search_choose(&search) == 0);
    for (size_t i = 0; i < 100; i++) {
        search.rates[i] = pow(10, ((double)i - 60) / 20);
        search.losses[i] = i < 30 ? 2 : i <= 60 ? 2 - 0.05 * (double)(i - 30) : 0.5 + 0.2 * (double)(i - 60);
        search.count = i + 1;
    }
    rate = rate_search_choose(&search);
    assert_true(rate > 1.0 / 3 && rate < 2.0 / 3);
    search.count = 1; /* one rate, before it diverged */
    assert_true(rate_search_choose(&search) == search.rates[0] / 3);
}

static void run_search(const struct kernels *kernels, unsigned threads, struct rate_search *search)
{
    const struct recipe recipe = { .epochs = 1, .batch = 32, .seed = 3, .rate = 0.05, .momentum = 0.9 };
    struct batches *batches;
    struct fixture f;
    struct pool *pool;
    struct split split;
    struct reason why;

    make_quadrants(&f, 400);
    make_model(&f, "64-48-32-4", 0.3, 2);
    assert_int_equal(pool_new(threads, &pool), 0);
    assert_int_equal(split_make(400, 0, 1, &split), 0);
    assert_ok(batches_new(&f.data, f.media, pool, true, &batches, &why), why);
    assert_ok(rate_search_run(&(struct trainer_setup){ .model = f.model,
                                                       .kernels = kernels,
                                                       .pool = pool,
                                                       .recipe = &recipe,
                                                       .batches = batches,
                                                       .train = split.samples,
                                                       .train_count = split.train_count },
                              search, &why),
              why);
    batches_free(batches);
    split_deinit(&split);
    pool_free(pool);
    drop(&f);
}

static void test_bits_depend_on_neither_threads_nor_kernels(void **state)
{
    static struct rate_search first, here;
    const struct kernels *kernels;

    (void)state;
    run_search(kernels_at(0), 1, &first);
    assert_true(first.count > 50);
    for (size_t i = 1; i < first.count; i++)
        assert_true(first.rates[i] > first.rates[i - 1] && isfinite(first.losses[i]));
    assert_true(first.rates[0] < 6e-5 && first.rates[first.count - 1] > 0.1);
    for (size_t k = 0; (kernels = kernels_at(k)); k++) {
        for (unsigned threads = 1; threads <= 3; threads++) {
            run_search(kernels, threads, &here);
            assert_int_equal(here.count, first.count);
            assert_memory_equal(here.losses, first.losses, first.count * sizeof *first.losses);
        }
    }
}

#define TRAIN "train m.safetensors --data d --batch 16 --name t --no-history --epochs 3 "

/* Said, in the lineage, the same for any threads, and for a run that is resumed. */
static void test_rate_auto(void **state)
{
    static const char *const commands[] = { TRAIN "--rate auto --threads 1 -o a",
                                            TRAIN "--rate auto --threads 3 --checkpoint ck -o b",
                                            TRAIN "--rate auto --resume ck -o c" };
    const char *folder = scratch_make();
    static struct ran ran;
    size_t size, other;
    char *first = NULL;

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 50);
    forge_run(&ran, folder, "build --layers 64-24-4 --sparsity 0.5 --seed 3 -p image.classification -o m.safetensors");
    for (size_t i = 0; i < 3; i++) {
        char name[2] = { (char)('a' + i), 0 }, *file;

        forge_run(&ran, folder, commands[i]);
        if (ran.status)
            fail_msg("'%s': %s", commands[i], ran.err);
        assert_non_null(strstr(ran.out, "\"event\":\"rate\""));
        file = slurp(scratch_path(folder, name), &other);
        if (first) {
            assert_int_equal(size, other);
            assert_memory_equal(first, file, size);
            free(file);
        } else {
            first = file;
            size = other;
        }
    }
    free(first);
    forge_run(&ran, folder, TRAIN "--rate fast -o d");
    assert_int_equal(ran.status, 2);
    assert_non_null(strstr(ran.err, "give auto or a number from 0 to 1000"));
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_third_of_the_lowest),
        cmocka_unit_test(test_bits_depend_on_neither_threads_nor_kernels),
        cmocka_unit_test(test_rate_auto),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
