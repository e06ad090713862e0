/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

void histogram_read(const struct histogram *histogram, struct histogram *copy)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        copy->counts[i] = __atomic_load_n(&histogram->counts[i], __ATOMIC_RELAXED);
    copy->sum = __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED);
}

uint64_t histogram_count(const struct histogram *copy)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += copy->counts[i];
    return count;
}

uint64_t histogram_quantile(const struct histogram *copy, double share)
{
    const double position = share * (double)histogram_count(copy);
    uint64_t rank = (uint64_t)position, seen = 0;

    if ((double)rank < position || !rank) /* nearest rank: rounded up */
        rank++;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += copy->counts[i];
        if (seen >= rank)
            return histogram_end(i) - 1;
    }
    return 0;
}

void histogram_sum(struct histogram *sum, const struct histogram *histogram)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->counts[i] += __atomic_load_n(&histogram->counts[i], __ATOMIC_RELAXED);
    sum->sum += __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED);
}

void histogram_subtract(struct histogram *later, const struct histogram *earlier)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        later->counts[i] -= earlier->counts[i];
    later->sum -= earlier->sum;
}
