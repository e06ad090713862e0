/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that the shard's thread writes, and that others may read at any time: a little late, and never half of one.
 * Relaxed, because nothing else is to be learned from them. One thread writes, so adding needs no locked instruction.
 */
#ifndef DAEMON_SIGHT_COUNTER_H
#define DAEMON_SIGHT_COUNTER_H

#include <stdint.h>

static inline void counter_add(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

static inline void counter_set(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline uint64_t counter_read(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
