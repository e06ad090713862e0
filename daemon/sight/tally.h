/* SPDX-License-Identifier: Apache-2.0
 *
 * What was asked of a model, or by a user, and what became of it (docs/design/sight.md).
 *
 * A shard writes it, and others read it at any time (counter.h); of what is asked of several shards each has one, and
 * who wants to know the whole adds them up. The control thread makes it, with all its memory, before the shard sees it,
 * and counts who holds it: the queues of one model in several sets, or a user's entry.
 */
#ifndef DAEMON_SIGHT_TALLY_H
#define DAEMON_SIGHT_TALLY_H

#include <stdint.h>

#include "base/histogram.h"
#include "daemon/sight/counter.h"

struct tally {
    uint32_t holders; /* the control thread's, and the only word here that is */
    /* Requests, by how they ended. */
    uint64_t answered, refused, late, cancelled;
    uint64_t batches, samples; /* computed; of a user no batches */
    uint64_t pooled;           /* batches that several threads computed */
    uint64_t used_ns;          /* of all threads' time: of a batch of several users each his part */
    struct histogram waited;   /* of requests that were answered: how long they were there and did not compute, */
    struct histogram computed; /* and how long their batches took */
};

/* Held once; NULL without memory. */
struct tally *tally_new(void);
/* One more holder; one less, and with the last one it goes. Both accept NULL. */
struct tally *tally_hold(struct tally *tally);
struct tally *tally_release(struct tally *tally); /* returns NULL */

/* Nothing was counted; adds what stands in one that its shard may be writing. All but who holds it. */
void tally_clear(struct tally *sum);
void tally_sum(struct tally *sum, const struct tally *tally);

/* So many samples were computed, and took this part of the threads' time. */
static inline void tally_use(struct tally *tally, uint64_t samples, uint64_t ns)
{
    counter_add(&tally->samples, samples);
    counter_add(&tally->used_ns, ns);
}

#endif
