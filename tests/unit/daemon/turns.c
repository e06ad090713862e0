/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/clock.h"
#include "base/size.h"
#include "unit/daemon/turns.h"

struct queue *queue(void)
{
    return &rig.queues->queues[0];
}

void passes_are_long(void)
{
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->cost.ns[i] = queue()->hoped.ns[i] = NS_PER_S;
    queue()->shared_until_ns = 0; /* and batches are as large as they may be */
}

void passes_are_short(void)
{
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->cost.ns[i] = queue()->hoped.ns[i] = NS_PER_US << i;
}

void turn(void)
{
    shard_turn(&rig.shard, clock_ns());
}

void leave_in_the_middle(const struct wire_submission *one, const struct wire_submission *other)
{
    rig_into_queue(0, one);
    if (other)
        rig_into_queue(1, other);
    passes_are_long();
    for (int i = 0; i < 4; i++)
        turn();
    assert_int_equal(queue()->batch.count, other ? 2 : 1);
    assert_ptr_equal(queue()->runner->running, queue());
}

void nothing_is_left(void)
{
    assert_int_equal(queue()->batch.count, 0);
    assert_null(queue()->runner->running);
    assert_null(queue()->first);
    assert_int_equal(queue()->rows, 0);
    assert_int_equal(queue()->under_way, 0);
    assert_int_equal(rig.shard.under_way, 0);
    assert_int_equal(rig.shard.wheel.count, 0);
    for (uint32_t i = 0; i < rig.shard.accounts.capacity; i++)
        assert_int_equal(rig.shard.accounts.entries[i].share.wants, 0);
}

void fill_with(int peer, uint32_t rows)
{
    const struct wire_submission ask = rig_infer(rows, 0);
    struct wire_completion completion;

    while (reap_ring_take(&rig.peers[peer].reap, &completion))
        continue;
    while (rig_try_push(peer, &ask))
        continue;
}

uint64_t used(int peer)
{
    return rig.channels[peer]->used_ns;
}

uint64_t apart(uint64_t a, uint64_t b)
{
    return MAX(a, b) - MIN(a, b);
}

void two_are_one_users(void)
{
    rig_close_channel(2);
    rig_make_channel(2);
    rig.channels[2]->uid = rig.channels[1]->uid;
    shard_serve(&rig.shard, rig.channels[2]);
    assert_true(channel_is_sealed(rig.channels[2]));
    active_add(&rig.shard, rig.channels[2], clock_ns());
}
