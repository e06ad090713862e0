/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard/active.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/sight/counter.h"
#include "libipc/wake.h"

/* A channel leaves the set after this, but for the last few, which cost little to look at: they stay for as long as the
 * shard looks before it sleeps. One that cannot be served now is looked at again after AGAIN_NS. */
enum { FEW = 16 };
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

void active_remove(struct shard *shard, const struct channel *channel)
{
    for (uint32_t i = 0; i < shard->active_count; i++) {
        if (shard->active[i] == channel) {
            remove_at(shard, i);
            break;
        }
    }
}

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

    if (now_ns - channel->active_ns > most_ns && !stuck(shard, channel) && arm(channel))
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
    return true;
}
