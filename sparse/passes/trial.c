/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/trial.h"
#include "base/insist.h"
#include "base/size.h"

/* Of ways that take the same, one pass in so many goes the other; and a time is forgotten by one part of so many. */
enum { ANEW = 64, FORGET = 64, PASSES_MAX = 1 << 14 };

/* To the third power of how many times as long the other way takes: the loss falls with its square. */
static uint32_t passes_between(uint64_t better, uint64_t worse)
{
    const double times = (double)worse / (double)better;

    return (uint32_t)MIN(ANEW * times * times * times, (double)PASSES_MAX);
}

unsigned trial_next(struct trial *trial, uint64_t first_ns, uint64_t second_ns)
{
    const unsigned better = trial->ns[1] < trial->ns[0];

    if (!trial->ns[0]) {
        trial->ns[0] = MAX(first_ns, (uint64_t)1);
        trial->ns[1] = MAX(second_ns, (uint64_t)1);
        return 0;
    }
    if (++trial->passes < passes_between(trial->ns[better], trial->ns[!better]))
        return better;
    trial->passes = 0;
    return !better;
}

void trial_learn(struct trial *trial, unsigned way, uint64_t ns)
{
    uint64_t *least = &trial->ns[way];

    insist(way < 2 && *least, "%u", way);
    *least = MIN(*least + *least / FORGET + 1, MAX(ns, (uint64_t)1));
}
