/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "samples.h"

int samples_init(struct samples *samples, size_t capacity)
{
    *samples = (struct samples){ .ns = calloc(capacity, sizeof *samples->ns), .capacity = capacity };
    return samples->ns ? 0 : -ENOMEM;
}

void samples_deinit(struct samples *samples)
{
    free(samples->ns);
    *samples = (struct samples){ 0 };
}

void samples_add(struct samples *samples, uint64_t ns)
{
    if (samples->count < samples->capacity)
        samples->ns[samples->count++] = ns;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* The nearest rank: the smallest sample that at least `fraction` of all do not exceed. */
static double rank_us(const struct samples *samples, double fraction)
{
    size_t rank = (size_t)(fraction * (double)samples->count + 0.999999);

    return (double)samples->ns[rank ? rank - 1 : 0] / 1000;
}

double samples_rank_us(struct samples *samples, double fraction)
{
    qsort(samples->ns, samples->count, sizeof *samples->ns, compare);
    return rank_us(samples, fraction);
}

void samples_print(struct samples *samples, const char *prefix, int all, FILE *out)
{
    double sum = 0;

    qsort(samples->ns, samples->count, sizeof *samples->ns, compare);
    fprintf(out, "\"%sp50_us\": %.2f, \"%sp99_us\": %.2f", prefix, rank_us(samples, 0.5), prefix,
            rank_us(samples, 0.99));
    if (!all)
        return;
    for (size_t i = 0; i < samples->count; i++)
        sum += (double)samples->ns[i];
    fprintf(out, ", \"%sp999_us\": %.2f, \"%smax_us\": %.2f, \"%smean_us\": %.2f", prefix, rank_us(samples, 0.999),
            prefix, rank_us(samples, 1), prefix, sum / (double)samples->count / 1000);
}
