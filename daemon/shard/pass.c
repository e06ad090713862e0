/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard/pass.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/active.h"
#include "daemon/shard/serve.h"
#include "daemon/shard/stages.h"

/* What taking a submission costs, with its answer where that is all: 24 ns from this thread's own caches, and a cache
 * line's way from another core besides. To measure it each time would cost as much again. */
enum { TAKE_NS = 100 };

/* Whoever asks for nothing but what is answered at once has no turn that he could pay for. */
static void charge(struct shard *shard, struct channel *channel, uint32_t taken)
{
    const uint64_t ns = (uint64_t)taken * TAKE_NS;
    struct account *account = channel->account;

    account_pay(account, ns);
    share_charge_out_of_turn(&account->share, &shard->accounts.ground, ns);
    share_charge_out_of_turn(&channel->share, &account->ground, ns);
}

/* How many a channel may bring at once: while others want something, little of who is far ahead; and of who had all
 * that he may have. */
static uint32_t take_most(const struct shard *shard, const struct channel *channel, uint64_t now_ns)
{
    struct account *account = channel->account;

    if (shard->under_way && share_is_ahead(&account->share, &shard->accounts.ground))
        return 1;
    return shard_holds(shard, account, now_ns) ? 1 : INTAKE_MAX;
}

static uint32_t visit(struct shard *shard, struct channel *channel, uint64_t now_ns)
{
    const uint32_t most = take_most(shard, channel, now_ns);
    uint32_t taken = 0;

    for (; taken < most; taken++) {
        struct request *request;

        if (cancel_take(shard, channel))
            continue;
        request = s1_intake(shard, channel, now_ns);
        if (!request)
            break;
        if (s2_admit(shard, request))
            s3_batch(shard, request);
    }
    if (taken)
        charge(shard, channel, taken);
    return taken;
}

static uint32_t take_all(struct shard *shard, uint64_t now_ns)
{
    uint32_t taken = 0;

    active_take_back(shard, now_ns);
    /* Backwards, because a channel that leaves is replaced by the last one, which has been visited. */
    for (uint32_t i = shard->active_count; i-- > 0;) {
        uint32_t more = visit(shard, shard->active[i], now_ns);

        taken += more;
        if (!more)
            active_retire(shard, i, now_ns);
    }
    return taken;
}

/* Those whose time is over, wherever they wait or run. */
static void drop_late(struct shard *shard, uint64_t now_ns)
{
    struct timer *timer;

    while (shard->wheel.count && (timer = wheel_expire(&shard->wheel, now_ns))) {
        struct request *request = request_of_timer(timer);

        insist(request->deadline_ns <= now_ns && request->state >= REQUEST_BATCHED, "is %d", request->state);
        request_give_up(shard, request, WISP_E_DEADLINE);
    }
}

/* A slice of whatever has its turn. */
static bool run(struct shard *shard, uint64_t now_ns)
{
    struct queue *queue = s4_choose(shard, now_ns);

    if (!queue)
        return false;
    if (queue->sequences) {
        s5_decode(shard, queue);
        return true;
    }
    if (!queue->batch.count && s4_dispatch(shard, queue, now_ns))
        s5_begin(shard, queue);
    if (queue->batch.count)
        s5_run(shard, queue);
    return true;
}

bool shard_turn(struct shard *shard, uint64_t now_ns)
{
    bool worked;

    pace_turn(&shard->pace, now_ns);
    worked = !shard->resting && take_all(shard, now_ns) > 0;
    insist_debug(shard->wheel.count <= shard->under_way, "%u", shard->wheel.count);
    if (shard->again && !shard->resting)
        worked |= shard_take_again(shard);
    if (shard->under_way) {
        drop_late(shard, now_ns);
        if (shard->to_wake)
            s6_wake(shard);
        worked |= run(shard, now_ns);
    }
    if (shard->to_wake)
        s6_wake(shard);
    return worked;
}

bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns)
{
    if ((shard->again && !shard->suspect) || !active_arm(shard, now_ns, until_ns))
        return false;
    *until_ns = MIN(*until_ns, wheel_next_ns(&shard->wheel));
    for (const struct queue_set *queues = shard->serving; queues; queues = queues->older) {
        for (uint32_t i = 0; i < queues->set->model_count; i++)
            *until_ns = MIN(*until_ns, s4_due_ns(shard, &queues->queues[i], now_ns));
    }
    return *until_ns > now_ns;
}
