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

/* Tried from below until two were worse than the best; never beyond the last. */
static void test_half_of_the_best(void **state)
{
    static const double losses[][RATE_SEARCH_RATES] = { { 2, 1.5, 1, 1.2, 3, 0, 0 },
                                                        { 2, 1.5, 1.6, 1.4, 1, INFINITY, INFINITY },
                                                        { 2, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4 },
                                                        { 1, INFINITY, INFINITY, 0, 0, 0, 0 },
                                                        { INFINITY, INFINITY, INFINITY, 0, 0, 0, 0 } };
    static const size_t counts[] = { 5, 7, 7, 3, 3 };
    static const double chosen[] = { 0.5 * 16, 0.5 * 256, 0.5 * 4096, 0.5, 0 };

    (void)state;
    for (size_t k = 0; k < 5; k++) {
        struct rate_search search = { .count = 0 };

        assert_true(rate_search_choose(&search) == 0);
        while (rate_search_goes_on(&search)) {
            search.rates[search.count] = pow(4, (double)search.count);
            search.losses[search.count] = losses[k][search.count];
            search.count++;
        }
        assert_int_equal(search.count, counts[k]);
        assert_true(rate_search_choose(&search) == chosen[k]);
    }
}

static void run_search(const struct kernels *kernels, unsigned threads, struct rate_search *search)
{
    const struct recipe recipe = { .epochs = 1, .batch = 32, .seed = 3, .rate = 0.05, .momentum = 0.9 };
    struct batches *batches;
    struct fixture f;
    struct pool *pool;
    struct split split;
    struct reason why;

    *search = (struct rate_search){ .count = 0 };
    make_quadrants(&f, 400);
    assert_int_equal(pool_new(threads, &pool), 0);
    assert_int_equal(split_make(400, 0, 1, &split), 0);
    make_model(&f, "64-48-32-4", 0.3, 2);
    assert_ok(batches_new(&f.data, f.media, pool, true, &batches, &why), why);
    while (rate_search_goes_on(search)) {
        model_free(f.model);
        make_model(&f, "64-48-32-4", 0.3, 2);
        assert_ok(rate_search_try(&(struct trainer_setup){ .model = f.model,
                                                           .kernels = kernels,
                                                           .pool = pool,
                                                           .recipe = &recipe,
                                                           .batches = batches,
                                                           .train = split.samples,
                                                           .train_count = split.train_count },
                                  search, &why),
                  why);
    }
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
    assert_true(first.count > 3);
    assert_true(first.rates[0] == 0.05 / 64 && first.rates[1] == 0.05 / 16);
    assert_true(first.losses[1] < first.losses[0]);
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
        cmocka_unit_test(test_half_of_the_best),
        cmocka_unit_test(test_bits_depend_on_neither_threads_nor_kernels),
        cmocka_unit_test(test_rate_auto),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
