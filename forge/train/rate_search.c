/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "forge/train/rate_search.h"
#include "sparse/kernels/functions.h"

#define RISE     1e6 /* from the first rate to the last */
#define SMOOTHER 0.9
#define SHARE    (1.0 / 3)

static double geometric(double done)
{
    const double log_rise = 13.815510557964274; /* ln 1e6 */

    return (double)function_exp((float)(log_rise * (done - 1)));
}

static const struct schedule rising = { "geometric", geometric, 1 / RISE, true };

double rate_search_choose(const struct rate_search *search)
{
    double mean = 0, weight = 1, lowest = INFINITY, rate = 0;

    for (size_t i = 0; i < search->count; i++) {
        double smooth;

        mean = SMOOTHER * mean + (1 - SMOOTHER) * search->losses[i];
        weight *= SMOOTHER;
        smooth = mean / (1 - weight);
        if (smooth < lowest) {
            lowest = smooth;
            rate = search->rates[i];
        }
    }
    return SHARE * rate;
}

static void note(void *argument, uint64_t step, double loss)
{
    struct rate_search *search = argument;

    if (step < RATE_SEARCH_STEPS) {
        search->losses[step] = loss;
        search->count = step + 1;
    }
}

int rate_search_run(const struct trainer_setup *setup, struct rate_search *out, struct reason *why)
{
    struct progress quiet = { .quiet = true };
    struct recipe recipe = *setup->recipe;
    struct trainer_setup own = *setup;
    struct trainer_result result;
    struct trainer *trainer;
    int failed;

    recipe.schedule = &rising;
    recipe.rate *= 1000;
    recipe.warmup = recipe.minutes = recipe.until_accuracy = 0;
    recipe.patience = recipe.epochs = 0;
    recipe.steps = RATE_SEARCH_STEPS;
    recipe.average.kind = AVERAGE_NONE;
    recipe.regrowth.method = NULL;
    recipe_fit(&recipe, setup->train_count);
    own.recipe = &recipe;
    own.validation_count = 0;
    own.progress = &quiet;
    own.checkpoint = NULL;
    own.resume = NULL;
    own.minutes = 0;
    own.observe = note;
    own.observer = out;
    *out = (struct rate_search){ .count = 0 };
    failed = trainer_new(&own, &trainer, why);
    if (failed)
        return failed;
    failed = trainer_run(trainer, &result, why);
    trainer_free(trainer);
    for (size_t i = 0; i < out->count; i++)
        out->rates[i] = (double)recipe_rate(&recipe, i, RATE_SEARCH_STEPS, RATE_SEARCH_STEPS);
    /* That it diverges in the end is what it is for. */
    return failed == WISP_E_INVALID && out->count ? 0 : failed;
}
