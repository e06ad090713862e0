/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model thinks of samples under noise, and which of that becomes a label.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../train/trainer_fixture.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/unlabelled/pseudo_labels.h"
#include "support/test.h"

enum { SAMPLES = 150, OPINIONS = 500, CLASSES = 4 };

static void make_opinions(uint64_t seed, struct opinion *out)
{
    struct rng rng = rng_make(seed, 9);

    for (size_t i = 0; i < OPINIONS; i++)
        out[i] = (struct opinion){ .class = (uint32_t)rng_below(&rng, 1 + rng_below(&rng, CLASSES)),
                                   .votes = 1 + (uint32_t)rng_below(&rng, 5),
                                   .certainty = (float)rng_below(&rng, 50) / 50 };
}

/* Of a class: enough votes, no more than its share, and nobody left out who was surer. */
static void check_class(const struct pseudo_rule *rule, uint32_t class, const struct opinion *o, const int32_t *labels)
{
    size_t candidates = 0, taken = 0, all = 0;
    float worst = 2, best_left = -1;

    for (size_t c = 0; c < CLASSES; c++)
        all += rule->known[c];
    for (size_t i = 0; i < OPINIONS; i++) {
        const bool candidate = o[i].class == class && o[i].votes >= rule->votes;

        candidates += candidate;
        if (labels[i] == (int32_t) class) {
            assert_true(candidate);
            taken++;
            worst = fminf(worst, o[i].certainty);
        } else if (candidate) {
            best_left = fmaxf(best_left, o[i].certainty);
        }
    }
    assert_true(best_left <= worst);
    assert_int_equal(
        taken, MIN(candidates, (size_t)lround(rule->fraction * OPINIONS * (double)rule->known[class] / (double)all)));
}

static void test_the_surest_of_each_class_are_taken(void **state)
{
    static const size_t known[][CLASSES] = { { 10, 10, 10, 10 }, { 70, 20, 9, 1 }, { 5, 0, 5, 1 } };
    static struct opinion opinions[OPINIONS];
    static int32_t labels[OPINIONS];

    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        const struct pseudo_rule rule = { .fraction = (double)(seed % 5) / 4,
                                          .votes = 1 + (uint32_t)seed % 5,
                                          .known = known[seed % ARRAY_SIZE(known)],
                                          .classes = CLASSES };
        struct pseudo_count count;
        size_t agreed = 0, taken = 0;

        make_opinions(seed, opinions);
        assert_int_equal(pseudo_labels_choose(&rule, opinions, OPINIONS, labels, &count), 0);
        for (uint32_t c = 0; c < CLASSES; c++)
            check_class(&rule, c, opinions, labels);
        for (size_t i = 0; i < OPINIONS; i++) {
            agreed += opinions[i].votes >= rule.votes;
            taken += labels[i] >= 0;
        }
        assert_int_equal(count.agreed, agreed);
        assert_int_equal(count.taken, taken);
    }
}

static void ask(const struct fixture *f, const struct recipe *recipe, unsigned threads, uint64_t round,
                const uint32_t *which, size_t count, struct opinion *out)
{
    struct batches *batches;
    struct pool *pool;
    struct reason why;

    assert_int_equal(pool_new(threads, &pool), 0);
    assert_ok(batches_new(&f->data, f->media, pool, false, &batches, &why), why);
    assert_ok(opinions_ask(&(struct opinions_setup){ .model = f->model,
                                                     .kernels = kernels_find("auto"),
                                                     .pool = pool,
                                                     .recipe = recipe,
                                                     .batches = batches,
                                                     .round = round,
                                                     .passes = 7 },
                           which, count, out, &why),
              why);
    batches_free(batches);
    pool_free(pool);
}

static bool same(const struct opinion *a, const struct opinion *b)
{
    return a->class == b->class && a->votes == b->votes && !memcmp(&a->certainty, &b->certainty, sizeof a->certainty);
}

/* An opinion is of a sample, whoever else is asked about, in whatever batches and by however many threads; under the
 * noise of another round it is another. */
static void test_opinions_are_of_samples(void **state)
{
    static struct opinion all[SAMPLES], some[SAMPLES];
    static uint32_t which[SAMPLES];
    struct recipe recipe = { .epochs = 6, .batch = 16, .seed = 1, .rate = 0.1, .momentum = 0.9 };
    size_t right = 0, divided = 0, other = 0;
    struct trainer_result result;
    struct fixture f;

    (void)state;
    make_quadrants(&f, SAMPLES);
    make_model(&f, "64-24-4", 0.6, 3);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    for (uint32_t i = 0; i < SAMPLES; i++)
        which[i] = i;
    ask(&f, &recipe, 1, 1, which, SAMPLES, all);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_true(all[i].votes >= 2 && all[i].votes <= 7 && all[i].certainty > 0 && all[i].certainty <= 1);
        right += all[i].class == f.data.classes[i];
        divided += all[i].votes < 7;
    }
    assert_true(right > SAMPLES * 8 / 10 && divided > 3);
    for (uint32_t i = 0; i < SAMPLES / 2; i++)
        which[i] = SAMPLES - 1 - 2 * i;
    recipe.batch = 7;
    ask(&f, &recipe, 2, 1, which, SAMPLES / 2, some);
    for (size_t i = 0; i < SAMPLES / 2; i++)
        assert_true(same(&some[i], &all[which[i]]));
    ask(&f, &recipe, 1, 2, which, SAMPLES / 2, some);
    for (size_t i = 0; i < SAMPLES / 2; i++)
        other += !same(&some[i], &all[which[i]]);
    assert_true(other > SAMPLES / 4);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_surest_of_each_class_are_taken),
        cmocka_unit_test(test_opinions_are_of_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
