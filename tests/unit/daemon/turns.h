/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of turns have in common: the rig's one queue, passes that are left, and who had how much of the time.
 */
#ifndef TESTS_UNIT_DAEMON_TURNS_H
#define TESTS_UNIT_DAEMON_TURNS_H

#include "unit/daemon/rig.h"

struct queue *queue(void);

/* From now on a pass is thought to take so long that it is cut as finely as it can be; and in one go again. */
void passes_are_long(void);
void passes_are_short(void);

void turn(void);

/* Puts two users' requests into one pass, or one's (`other` is NULL), and leaves it in the middle. */
void leave_in_the_middle(const struct wire_submission *one, const struct wire_submission *other);
void nothing_is_left(void);

/* As many requests of so many rows as its ring has room for; and takes what was answered. */
void fill_with(int peer, uint32_t rows);
/* The third channel is the second's user's from now on. */
void two_are_one_users(void);
/* Of the shard's time. */
uint64_t used(int peer);
uint64_t apart(uint64_t a, uint64_t b);

#endif
