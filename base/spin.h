/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a thread that waits for another spins before it sleeps: learnt from its waits, each thread for itself.
 */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include <stdint.h>

#include "base/size.h"

#define SPIN_MIN_NS UINT64_C(20000)
#define SPIN_MAX_NS UINT64_C(200000)

/* The next spin, after one that was too short: the whole wait took `waited`. What came within the longest spin is worth
 * twice the spin, for to be woken takes longer than the rest of the wait did. What took longer is worth half: the
 * processor is somebody else's, or there is nothing to do. */
static inline uint64_t spin_after(uint64_t spin, uint64_t waited)
{
    return waited <= SPIN_MAX_NS ? MIN(2 * spin, SPIN_MAX_NS) : MAX(spin / 2, SPIN_MIN_NS);
}

#endif
