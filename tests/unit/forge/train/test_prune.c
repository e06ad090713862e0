/* SPDX-License-Identifier: Apache-2.0
 *
 * Pruning at initialisation: what is kept against a plain search, and as a process.
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
#include "base/rng.h"
#include "base/size.h"
#include "forge/experiment/split.h"
#include "forge/train/topology/prune_model.h"
#include "forge/train/topology/pruning.h"
#include "sparse/file/model_file.h"
#include "sparse/graph/connections.h"
#include "support/test.h"
#include "trainer_fixture.h"

/* How many connections of the network matter more, or as much and come before. */
static uint64_t count_better(const struct parameters *p, const float *scores, uint64_t at)
{
    uint64_t better = 0;

    for (uint32_t i = 0; i < p->run_count; i++) {
        const struct parameter_run *run = &p->runs[i];

        for (uint64_t k = run->begin; run->connections && k < run->begin + run->count; k++)
            better += scores[k] > scores[at] || (scores[k] == scores[at] && k < at);
    }
    return better;
}

/* The kept ones of a layer, in order: the old connections [begin, begin + count) whose rank is below `keep`. */
static void check_layer_kept(const struct csr *w, const struct csr *old, const struct parameters *p,
                             const float *scores, uint64_t begin, uint64_t keep)
{
    uint64_t next = 0;

    for (uint32_t r = 0; r < old->rows; r++) {
        for (uint64_t k = old->starts[r]; k < old->starts[r + 1]; k++) {
            if (count_better(p, scores, begin + k) >= keep)
                continue;
            assert_true(next >= w->starts[r] && next < w->starts[r + 1]);
            assert_int_equal(csr_column(w, next), csr_column(old, k));
            assert_true(w->values[next++] == old->values[k]);
        }
    }
    assert_int_equal(next, w->count);
}

static void test_the_largest_products_are_kept(void **state)
{
    enum { KEEP = 300 };
    struct rng rng = rng_make(8, 8);
    struct fixture f, twin;
    struct parameters p;
    struct reason why;
    float *gradient, *scores;

    (void)state;
    memset(&f, 0, sizeof f);
    memset(&twin, 0, sizeof twin);
    make_model(&f, "20-24-16-4", 0.7, 2);
    make_model(&twin, "20-24-16-4", 0.7, 2);
    assert_int_equal(parameters_map(f.model, &p), 0);
    assert_int_equal(model_gather_parameters(f.model, &p), 0);
    gradient = parameters_array(&p);
    scores = parameters_array(&p);
    for (uint64_t i = 0; i < p.length; i++) {
        gradient[i] = rng_below(&rng, 4) ? rng_normal(&rng) : 0; /* ties, at 0 */
        scores[i] = fabsf(gradient[i] * f.model->parameters[i]);
    }
    assert_ok(prune_model(f.model, &p, gradient, KEEP, &why), why);
    assert_int_equal(model_connections(f.model), KEEP);
    assert_ok(model_check(f.model, &why), why);
    for (uint32_t i = 0; i < p.run_count; i++) {
        const uint32_t layer = p.runs[i].layer;

        if (p.runs[i].connections)
            check_layer_kept(&f.model->layers[layer].weight, &twin.model->layers[layer].weight, &p, scores,
                             p.runs[i].begin, KEEP);
    }
    free(gradient);
    free(scores);
    parameters_deinit(&p);
    model_free(f.model);
    model_free(twin.model);
}

static void test_no_layer_is_left_without(void **state)
{
    struct fixture f;
    struct parameters p;
    struct reason why;
    float *gradient;
    uint64_t before;

    (void)state;
    memset(&f, 0, sizeof f);
    make_model(&f, "20-24-16-4", 0.7, 2);
    before = model_connections(f.model);
    assert_int_equal(parameters_map(f.model, &p), 0);
    assert_int_equal(model_gather_parameters(f.model, &p), 0);
    gradient = parameters_array(&p);
    for (uint64_t i = 0; i < p.runs[0].count; i++)
        gradient[i] = 1; /* the first layer alone matters */
    assert_int_equal(prune_model(f.model, &p, gradient, 50, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "no connection: other layers' matter more"));
    assert_int_equal(prune_model(f.model, &p, gradient, before, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "build it with more"));
    assert_int_equal(model_connections(f.model), before);
    free(gradient);
    parameters_deinit(&p);
    model_free(f.model);
}

static void test_what_is_no_method_is_refused(void **state)
{
    static const char *const wrong[] = { "",         "snip",           "snip=1",    "snip=-0.1",
                                         "grasp=.5", "snip=0.5,every", "snip=0.5,", "snip=0.5,batches=0" };
    struct pruning p;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(pruning_parse(wrong[i], &p, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "give snip=S"));
    }
    assert_ok(pruning_parse("snip-ratio=0.9,batches=3", &p, &why), why);
    assert_true(p.method == PRUNING_SNIP_RATIO && p.sparsity == 0.9 && p.batches == 3);
}

/* Of plain gradient descent the first step is the rate times it. */
static void test_the_gradient_is_that_of_the_first_step(void **state)
{
    const struct recipe recipe = { .epochs = 1, .batch = 64, .steps = 1, .seed = 1, .rate = 0.5 };
    struct progress progress = { .quiet = true };
    struct trainer_result result;
    struct batches *batches;
    struct trainer *trainer;
    struct split split;
    struct reason why;
    struct fixture f;
    const float *gradient;
    static float expected[1024];
    uint64_t moved = 0, length;

    (void)state;
    make_quadrants(&f, 200);
    make_model(&f, "64-8-4", 0.5, 1);
    assert_int_equal(split_make(200, 0, 1, &split), 0);
    assert_ok(batches_new(&f.data, f.media, NULL, true, &batches, &why), why);
    assert_ok(trainer_new(&(struct trainer_setup){ .model = f.model,
                                                   .kernels = kernels_find("auto"),
                                                   .recipe = &recipe,
                                                   .batches = batches,
                                                   .train = split.samples,
                                                   .train_count = split.train_count,
                                                   .progress = &progress },
                          &trainer, &why),
              why);
    length = f.model->layers[0].weight.count;
    assert_ok(trainer_gradient(trainer, 1, &gradient, &why), why);
    memcpy(expected, gradient, length * sizeof *expected);
    assert_ok(trainer_gradient(trainer, 1 + (200 + 63) / 64, &gradient, &why), why);
    assert_memory_not_equal(expected, gradient, length * sizeof *expected); /* the second epoch has others together */
    assert_ok(trainer_gradient(trainer, 0, &gradient, &why), why);
    assert_memory_not_equal(expected, gradient, length * sizeof *expected); /* another batch's is another */
    for (uint64_t k = 0; k < length; k++)
        expected[k] = f.model->parameters[k] - 0.5f * gradient[k] / 64;
    assert_ok(trainer_run(trainer, &result, &why), why);
    for (uint64_t k = 0; k < length; k++) {
        assert_true(fabsf(f.model->parameters[k] - expected[k]) < 1e-6f);
        moved += gradient[k] != 0;
    }
    assert_true(moved > length / 4);
    trainer_free(trainer);
    batches_free(batches);
    split_deinit(&split);
    drop(&f);
}

/* ---- as a process ---- */

#define BUILD "build --layers 64-24-12-4 --seed 3 -p image.classification --no-history "
#define TRAIN "train m.safetensors --data d --epochs 2 --batch 32 --no-history --name t "

static struct ran ran;

static struct model *trained(const char *folder, const char *name)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, name), &model, &why), why);
    return model;
}

static void test_a_dense_network_is_pruned_and_trained(void **state)
{
    const char *folder = scratch_make();
    struct model *snip, *ratio;
    uint64_t same = 0;

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 50);
    forge_run_well(&ran, folder, BUILD "--sparsity 0 -o m.safetensors");
    forge_run_well(&ran, folder, TRAIN "--prune snip=0.8,batches=2 --threads 1 -o snip.safetensors");
    forge_run_well(&ran, folder, TRAIN "--prune snip=0.8,batches=2 --threads 2 -o again.safetensors");
    assert_same_bytes(folder, "snip.safetensors", "again.safetensors");
    forge_run_well(&ran, folder, TRAIN "--prune snip=0.8,batches=2 --checkpoint ck -o part.safetensors");
    forge_run_well(&ran, folder, TRAIN "--prune snip=0.8,batches=2 --resume ck -o again.safetensors");
    assert_same_bytes(folder, "snip.safetensors", "again.safetensors");
    forge_run_well(&ran, folder, TRAIN "--prune snip-ratio=0.8,batches=2 -o ratio.safetensors");
    snip = trained(folder, "snip.safetensors");
    ratio = trained(folder, "ratio.safetensors");
    assert_int_equal(model_connections(snip), (uint64_t)(0.2 * (64 * 24 + 24 * 12 + 12 * 4) + 0.5));
    assert_non_null(strstr(snip->lineage, "\"prune\""));
    for (uint32_t i = 0; i < snip->layer_count; i++) {
        const struct csr *a = &snip->layers[i].weight, *b = &ratio->layers[i].weight;

        assert_int_equal(a->count, b->count);
        for (uint64_t k = 0; k < a->count; k++)
            same += csr_column(a, k) == csr_column(b, k);
    }
    assert_true(same < model_connections(snip) / 2); /* as many, but others */
    model_free(snip);
    model_free(ratio);
    forge_run(&ran, folder, TRAIN "--prune snip=0 -o no.safetensors");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "build it with more"));
    forge_run_well(&ran, folder, TRAIN "--prune snip=0.8 --regrow rigl,every=3 -o both.safetensors");
    scratch_remove(folder);
}

static void assert_same_weights(const char *folder, const char *a, const char *b)
{
    struct model *one = trained(folder, a), *other = trained(folder, b);

    for (uint32_t i = 0; i < one->layer_count; i++) {
        const struct csr *w = &one->layers[i].weight;

        assert_int_equal(w->count, other->layers[i].weight.count);
        if (w->count)
            assert_memory_equal(w->values, other->layers[i].weight.values, w->count * sizeof *w->values);
    }
    model_free(one);
    model_free(other);
}

/* From a sparse file to what a dense one is trained to, and pruned as one. */
static void test_the_dense_network_of_a_sparse_one(void **state)
{
    const char *folder = scratch_make();

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 50);
    forge_run_well(&ran, folder, BUILD "--sparsity 0 -o m.safetensors");
    forge_run_well(&ran, folder, TRAIN "-o built.safetensors");
    forge_run_well(&ran, folder, TRAIN "--candidates 2 -o chosen.safetensors");
    forge_run_well(&ran, folder, TRAIN "--prune snip=0.8 -o pruned.safetensors");
    forge_run_well(&ran, folder, BUILD "--sparsity 0.9 --layer-density fc1=0.05 -o m.safetensors");
    forge_run_well(&ran, folder, TRAIN "--dense --checkpoint ck -o twin.safetensors");
    assert_same_weights(folder, "built.safetensors", "twin.safetensors");
    forge_run_well(&ran, folder, TRAIN "--dense --candidates 2 -o twin.safetensors");
    assert_same_weights(folder, "chosen.safetensors", "twin.safetensors");
    forge_run_well(&ran, folder, TRAIN "--dense --prune snip=0.8 -o few.safetensors");
    assert_same_weights(folder, "pruned.safetensors", "few.safetensors");
    forge_run(&ran, folder, TRAIN "--resume ck -o no.safetensors");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "dense"));
    forge_run(&ran, folder, TRAIN "--dense --regrow set -o no.safetensors");
    assert_int_equal(ran.status, 2);
    assert_non_null(strstr(ran.err, "no place left"));
    scratch_remove(folder);
}

/* However many minibatches are asked for. */
static void test_it_ends_when_somebody_wants_it(void **state)
{
    const struct timespec while_it_scores = { 0, 200000000 };
    const char *folder = scratch_make();
    pid_t pid;

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 50);
    forge_run_well(&ran, folder, "build --layers 64-24-4 --density 1 -p image.classification -o m.safetensors");
    pid = forge_start(folder, TRAIN "--prune snip=0.8,batches=1000000 -o no.safetensors", "out");
    nanosleep(&while_it_scores, NULL);
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(forge_wait(pid), 130);
    assert_int_equal(access(scratch_path(folder, "no.safetensors"), F_OK), -1);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_largest_products_are_kept),
        cmocka_unit_test(test_no_layer_is_left_without),
        cmocka_unit_test(test_what_is_no_method_is_refused),
        cmocka_unit_test(test_the_gradient_is_that_of_the_first_step),
        cmocka_unit_test(test_a_dense_network_is_pruned_and_trained),
        cmocka_unit_test(test_the_dense_network_of_a_sparse_one),
        cmocka_unit_test(test_it_ends_when_somebody_wants_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
