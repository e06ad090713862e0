/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/insist.h"
#include "client/cli/bench/figures.h"

enum { CAPACITY_FIRST = 65536 };

void figures_begin(struct figures *figures)
{
    uint64_t *latencies = figures->latencies;
    const size_t capacity = figures->capacity;

    insist(!latencies == !capacity, "%zu", capacity);
    *figures = (struct figures){ .latencies = latencies, .capacity = capacity };
}

static bool grow(struct figures *figures)
{
    const size_t capacity = figures->capacity ? 2 * figures->capacity : CAPACITY_FIRST;
    uint64_t *grown = reallocarray(figures->latencies, capacity, sizeof *grown);

    if (!grown)
        return false;
    figures->latencies = grown;
    figures->capacity = capacity;
    return true;
}

void figures_add(struct figures *figures, const struct answer_times *times)
{
    insist(figures->count <= figures->capacity && !(figures->seconds > 0), "%zu of %zu", figures->count,
           figures->capacity); /* none is added to a window that has ended, whose latencies are sorted */
    if (figures->count == figures->capacity && !grow(figures)) {
        figures->failed_memory = true;
        return;
    }
    figures->latencies[figures->count++] = times->latency_ns;
    figures->answered++;
    figures->latency_sum += (double)times->latency_ns;
    figures->queue_sum += (double)times->queue_ns;
    figures->compute_sum += (double)times->compute_ns;
    figures->wake_sum += (double)times->wake_ns;
    figures->batch_sum += times->batch;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

void figures_end(struct figures *figures, double seconds)
{
    insist(seconds >= 0 && figures->count <= figures->answered, "%zu of %llu", figures->count,
           (unsigned long long)figures->answered);
    figures->seconds = seconds;
    if (figures->count) /* nothing has been answered: there may be no array */
        qsort(figures->latencies, figures->count, sizeof *figures->latencies, ascending);
}

void figures_deinit(struct figures *figures)
{
    free(figures->latencies);
    *figures = (struct figures){ .latencies = NULL };
}

uint64_t figures_percentile(const struct figures *figures, double percent)
{
    const double position = percent / 100 * (double)figures->count;
    size_t rank = (size_t)ceil(position);

    if (!figures->count)
        return 0;
    insist(rank <= figures->count, "%zu of %zu, of %g", rank, figures->count, percent);
    return figures->latencies[rank ? rank - 1 : 0];
}

double figures_mean(const struct figures *figures, double sum)
{
    return figures->answered ? sum / (double)figures->answered : 0;
}

double figures_deviation(const struct figures *figures)
{
    const double mean = figures_mean(figures, figures->latency_sum);
    double sum = 0;

    for (size_t i = 0; i < figures->count; i++) {
        const double apart = (double)figures->latencies[i] - mean;

        sum += apart * apart;
    }
    return sqrt(figures_mean(figures, sum));
}

double figures_rate(const struct figures *figures)
{
    return figures->seconds > 0 ? (double)figures->answered / figures->seconds : 0;
}
