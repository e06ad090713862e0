/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/active.h"
#include "daemon/sight/counter.h"
#include "libipc/wake.h"

/* A channel leaves the set after this, but for the last few, which cost little to look at: they stay for as long as the
 * shard looks before it sleeps. One that cannot be served now is looked at again after AGAIN_NS. Of those that were set
 * aside a pass looks at a few, and no look at one is worth a time of its own to wake up. */
enum { FEW = 16, LOOKS = 8 };
#define IDLE_NS  (200 * NS_PER_US)
#define AGAIN_NS (1 * NS_PER_MS)

void active_add(struct shard *shard, struct channel *channel, uint64_t now_ns)
{
    if (channel->active)
        return;
    insist(channel->sealed); /* an active one is read without asking */
    insist(shard->active_count < shard->capacity, "%u of %u", shard->active_count, shard->capacity);
    wake_daemon_disarm(channel->daemon);
    channel->active = true;
    counter_set(&channel->active_ns, now_ns);
    shard->active[shard->active_count++] = channel;
}

static void remove_at(struct shard *shard, uint32_t at)
{
    insist(at < shard->active_count && shard->active[at]->active, "%u of %u", at, shard->active_count);
    shard->active[at]->active = false;
    shard->active[at] = shard->active[--shard->active_count];
}

/* It is the one that is looked for, wherever in the list that stands; or in none. */
static void aside_remove(struct shard *shard, struct aside *list, struct channel *channel)
{
    struct channel **link = &list->first, *before = NULL;

    while (*link && *link != channel) {
        before = *link;
        link = &before->next_aside;
    }
    if (!*link)
        return;
    *link = channel->next_aside;
    if (list->last == channel)
        list->last = before;
    channel->next_aside = NULL;
    channel->active = false;
    shard->aside_count--;
}

void active_remove(struct shard *shard, struct channel *channel)
{
    for (uint32_t i = 0; i < shard->active_count; i++) {
        if (shard->active[i] == channel) {
            remove_at(shard, i);
            return;
        }
    }
    for (unsigned i = 0; channel->active && i < ASIDE_LISTS; i++)
        aside_remove(shard, &shard->aside[i], channel);
}

/* ---- whose client leaves its answers where they are ---- */

/* What it has under way may make it wait for nobody but the shard: it is not meant. */
static bool leaves_answers(const struct shard *shard, const struct channel *channel, uint64_t now_ns)
{
    return channel->starved && !channel->under_way && !shard->draining && now_ns >= channel->active_ns + AGAIN_NS;
}

/* Which list is for waiting as long again as it has been so. */
static unsigned list_for(uint64_t been_ns)
{
    unsigned list = 0;

    while (list + 1 < ASIDE_LISTS && been_ns >= AGAIN_NS << (list + 1))
        list++;
    return list;
}

/* It stays active: its doorbell says nothing. */
static void set_aside(struct shard *shard, uint32_t at, uint64_t now_ns)
{
    struct channel *channel = shard->active[at];
    const unsigned number = list_for(now_ns - channel->active_ns);
    struct aside *list = &shard->aside[number];

    insist(channel->active && !channel->next_aside);
    channel->aside_due_ns = (now_ns + (AGAIN_NS << number)) / AGAIN_NS * AGAIN_NS;
    *(list->first ? &list->last->next_aside : &list->first) = channel;
    list->last = channel;
    shard->aside_due_ns =
        shard->aside_count++ ? MIN(shard->aside_due_ns, channel->aside_due_ns) : channel->aside_due_ns;
    shard->active[at] = shard->active[--shard->active_count];
}

static void take_first(struct shard *shard, struct aside *list)
{
    struct channel *channel = list->first;

    insist(shard->active_count < shard->capacity, "%u of %u", shard->active_count, shard->capacity);
    list->first = channel->next_aside;
    channel->next_aside = NULL;
    shard->aside_count--;
    shard->active[shard->active_count++] = channel;
}

void active_take_back(struct shard *shard, uint64_t now_ns)
{
    const bool all = shard->draining;
    unsigned looks = all ? UINT_MAX : LOOKS;

    if (!shard->aside_count || (!all && now_ns < shard->aside_due_ns))
        return;
    shard->aside_due_ns = UINT64_MAX;
    for (unsigned i = 0; i < ASIDE_LISTS; i++) {
        struct aside *list = &shard->aside[i];

        for (; looks && list->first && (all || list->first->aside_due_ns <= now_ns); looks--)
            take_first(shard, list);
        if (list->first)
            shard->aside_due_ns = MIN(shard->aside_due_ns, list->first->aside_due_ns);
    }
}

/* ---- out of the set ---- */

/* Arms the channel and looks once more; false when something is there, and it stays active. */
static bool arm(struct channel *channel)
{
    wake_daemon_arm(channel->daemon);
    if (!intake_ring_ready(&channel->intake))
        return true;
    wake_daemon_disarm(channel->daemon);
    return false;
}

/* It cannot be served now: it is left as it is, because a doorbell would not help it. */
static bool stuck(const struct shard *shard, const struct channel *channel)
{
    return channel->starved || channel->throttled || channel->broken || !shard_has_room(shard, channel);
}

void active_retire(struct shard *shard, uint32_t at, uint64_t now_ns)
{
    const uint64_t most_ns = shard->active_count > FEW ? IDLE_NS : MAX(IDLE_NS, shard->spin_ns);
    struct channel *channel = shard->active[at];

    if (leaves_answers(shard, channel, now_ns))
        set_aside(shard, at, now_ns);
    else if (now_ns - channel->active_ns > most_ns && !stuck(shard, channel) && arm(channel))
        remove_at(shard, at);
}

bool active_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns)
{
    for (uint32_t i = shard->active_count; i-- > 0;) {
        if (stuck(shard, shard->active[i]))
            *until_ns = MIN(*until_ns, now_ns + AGAIN_NS);
        else if (!arm(shard->active[i]))
            return false;
        else
            remove_at(shard, i);
    }
    if (shard->aside_count && !shard->resting)
        *until_ns = MIN(*until_ns, shard->aside_due_ns);
    return true;
}
