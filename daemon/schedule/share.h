/* SPDX-License-Identifier: Apache-2.0
 *
 * Shares of one thing by virtual time (start-time fair queueing): who has been charged least, by weight, is next.
 *
 * Shares compete on one ground. The ground's time is what the share that was served last had been charged by then; a
 * share that begins to want something is lifted to it, so that having wanted nothing earns no credit. Shares of one
 * ground can be grounds themselves.
 */
#ifndef DAEMON_SCHEDULE_SHARE_H
#define DAEMON_SCHEDULE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/insist.h"
#include "base/size.h"

enum { SHARE_WEIGHT = 100, SHARE_WEIGHT_MAX = 10000 }; /* the usual one; the greatest */

struct ground {
    uint64_t time;
    uint32_t wanting; /* how many shares compete now, */
    uint64_t weights; /* and the sum of theirs */
};

struct share {
    uint64_t charged; /* nanoseconds of a share of the usual weight */
    uint32_t weight;
    uint32_t wants; /* how many things; 0: it does not compete */
};

static inline void share_want(struct share *share, struct ground *ground)
{
    if (share->wants++)
        return;
    share->charged = MAX(share->charged, ground->time);
    ground->wanting++;
    ground->weights += share->weight;
}

static inline void share_want_no_more(struct share *share, struct ground *ground)
{
    insist(share->wants > 0);
    if (--share->wants)
        return;
    insist(ground->wanting > 0 && ground->weights >= share->weight);
    ground->wanting--;
    ground->weights -= share->weight;
}

/* From now on. What it was not served for until now, for whatever reason, is no credit. */
static inline void share_weigh(struct share *share, struct ground *ground, uint32_t weight)
{
    if (share->wants)
        ground->weights += (uint64_t)weight - share->weight;
    share->weight = weight;
    share->charged = MAX(share->charged, ground->time);
}

/* It is served now. */
static inline void share_serve(const struct share *share, struct ground *ground)
{
    ground->time = MAX(ground->time, share->charged);
}

static inline uint64_t share_price(const struct share *share, uint64_t ns)
{
    return share->weight == SHARE_WEIGHT ? ns : ns * SHARE_WEIGHT / share->weight;
}

static inline void share_charge(struct share *share, uint64_t ns)
{
    share->charged += share_price(share, ns);
}

/* How far ahead of the ground's time a share is brought by what is done for it out of turn: of what costs little, and
 * can be asked for without end where nobody computes and the ground's time stands still. */
#define SHARE_AHEAD_MAX UINT64_C(10000000)

static inline bool share_is_ahead(const struct share *share, const struct ground *ground)
{
    return share->charged > ground->time + SHARE_AHEAD_MAX;
}

static inline void share_charge_out_of_turn(struct share *share, const struct ground *ground, uint64_t ns)
{
    if (!share_is_ahead(share, ground))
        share_charge(share, ns);
}

#endif
