/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "forge/train/rate_search.h"

#define RISE  4.0
#define FIRST (1.0 / 64) /* of the usual rate */
#define SHARE 0.5

/* The losses of one try. */
struct tail {
    double sum;
    size_t count;
};

static void note(void *argument, uint64_t step, double loss)
{
    struct tail *tail = argument;

    if (step < RATE_SEARCH_STEPS - RATE_SEARCH_LAST)
        return;
    tail->sum += loss;
    tail->count++;
}

static size_t best(const struct rate_search *search)
{
    size_t at = 0;

    for (size_t i = 1; i < search->count; i++) {
        if (search->losses[i] < search->losses[at])
            at = i;
    }
    return at;
}

bool rate_search_goes_on(const struct rate_search *search)
{
    return search->count < RATE_SEARCH_RATES && (!search->count || best(search) + 2 >= search->count);
}

double rate_search_choose(const struct rate_search *search)
{
    return search->count && isfinite(search->losses[best(search)]) ? SHARE * search->rates[best(search)] : 0;
}

int rate_search_try(const struct trainer_setup *setup, struct rate_search *search, struct reason *why)
{
    struct progress quiet = { .quiet = true };
    struct recipe recipe = recipe_bare(setup->recipe);
    struct trainer_setup own = *setup;
    struct trainer_result result;
    struct tail tail = { .sum = 0 };
    struct trainer *trainer;
    int failed;

    recipe.schedule = schedule_find("constant");
    recipe.rate *= FIRST;
    for (size_t i = 0; i < search->count; i++)
        recipe.rate *= RISE;
    recipe.warmup = 0;
    recipe.epochs = 0;
    recipe.steps = RATE_SEARCH_STEPS;
    recipe_fit(&recipe, setup->train_count);
    own.recipe = &recipe;
    own.validation_count = 0;
    own.progress = &quiet;
    own.checkpoint = NULL;
    own.resume = NULL;
    own.minutes = 0;
    own.observe = note;
    own.observer = &tail;
    failed = trainer_new(&own, &trainer, why);
    if (failed)
        return failed;
    failed = trainer_run(trainer, &result, why);
    trainer_free(trainer);
    search->rates[search->count] = recipe.rate;
    search->losses[search->count] =
        !failed && tail.count == RATE_SEARCH_LAST && isfinite(tail.sum) ? tail.sum / RATE_SEARCH_LAST : INFINITY;
    search->count++;
    /* That the largest diverge is what they are for. */
    return failed == WISP_E_INVALID ? 0 : failed;
}
