/* SPDX-License-Identifier: Apache-2.0
 *
 * Users as the shard sees them: what of its time each was charged, which says whose turn it is
 * (docs/design/scheduling.md). A user has an account as long as a channel of his is served, and for as long after that
 * as nobody else needs its place.
 */
#ifndef DAEMON_SCHEDULE_ACCOUNTS_H
#define DAEMON_SCHEDULE_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/schedule/allowance.h"
#include "daemon/schedule/policy.h"

struct flow;

struct account {
    uid_t uid;
    uint32_t channels; /* that are served; 0: it may be taken for another user */
    struct share share;
    struct ground ground; /* of its channels */
    struct policy policy;
    uint32_t percent;            /* of one thread's time that this is, of all threads of all shards */
    struct allowance *allowance; /* its user's, on all shards; as long as it has channels */
    /* While a batch is made (s4_dispatch.c). */
    struct account *next;
    struct flow *first; /* of its flows, those that can still give: a heap */
    uint64_t pledged;   /* what it would be charged for what it has given */
};

struct accounts {
    struct account *entries;
    uint32_t capacity;
    uint32_t threads;     /* that compute, of all shards */
    struct ground ground; /* of all of them */
};

/* For so many channels; and how many threads of all shards compute. -ENOMEM. */
int accounts_init(struct accounts *accounts, uint32_t channels, uint32_t threads);
void accounts_deinit(struct accounts *accounts);

/* For one channel more of this user, who may have so much; there is always one. And for one less. */
struct account *accounts_get(struct accounts *accounts, uid_t uid, struct allowance *allowance,
                             const struct policies *policies);
void accounts_put(struct account *account);

/* What users may have is something else from now on. */
void accounts_apply(struct accounts *accounts, const struct policies *policies);

/* It had so much of a thread's time. */
static inline void account_pay(struct account *account, uint64_t ns)
{
    if (account->policy.time < POLICY_TIME_MAX)
        allowance_pay(account->allowance, ns * 100 / account->percent);
}

/* Whether its user had all that he may have by now; until account_paid_ns() then. */
static inline bool account_is_held(struct account *account, uint64_t now_ns)
{
    return account->policy.time < POLICY_TIME_MAX && allowance_is_used_up(account->allowance, now_ns);
}

static inline uint64_t account_paid_ns(const struct account *account)
{
    return allowance_paid_ns(account->allowance);
}

/* Whether its user may have one request more under way. */
static inline bool account_has_room(const struct account *account)
{
    return account->policy.under_way == POLICY_UNDER_WAY_MAX ||
           allowance_has_room(account->allowance, account->policy.under_way);
}

/* He has: whether there was room for it, which another shard may have taken meanwhile. `always`: there is. *counted:
 * account_give_back() is due. */
static inline bool account_take(struct account *account, bool always, bool *counted)
{
    const uint32_t most = account->policy.under_way;

    *counted = most != POLICY_UNDER_WAY_MAX && allowance_take(account->allowance, always ? UINT32_MAX : most);
    return *counted || most == POLICY_UNDER_WAY_MAX;
}

static inline void account_give_back(struct account *account)
{
    allowance_give_back(account->allowance);
}

#endif
