/* SPDX-License-Identifier: Apache-2.0
 *
 * Users as the shard sees them: what of its time each was charged, which says whose turn it is
 * (docs/design/scheduling.md). A user has an account as long as a channel of his is served, and for as long after that
 * as nobody else needs its place.
 */
#ifndef DAEMON_SCHEDULE_ACCOUNTS_H
#define DAEMON_SCHEDULE_ACCOUNTS_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/schedule/share.h"

struct flow;

struct account {
    uid_t uid;
    uint32_t channels; /* that are served; 0: it may be taken for another user */
    struct share share;
    struct ground ground; /* of its channels */
    /* While a batch is made (s4_dispatch.c). */
    struct account *next;
    struct flow *first; /* of its flows, those that can still give */
    uint64_t pledged;   /* what it would be charged for what it has given */
};

struct accounts {
    struct account *entries;
    uint32_t capacity;
    struct ground ground; /* of all of them */
};

/* For so many channels. -ENOMEM. */
int accounts_init(struct accounts *accounts, uint32_t channels);
void accounts_deinit(struct accounts *accounts);

/* For one channel more of this user; there is always one. And for one less. */
struct account *accounts_get(struct accounts *accounts, uid_t uid);
void accounts_put(struct account *account);

#endif
