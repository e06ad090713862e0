/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/memory.h"
#include "forge/thresholds/choose.h"

/* What counts from a threshold on: how many are said, are right, and are there. */
struct said {
    double predicted, correct, actual;
};

static double f1(const struct said *own, const struct said *prior)
{
    return 2 * (own->correct + prior->correct) / (own->predicted + prior->predicted + own->actual + prior->actual);
}

static double sum(const uint32_t *counts)
{
    double all = 0;

    for (size_t i = 0; i <= THRESHOLD_ONE; i++)
        all += counts[i];
    return all;
}

/* Of all labels together at each threshold, as if THRESHOLD_PRIOR samples had one. False: none has. */
static bool join(const struct threshold_counts *counts, size_t labels, struct said *prior)
{
    double predicted = 0, correct = 0, actual = 0;

    for (size_t l = 0; l < labels; l++)
        actual += sum(counts[l].right);
    for (size_t t = THRESHOLD_ONE + 1; t-- && actual > 0;) {
        for (size_t l = 0; l < labels; l++) {
            predicted += counts[l].all[t];
            correct += counts[l].right[t];
        }
        prior[t] =
            (struct said){ predicted * THRESHOLD_PRIOR / actual, correct * THRESHOLD_PRIOR / actual, THRESHOLD_PRIOR };
    }
    return actual > 0;
}

static uint32_t choose(const struct threshold_counts *counts, const struct said *prior)
{
    struct said own = { counts->all[THRESHOLD_ONE], counts->right[THRESHOLD_ONE], sum(counts->right) };
    uint32_t first = THRESHOLD_ONE - 1, last = first;
    double best = -1;

    for (uint32_t t = THRESHOLD_ONE - 1; t; t--) {
        double score;

        own.predicted += counts->all[t];
        own.correct += counts->right[t];
        score = f1(&own, &prior[t]);
        if (score > best) {
            best = score;
            first = last = t;
        } else if (score == best && last == t + 1) {
            last = t;
        }
    }
    return (first + last) / 2;
}

int thresholds_choose(const struct threshold_counts *counts, size_t labels, uint32_t *out)
{
    cleanup_free struct said *prior = memory_alloc(THRESHOLD_ONE + 1, sizeof *prior);

    if (!prior)
        return -ENOMEM;
    if (!join(counts, labels, prior))
        return WISP_E_INVALID;
    for (size_t l = 0; l < labels; l++)
        out[l] = choose(&counts[l], prior);
    return 0;
}
