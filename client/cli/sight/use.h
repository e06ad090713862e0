/* SPDX-License-Identifier: Apache-2.0
 *
 * Who uses how much, as people read it.
 */
#ifndef CLI_SIGHT_USE_H
#define CLI_SIGHT_USE_H

#include <jansson.h>
#include <stdint.h>

#include "client/cli/screen.h"

enum { USER_NAME_MAX = 64 };

/* A line: which daemon, since when, over which loop, with how many channels; of what wisp_stats() gives. */
void print_daemon(const struct screen *screen, const json_t *stats);

/* The name of a user id, or the number where it has none; the buffer is USER_NAME_MAX bytes; returned. */
const char *format_user(uint64_t uid, char *buffer);

/* What a user's share of the time is: "100"; "-" where a daemon of before does not say (0). The buffer is at least 32
 * bytes; returned. */
const char *format_weight(uint64_t weight, char *buffer);

/* Requests of a model or a user that had no answer. */
uint64_t failed_requests(const json_t *tally);

/* A percentile ("p99_ns") of one of its histograms ("waited"), in nanoseconds. */
uint64_t histogram_mark(const json_t *tally, const char *histogram, const char *mark);

/* A time as people read it: "850 ns", "18.2 us", "3.41 ms", "2.0 s". The buffer is at least 32 bytes; returned. */
const char *format_time(uint64_t ns, char *buffer);

/* "12.5 %" of a time. */
const char *format_share(double part, double whole, char *buffer);

#endif
