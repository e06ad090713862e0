/* SPDX-License-Identifier: Apache-2.0
 *
 * What a user may have: his weight among those who ask at the same time, how much of the time at most, and how many
 * requests at once (docs/design/scheduling.md).
 */
#ifndef DAEMON_SCHEDULE_POLICY_H
#define DAEMON_SCHEDULE_POLICY_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/schedule/share.h"

enum { POLICY_TIME_MAX = 100, POLICY_UNDER_WAY_MAX = 65536 };

/* With the greatest of either there is no limit. */
struct policy {
    uint32_t weight;    /* of his share */
    uint32_t time;      /* percent of all shards' time, at most */
    uint32_t under_way; /* requests, at most, on all shards together */
};

struct user_policy {
    uid_t uid;
    struct policy policy;
};

/* Immutable. */
struct policies {
    struct policy usual; /* of all whom nobody has named */
    struct user_policy *users;
    uint32_t count;
};

static inline struct policy policies_of(const struct policies *policies, uid_t uid)
{
    for (uint32_t i = 0; i < policies->count; i++) {
        if (policies->users[i].uid == uid)
            return policies->users[i].policy;
    }
    return policies->usual;
}

#endif
