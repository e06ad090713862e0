/* SPDX-License-Identifier: Apache-2.0
 *
 * The least that two processes can exchange: a word there and a word back. No product: fixed sizes, nobody checks
 * anything, nobody may die.
 */
#ifndef BENCH_RIVALS_ECHO_H
#define BENCH_RIVALS_ECHO_H

#include <stdint.h>

#include "../daemon/samples.h"

struct echo_kind;
extern const struct echo_kind echo_line;  /* a cache line each way, both sides look without sleeping */
extern const struct echo_kind echo_ring;  /* a ring of slots of a line each way, written and read by both */
extern const struct echo_kind echo_futex; /* both sides sleep; 300 us pass between two trips */

/* Adds `trips` to the samples: of this thread, with a process on `core`. -1 after saying why. */
int echo_measure(const struct echo_kind *kind, int core, uint64_t trips, struct samples *samples);

/* The same by two processes of a program: `PATH NAME serve` on `core`, and `PATH NAME trip N`, which prints two
 * numbers. */
int program_measure(const char *path, int core, uint64_t trips, uint64_t *p50_ns, uint64_t *p99_ns);

#endif
