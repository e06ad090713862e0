/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of a model that decodes have in common: the rig's translator, what it is asked, and the words that are
 * right.
 */
#ifndef TESTS_UNIT_DAEMON_DECODING_H
#define TESTS_UNIT_DAEMON_DECODING_H

#include "unit/daemon/rig.h"

/* So many rows, at slot `at` of the arenas; greedily, or with a beam. */
struct wire_submission translate(uint32_t rows, uint32_t at);
struct wire_submission search(uint32_t rows, uint32_t at, uint16_t beam);
/* Of a row, in the arenas. */
int32_t *source_of(int peer, const struct wire_submission *ask, uint32_t row);
const int32_t *words_of(int peer, const struct wire_submission *ask, uint32_t row);
struct wire_progress progress_of(int peer, const struct wire_submission *ask, uint32_t row);

/* With a source of its own. */
void push(int peer, const struct wire_submission *ask, uint64_t seed);

/* By the plain forward pass; how many. And that those are there: of a row, and of a request that is the only one that
 * has ended. */
uint32_t right_words(int peer, const struct wire_submission *ask, uint32_t row, int32_t right[RIG_WORDS]);
void check_row(int peer, const struct wire_submission *ask, uint32_t row);
void check(int peer, const struct wire_submission *ask);

/* The translator's. */
struct queue *queue(void);
void turn(void);
/* A step, and a beginning, is thought to be short, and runs in one go: what was learned of a thread that lost its
 * processor cuts steps into slices of next to nothing, and has fewer begin at once. */
void steps_are_short(void);
void nothing_runs(void);

#endif
