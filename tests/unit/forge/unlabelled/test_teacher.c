/* SPDX-License-Identifier: Apache-2.0
 *
 * A pupil learns what its teacher says and nothing else; who says the same already has nothing to learn; and no model
 * is taken for a teacher that cannot be one.
 */
#include <stdlib.h>
#include <string.h>

#include "../train/trainer_fixture.h"
#include "forge/experiment/split.h"
#include "forge/plan/assemble.h"
#include "forge/unlabelled/teacher.h"
#include "support/test.h"

enum { SAMPLES = 400 };

static const struct recipe recipe_of_teachers = {
    .epochs = 6, .batch = 16, .seed = 2, .rate = 0.1, .momentum = 0.9, .validation = 0.2, .temperature = 2
};

/* The pupil, by its teacher; both see the fixture's pictures, of which it knows no class. */
static void follow(struct fixture *f, const struct model *teaching, const struct recipe *recipe, unsigned threads,
                   struct trainer_result *result)
{
    struct progress progress = { .quiet = true };
    struct answers answers = { .give = teacher_answer };
    struct batches *batches;
    struct trainer *trainer;
    struct teacher *teacher;
    struct pool *pool;
    struct split split;
    struct reason why;

    assert_int_equal(pool_new(threads, &pool), 0);
    assert_int_equal(split_make(f->data.count, recipe->validation, recipe->seed, &split), 0);
    assert_ok(batches_new(&f->data, f->media, pool, false, &batches, &why), why);
    assert_ok(teacher_new(&(struct teacher_setup){ .model = teaching,
                                                   .media = f->media,
                                                   .data = &f->data,
                                                   .pupil = f->model,
                                                   .kernels = kernels_find("auto"),
                                                   .pool = pool,
                                                   .batch = recipe->batch },
                          &teacher, &why),
              why);
    answers.giver = teacher;
    assert_ok(trainer_new(&(struct trainer_setup){ .model = f->model,
                                                   .kernels = kernels_find("auto"),
                                                   .pool = pool,
                                                   .recipe = recipe,
                                                   .batches = batches,
                                                   .answers = &answers,
                                                   .train = split.samples,
                                                   .train_count = split.train_count,
                                                   .validation = split.samples + split.train_count,
                                                   .validation_count = split.validation_count,
                                                   .progress = &progress },
                          &trainer, &why),
              why);
    assert_ok(trainer_run(trainer, result, &why), why);
    trainer_free(trainer);
    teacher_free(teacher);
    batches_free(batches);
    split_deinit(&split);
    pool_free(pool);
}

/* A trained one, and pictures whose classes are forgotten. */
static struct model *make_teacher(struct fixture *f)
{
    const struct recipe recipe = { .epochs = 3, .batch = 16, .seed = 1, .rate = 0.1, .momentum = 0.9 };
    struct trainer_result result;
    struct model *made;

    make_quadrants(f, SAMPLES);
    make_model(f, "64-32-4", 1, 1);
    train(f, &recipe, kernels_find("auto"), 1, &result);
    assert_true(result.accuracy > 0.95);
    memset(f->data.classes, 0, SAMPLES * sizeof *f->data.classes);
    made = f->model;
    f->model = NULL;
    return made;
}

static void test_a_sparse_pupil_follows(void **state)
{
    struct trainer_result result;
    struct fixture f;
    struct model *teacher = make_teacher(&f);
    uint64_t hash[2];

    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        make_model(&f, "64-24-4", 0.4, 3);
        follow(&f, teacher, &recipe_of_teachers, threads, &result);
        hash[threads - 1] = hash_weights(f.model);
        f.model = model_free(f.model);
    }
    assert_true(result.validated && result.validation_accuracy > 0.9);
    assert_true(result.validation_balance.predicted == 4 && result.validation_balance.balanced > 0.85);
    /* It does not agree on all, and the table of classes says so, too. */
    assert_true(result.validation_accuracy < 1 && result.validation_balance.balanced < 1);
    assert_int_equal(result.balance, BALANCE_NONE);
    assert_true(hash[0] == hash[1]);
    model_free(teacher);
    drop(&f);
}

/* The same network sees the same augmented picture and gives the same answer, so that no weight moves; one that sees
 * dropped inputs is told what its teacher says of whole ones. */
static void test_who_knows_it_all_stays(void **state)
{
    struct recipe recipe = recipe_of_teachers;
    struct trainer_result result;
    struct fixture f;
    struct model *teacher = make_teacher(&f), *twin;
    uint64_t before;

    (void)state;
    make_model(&f, "64-32-4", 1, 1);
    twin = f.model;
    for (uint32_t i = 0; i < twin->layer_count; i++) {
        if (!twin->layers[i].kind->weighted)
            continue;
        memcpy(twin->layers[i].weight.values, teacher->layers[i].weight.values,
               twin->layers[i].weight.count * sizeof(float));
        memcpy(twin->layers[i].vectors[0].data, teacher->layers[i].vectors[0].data,
               twin->layers[i].vectors[0].count * sizeof(float));
    }
    before = hash_weights(twin);
    recipe.epochs = 1;
    recipe.augment.amount[AUGMENT_SHIFT] = 2;
    follow(&f, teacher, &recipe, 2, &result);
    assert_true(hash_weights(twin) == before);
    assert_true(result.accuracy == 1);
    recipe.input_dropout = 0.3;
    follow(&f, teacher, &recipe, 2, &result);
    assert_true(hash_weights(twin) != before);
    model_free(teacher);
    drop(&f);
}

static void refused(struct fixture *f, const struct model *teaching, const char *says)
{
    struct teacher *teacher;
    struct reason why = { "" };

    assert_int_equal(teacher_new(&(struct teacher_setup){ .model = teaching,
                                                          .media = f->media,
                                                          .data = &f->data,
                                                          .pupil = f->model,
                                                          .kernels = kernels_find("auto"),
                                                          .batch = 4 },
                                 &teacher, &why),
                     WISP_E_FORMAT);
    if (!strstr(why.text, says))
        fail_msg("%s\n  wanted: %s", why.text, says);
}

static void test_who_is_no_teacher(void **state)
{
    char words[] = "a\0b\0c\0d", *names[] = { words, words + 2, words + 4, words + 6 };
    char *others[] = { words, words + 2, words + 6, words + 4 };
    struct fixture f;
    struct model *teacher;

    (void)state;
    make_quadrants(&f, 4);
    make_model(&f, "64-8-4", 1, 1);
    teacher = f.model;
    make_model(&f, "64-8-5", 1, 1);
    refused(&f, teacher, "it has 4 outputs, the pupil has 5; build the pupil with --layers …-4");
    model_free(f.model);
    make_model(&f, "64-8-4", 1, 2);
    f.model->layers[f.model->layer_count - 1].kind = layer_kind_find("sigmoid");
    refused(&f, teacher, "it ends in a softmax, the pupil in a sigmoid");
    model_free(f.model);
    make_model(&f, "64-8-4", 1, 2);
    assert_int_equal(model_set_labels(teacher, names, 4), 0);
    assert_int_equal(model_set_labels(f.model, others, 4), 0);
    refused(&f, teacher, "its output 3 is \"c\", the pupil's is \"d\"; --labels");
    model_free(teacher);
    teacher = f.model;
    make_model(&f, "36-8-4", 1, 2);
    refused(&f, f.model, "its media description gives 64 values, but its input has 36");
    f.data.kind = MEDIA_TEXT;
    refused(&f, teacher, "it takes inputs of another kind");
    model_free(teacher);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sparse_pupil_follows),
        cmocka_unit_test(test_who_knows_it_all_stays),
        cmocka_unit_test(test_who_is_no_teacher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
