/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/bench/level.h"
#include "client/cli/live/interrupt.h"

enum { AGREEING = 3 };

/* What the last windows gave, the newest first. */
struct past {
    double rates[AGREEING], latencies[AGREEING];
};

static void remember(struct past *past, const struct figures *figures, double percentile)
{
    for (int i = AGREEING - 1; i > 0; i--) {
        past->rates[i] = past->rates[i - 1];
        past->latencies[i] = past->latencies[i - 1];
    }
    past->rates[0] = figures_rate(figures);
    past->latencies[0] =
        percentile > 0 ? (double)figures_percentile(figures, percentile) : figures_mean(figures, figures->latency_sum);
}

/* Each within the tolerance of their mean. */
static bool agree(const double *values, double tolerance)
{
    double mean = 0;

    insist(tolerance >= 0);
    for (int i = 0; i < AGREEING; i++)
        mean += values[i] / AGREEING;
    for (int i = 0; i < AGREEING; i++) {
        if (!(fabs(values[i] - mean) <= tolerance * mean))
            return false;
    }
    return true;
}

int level_measure(struct level *level, struct load *load, const struct level_setup *setup)
{
    const uint64_t trials = setup->window.requests ? 1 : setup->trials_max;
    struct past past = { .rates = { 0 } };
    int result;

    insist(!level->trials && !level->stable && setup->trials_max > 0);
    insist(level->rate > 0 || level->concurrency > 0);
    level->counted = setup->window.requests > 0;
    result = load_run(load, level->concurrency, level->rate, setup->warm_up, &level->figures);

    while (!result && !level->stable && level->trials < trials && !interrupt_came()) {
        result = load_run(load, level->concurrency, level->rate, setup->window, &level->figures);
        remember(&past, &level->figures, setup->percentile);
        level->trials++;
        level->stable =
            level->trials >= AGREEING && agree(past.rates, setup->tolerance) && agree(past.latencies, setup->tolerance);
    }
    insist(level->trials <= setup->trials_max, "%llu", (unsigned long long)level->trials);
    insist(!level->stable || level->trials >= AGREEING);
    load_drain(load);
    return result;
}

void level_deinit(struct level *level)
{
    figures_deinit(&level->figures);
}
