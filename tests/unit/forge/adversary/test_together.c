/* SPDX-License-Identifier: Apache-2.0
 *
 * Two networks that several ranks train against each other come to what one process comes to with the same batches, and
 * all ranks to the same bits, which the trainer looks after. Run by mpirun; alone it is one rank.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adversary_fixture.h"
#include "forge/ranks/ranks.h"
#include "support/test.h"

static struct ranks *ranks;

/* All parameters of both, one after the other; and what the adversary has come to in the last epoch. */
static float *train_both(const struct recipe *recipe, const struct ranks *together, size_t *count)
{
    static const struct net normal_adversary = { { GIVES, GIVEN }, 2, 1, { "input", "given" }, true, false };
    struct bed bed = { .recipe = *recipe, .f.ranks = together };
    struct trainer_result result;
    struct reason why;
    size_t own, other;
    float *values;

    lay(&bed, make_net("g", &noisy_generator, 1), make_net("d", &normal_adversary, 11), 1);
    begin(&bed);
    assert_ok(trainer_run(bed.trainer, &result, &why), why);
    own = bed.trainer->parameters.length;
    other = bed.setup.beside->parameters.length;
    *count = own + other + 1;
    values = malloc(*count * sizeof *values);
    memcpy(values, bed.f.model->parameters, own * sizeof *values);
    memcpy(values + own, bed.model->parameters, other * sizeof *values);
    values[own + other] = (float)result.loss;
    clear(&bed);
    return values;
}

static void compare(const struct recipe *recipe)
{
    size_t count;
    float *alone = train_both(recipe, NULL, &count), *together = train_both(recipe, ranks, &count);

    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)alone[i] - (double)together[i]) <= 1e-5))
            fail_msg("number %zu of %zu is %g, and alone %g", i, count, (double)together[i], (double)alone[i]);
    }
    free(alone);
    free(together);
}

/* The last of batches of 47 has one sample: other ranks have none. */
static void test_many_come_to_what_one_comes_to(void **state)
{
    struct recipe recipe = { .optimizer = optimizer_find("sgd"),
                             .epochs = 3,
                             .batch = SAMPLES - 1,
                             .seed = 5,
                             .rate = 0.05,
                             .momentum = 0.9,
                             .clip = 0.5,
                             .adversarial = 0.5 };

    (void)state;
    compare(&recipe);
    recipe.batch = 20;
    compare(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_many_come_to_what_one_comes_to) };
    struct reason why;
    int failed;

    if (ranks_begin(&ranks, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ranks_end(ranks, failed);
    return failed;
}
