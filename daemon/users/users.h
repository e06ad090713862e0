/* SPDX-License-Identifier: Apache-2.0
 *
 * What each user of the machine holds of the daemon: channels, and bytes of memory. Counted before anything is
 * allocated, so that no user can grow the daemon by opening more connections.
 *
 * A channel that has been closed is leaving until its memory has been taken apart. The bytes are the user's to use
 * again as soon as that has been asked for: memory is made and taken apart in order, so what is new never meets what is
 * old. But a user has no more channels leaving than he may have, or he could fill the daemon with them.
 *
 * A user's budgets (budget.h) and his tallies outlive his connections: who comes back finds them as he left them, until
 * the entry is needed for somebody else.
 */
#ifndef DAEMON_USERS_USERS_H
#define DAEMON_USERS_USERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "config/config.h"
#include "daemon/schedule/allowance.h"
#include "daemon/sight/tally.h"
#include "daemon/users/budget.h"

struct user {
    uid_t uid;
    uint32_t pending;  /* connections before their hello */
    uint32_t asking;   /* for questions alone */
    uint32_t channels; /* agreed on, or open */
    uint32_t leaving;
    uint64_t memory;  /* of `channels` */
    uint64_t seen;    /* users_get() counts up: of those without a connection, the oldest goes first */
    uint64_t answers; /* bytes that wait to be read by him */
    struct budget connects, questions;
    struct budget lines;
    uint32_t lines_left_out;
    struct allowance allowance;               /* the shards' */
    struct tally *tallies[CONFIG_SHARDS_MAX]; /* of his requests, by shard; NULL: he had no channel there */
};

/* What all shards have counted of his requests; false: he never had a channel. */
bool user_tally(const struct user *user, struct tally *sum);

struct users {
    struct user *entries; /* one with no connection of any kind may be taken for another user */
    uint32_t capacity;
    uint64_t gets;
    uint32_t channels_max; /* per user */
    uint64_t memory_max;
};

/* `capacity`: connections of any kind at most, so that an entry can always be had. -ENOMEM. */
int users_init(struct users *users, uint32_t capacity, uint32_t channels_max, uint64_t memory_max);
void users_deinit(struct users *users);

/* The entry of `uid`, made when there is none. */
struct user *users_get(struct users *users, uid_t uid);

/* Charges a channel of `memory` bytes on a shard; from then on the user has a tally there. WISP_E_DENIED, and says what
 * is used and what is allowed; WISP_E_BUSY when too many are leaving; -ENOMEM. */
int users_charge(const struct users *users, struct user *user, uint32_t shard, uint64_t memory, struct reason *why);

/* For a channel that is there: `memory` bytes more, and again less. WISP_E_DENIED, WISP_E_BUSY. */
int users_charge_more(const struct users *users, struct user *user, uint64_t memory, struct reason *why);
void users_charge_less(struct user *user, uint64_t memory);

/* A channel of `memory` bytes begins to leave; and has left. */
void users_leave(struct user *user, uint64_t memory);
void users_left(struct user *user);

#endif
