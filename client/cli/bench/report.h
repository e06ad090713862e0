/* SPDX-License-Identifier: Apache-2.0
 *
 * What levels gave: a table for a person, JSON lines, and CSV with the columns of perf_analyzer.
 */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include <stdio.h>

#include "client/cli/bench/level.h"
#include "client/cli/screen.h"

struct report {
    const char *model;
    uint32_t rows;     /* samples of a request */
    double percentile; /* that was asked for besides; 0: none */
};

void report_head(const struct screen *screen, const struct report *report);
/* One level, as it ends. */
void report_level(const struct screen *screen, const struct report *report, const struct level *level);
/* One line. False without memory. */
bool report_json(FILE *out, const struct report *report, const struct level *level);
void report_csv_head(FILE *out, bool open_loop);
void report_csv(FILE *out, const struct report *report, const struct level *level);

#endif
