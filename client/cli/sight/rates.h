/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened between two answers of the daemon: rates, shares of time, and percentiles of just that time.
 */
#ifndef CLI_SIGHT_RATES_H
#define CLI_SIGHT_RATES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { RATE_NAME_MAX = 128 };

/* Of one model, user or client; a client is a process, whatever it has of connections. */
struct rate {
    char name[RATE_NAME_MAX];
    uint64_t uid, weight;   /* of a user or a client; 0: a daemon of before does not say which weight */
    uint64_t pid, channels; /* of a client */
    uint64_t under_way;
    double requests, failed, samples;      /* a second */
    double used;                           /* of the time: 0 to 1 */
    uint64_t wait_p50, wait_p99, wait_max; /* nanoseconds, of what was answered in between */
    uint64_t compute_p50, compute_p99, compute_max;
};

/* Which members of the list tell one from another. */
enum rate_kind { RATE_MODEL, RATE_USER, RATE_CLIENT };

/* One for each member of `now`, but that connections of one process and one name are one client; who used most first;
 * to be freed. NULL without memory, or when there are none. What was not there before has all its numbers from in
 * between; and one that began anew, too. */
struct rate *rates_make(enum rate_kind kind, const json_t *before, const json_t *now, double seconds, size_t *count);

#endif
