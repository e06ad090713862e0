/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "forge/loss.h"
#include "sparse/functions.h"

int loss_init(struct loss *loss, size_t classes, size_t max)
{
    *loss = (struct loss){ .classes = classes, .max = max };
    loss->gradient = memory_alloc(classes, max * sizeof *loss->gradient);
    loss->weights = memory_alloc(classes, sizeof *loss->weights);
    loss->each = memory_alloc(max, sizeof *loss->each);
    loss->predicted = memory_alloc(max, sizeof *loss->predicted);
    for (size_t c = 0; loss->weights && c < classes; c++)
        loss->weights[c] = 1;
    if (loss->gradient && loss->weights && loss->each && loss->predicted)
        return 0;
    loss_deinit(loss);
    return -ENOMEM;
}

void loss_deinit(struct loss *loss)
{
    free(loss->gradient);
    free(loss->weights);
    free(loss->each);
    free(loss->predicted);
    *loss = LOSS_NULL;
}

struct run {
    struct loss *loss;
    const float *probabilities;
    const uint32_t *labels;
    size_t count;
    float smoothing;
};

static void weigh_sample(const struct run *run, size_t sample, float weight)
{
    for (size_t c = 0; weight != 1 && c < run->loss->classes; c++)
        run->loss->gradient[c * run->count + sample] *= weight;
}

static void run_sample(const struct run *run, size_t sample)
{
    const float min = 1e-30f; /* a probability that rounds to 0 is a large loss, not an infinite one */
    struct loss *loss = run->loss;
    float other = run->smoothing / (float)loss->classes, largest = -1, p;
    uint32_t best = 0;

    for (size_t c = 0; c < loss->classes; c++) {
        p = run->probabilities[c * run->count + sample];
        loss->gradient[c * run->count + sample] = p - other;
        if (p > largest) {
            largest = p;
            best = (uint32_t)c;
        }
    }
    p = run->probabilities[run->labels[sample] * run->count + sample];
    loss->gradient[run->labels[sample] * run->count + sample] = p - (1 - run->smoothing + other);
    weigh_sample(run, sample, loss->weights[run->labels[sample]]);
    loss->each[sample] = -(double)function_log(p < min ? min : p);
    loss->predicted[sample] = best;
}

static void run_part(void *argument, unsigned part, unsigned parts)
{
    const struct run *run = argument;
    unsigned long long begin, end;

    pool_share(run->count, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (size_t sample = begin; sample < end; sample++)
        run_sample(run, sample);
}

void loss_run(struct loss *loss, const float *probabilities, const uint32_t *labels, size_t count, float smoothing,
              struct pool *pool)
{
    struct run run = { loss, probabilities, labels, count, smoothing };

    pool_run(pool, run_part, &run);
}

double loss_sum(const struct loss *loss, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += loss->each[i];
    return sum;
}

size_t loss_correct(const struct loss *loss, const uint32_t *labels, size_t count)
{
    size_t correct = 0;

    for (size_t i = 0; i < count; i++)
        correct += loss->predicted[i] == labels[i];
    return correct;
}
