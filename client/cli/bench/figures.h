/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of the requests of one window of time: every latency, exactly, and where it went on average.
 */
#ifndef CLI_BENCH_FIGURES_H
#define CLI_BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct figures {
    uint64_t *latencies; /* nanoseconds; sorted once the window has ended */
    size_t count, capacity;
    bool failed_memory;
    uint64_t answered, failed; /* requests */
    uint64_t delayed;          /* that were due while as many as may be were under way */
    double latency_sum, queue_sum, compute_sum, wake_sum, batch_sum;
    double seconds; /* how long the window was */
};

struct answer_times {
    uint64_t latency_ns, queue_ns, compute_ns, wake_ns;
    uint32_t batch;
};

void figures_begin(struct figures *figures);
void figures_add(struct figures *figures, const struct answer_times *times);
void figures_end(struct figures *figures, double seconds);
void figures_deinit(struct figures *figures);

/* After the end: by nearest rank, nanoseconds; 0 of none. */
uint64_t figures_percentile(const struct figures *figures, double percent);
double figures_deviation(const struct figures *figures);
/* Of a sum above, by answered requests. */
double figures_mean(const struct figures *figures, double sum);
double figures_rate(const struct figures *figures); /* answered requests a second */

#endif
