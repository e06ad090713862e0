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

#include "daemon/schedule/policy.h"

struct flow;

struct account {
    uid_t uid;
    uint32_t channels; /* that are served; 0: it may be taken for another user */
    struct share share;
    struct ground ground; /* of its channels */
    struct policy policy;
    uint64_t paid_ns; /* until when what it had is all that it may have; of one whose time is limited */
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

/* For one channel more of this user, who may have so much; there is always one. And for one less. */
struct account *accounts_get(struct accounts *accounts, uid_t uid, const struct policies *policies);
void accounts_put(struct account *account);

/* What users may have is something else from now on. */
void accounts_apply(struct accounts *accounts, const struct policies *policies);

/* It had so much of the time. */
static inline void account_pay(struct account *account, uint64_t ns)
{
    if (account->policy.time < 100)
        account->paid_ns += ns * 100 / account->policy.time;
}

/* How long a user may have had nothing and still have it at once: limits are of time spans of this order. */
#define ACCOUNT_BURST_NS UINT64_C(10000000)

/* Whether it had all that it may have by now; until account->paid_ns then. */
static inline bool account_is_held(struct account *account, uint64_t now_ns)
{
    if (account->policy.time >= 100)
        return false;
    account->paid_ns = MAX(account->paid_ns, now_ns - MIN(now_ns, ACCOUNT_BURST_NS));
    return account->paid_ns > now_ns;
}

#endif
