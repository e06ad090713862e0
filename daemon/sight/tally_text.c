/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/size.h"
#include "daemon/sight/tally_text.h"

/* Those that are not empty, as [end, count]: what is below `end`, and not below the end before. */
static void print_buckets(FILE *out, const struct histogram *copy)
{
    const char *before = "";

    fputs(",\"buckets\":[", out);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!copy->counts[i])
            continue;
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", before, histogram_end(i), copy->counts[i]);
        before = ",";
    }
    fputc(']', out);
}

static void print_histogram(FILE *out, const char *name, const struct histogram *histogram, bool buckets)
{
    static const struct {
        const char *name;
        double share;
    } marks[] = { { "p50_ns", 0.5 }, { "p90_ns", 0.9 }, { "p99_ns", 0.99 }, { "p999_ns", 0.999 }, { "max_ns", 1 } };
    struct histogram copy;

    histogram_read(histogram, &copy);
    fprintf(out, ",\"%s\":{\"count\":%" PRIu64 ",\"sum_ns\":%" PRIu64, name, histogram_count(&copy), copy.sum);
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        fprintf(out, ",\"%s\":%" PRIu64, marks[i].name, histogram_quantile(&copy, marks[i].share));
    if (buckets)
        print_buckets(out, &copy);
    fputc('}', out);
}

void tally_print(FILE *out, const struct tally *tally, bool buckets)
{
    const struct {
        const char *name;
        const uint64_t *counter;
    } counters[] = { { "requests", &tally->answered },   { "refused", &tally->refused }, { "late", &tally->late },
                     { "cancelled", &tally->cancelled }, { "batches", &tally->batches }, { "pooled", &tally->pooled },
                     { "samples", &tally->samples },     { "used_ns", &tally->used_ns } };

    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", counters[i].name, counter_read(counters[i].counter));
    print_histogram(out, "waited", &tally->waited, buckets);
    print_histogram(out, "computed", &tally->computed, buckets);
}
