/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread pool: a fixed number of threads that run one function together and meet at its end. The caller is part 0.
 * Waiting threads spin a little, then sleep on a futex.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>

struct pool;

typedef void pool_function(void *argument, unsigned part, unsigned parts);

/* `parts` >= 1 threads, the caller included. -ENOMEM, -EAGAIN. */
int pool_new(unsigned parts, struct pool **out);
struct pool *pool_free(struct pool *pool);    /* accepts NULL; returns NULL */
unsigned pool_parts(const struct pool *pool); /* 1 for NULL */

/* Runs function(argument, part, parts) once on every thread and returns when all have. With a NULL thread pool: on the
 * caller alone, as part 0 of 1. What a thread wrote before its return is visible to all afterwards. */
void pool_run(struct pool *pool, pool_function *function, void *argument);

/* In a function that runs on the pool, for all of its threads, each as often as the others: returns when all are here.
 * What each wrote before is visible to all after. Spins, then sleeps. */
void pool_meet(struct pool *pool, unsigned part);

/* Whether all threads would begin a turn at once; and has those that sleep wake for the next one, without waiting for
 * them. The caller's, between turns. */
bool pool_is_awake(const struct pool *pool);
void pool_rouse(struct pool *pool);

/* Whether its threads have all the processors that there are: who waits for what they compute then needs one of theirs.
 * Nobody has said so: false. The caller's, between turns. */
void pool_crowd(struct pool *pool, bool crowded);
bool pool_is_crowded(const struct pool *pool);

/* The part of [0, count) that belongs to `part`, cut at multiples of `grain`. */
static inline void pool_share(unsigned long long count, unsigned long long grain, unsigned part, unsigned parts,
                              unsigned long long *begin, unsigned long long *end)
{
    unsigned long long pieces = (count + grain - 1) / grain;

    *begin = pieces * part / parts * grain;
    *end = pieces * (part + 1) / parts * grain;
    if (*end > count)
        *end = count;
    if (*begin > count)
        *begin = count;
}

#endif
