/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control/shards.h"
#include "base/insist.h"
#include "base/log.h"
#include "daemon/service/processors.h"
#include "daemon/sight/counter.h"

/* ---- beginning and end ---- */

/* A processor for each thread of each shard, where that is wanted. A machine that has too few serves all the same. */
static bool choose_processors(const struct config *config, uint32_t *processors)
{
    const uint32_t threads = config->shards * config->threads;

    if (!config->pin)
        return false;
    if (processors_choose(threads, processors))
        return true;
    log_warning("pin: there are %u processors for %u threads, so none is bound: see CPUAffinity= in systemd.exec(5)",
                processors_count(), threads);
    return false;
}

int shards_start(struct wispd *daemon, const struct worker_setup *setup, struct reason *why)
{
    const uint32_t wanted = daemon->config->shards;
    uint32_t processors[CONFIG_SHARDS_MAX * CONFIG_THREADS_MAX] = { 0 };
    bool pinned = choose_processors(daemon->config, processors);
    struct worker_setup one = *setup;
    int result = 0;

    insist(wanted > 0 && wanted <= CONFIG_SHARDS_MAX && !daemon->shards, "%u", wanted);
    while (!result && daemon->shards < wanted) {
        one.processors = pinned ? processors + daemon->shards * setup->threads : NULL;
        result = worker_new(&one, &daemon->workers[daemon->shards], why);
        daemon->shards += !result;
    }
    return result;
}

void shards_stop(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        worker_stop(daemon->workers[i]);
}

void shards_free(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        daemon->workers[i] = worker_free(daemon->workers[i]);
}

/* ---- what they say ---- */

int shards_listen(struct wispd *daemon)
{
    int result = 0;

    for (uint32_t i = 0; !result && i < daemon->shards; i++)
        result = loop_edge(daemon->loop, worker_eventfd(daemon->workers[i]), event_token(EVENT_REPORTS, NULL));
    return result;
}

bool shards_arm(struct wispd *daemon)
{
    bool none = true;

    for (uint32_t i = 0; none && i < daemon->shards; i++)
        none = worker_arm(daemon->workers[i]);
    return none;
}

void shards_disarm(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        worker_disarm(daemon->workers[i]);
}

/* ---- what they are told ---- */

void shards_drain(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        worker_drain(daemon->workers[i]);
}

void shards_rest(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        worker_rest(daemon->workers[i]);
}

void shards_ask_beat(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        worker_ask_beat(daemon->workers[i]);
}

uint32_t shards_find_stuck(struct wispd *daemon)
{
    uint32_t i = 0;

    while (i < daemon->shards && worker_lives(daemon->workers[i]))
        i++;
    return i;
}

/* ---- what they have counted ---- */

struct shard_counts shards_count(const struct wispd *daemon)
{
    struct shard_counts sum = { .requests = 0 };

    for (uint32_t i = 0; i < daemon->shards; i++) {
        const struct shard *shard = worker_shard(daemon->workers[i]);

        sum.under_way += counter_read(&shard->under_way);
        sum.requests += counter_read(&shard->requests);
        sum.pings += counter_read(&shard->pings);
        sum.refused += counter_read(&shard->refused);
        sum.late += counter_read(&shard->late);
        sum.cancelled += counter_read(&shard->cancelled);
        sum.slow_left_out += counter_read(&shard->slow.left_out);
    }
    return sum;
}
