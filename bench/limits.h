/* SPDX-License-Identifier: Apache-2.0
 *
 * What one core of this machine can do at most, measured.
 */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

enum { LIMIT_CACHES = 4 };

struct limits {
    double ghz;                         /* of the clock that additions run by */
    double fma_gflops;                  /* multiply-adds of the widest registers */
    double bytes_a_cycle[LIMIT_CACHES]; /* read from the first, second and third cache, and from memory */
};

extern const char *const limit_names[LIMIT_CACHES];

struct limits limits_measure(void);

#endif
