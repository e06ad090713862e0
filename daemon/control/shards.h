/* SPDX-License-Identifier: Apache-2.0
 *
 * The shards together: their threads' beginning and end, what all of them are told, and what they have counted.
 */
#ifndef DAEMON_CONTROL_SHARDS_H
#define DAEMON_CONTROL_SHARDS_H

#include "base/insist.h"
#include "daemon/control/daemon.h"

/* Starts as many as the configuration says. -errno. */
int shards_start(struct wispd *daemon, const struct worker_setup *setup, struct reason *why);
/* Ends their threads; and frees them, after that. */
void shards_stop(struct wispd *daemon);
void shards_free(struct wispd *daemon);

/* The one that has the connection's channel. */
static inline struct worker *shards_of(const struct wispd *daemon, const struct connection *connection)
{
    insist(connection->shard < daemon->shards, "%u of %u", connection->shard, daemon->shards);
    return daemon->workers[connection->shard];
}

/* Their reports ring the loop, once shards_arm() has said that none is there; until shards_disarm(). */
int shards_listen(struct wispd *daemon);
bool shards_arm(struct wispd *daemon);
void shards_disarm(struct wispd *daemon);

/* Tells all of them: worker_drain(), worker_rest(). */
void shards_drain(struct wispd *daemon);
void shards_rest(struct wispd *daemon);

/* Asks all for a sign of life (worker_ask_beat()); the first that has given none, by its number; as many as there are:
 * all have. */
void shards_ask_beat(struct wispd *daemon);
uint32_t shards_find_stuck(struct wispd *daemon);

/* What was counted, of all. */
struct shard_counts {
    uint64_t under_way, requests, pings, refused, late, cancelled, slow_left_out;
};
struct shard_counts shards_count(const struct wispd *daemon);

#endif
