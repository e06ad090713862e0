/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/insist.h"
#include "daemon/schedule/accounts.h"

int accounts_init(struct accounts *accounts, uint32_t channels, uint32_t threads)
{
    *accounts = (struct accounts){ .entries = calloc(channels, sizeof *accounts->entries),
                                   .capacity = channels,
                                   .threads = threads };
    for (uint32_t i = 0; accounts->entries && i < channels; i++)
        accounts->entries[i].uid = (uid_t)-1; /* nobody's */
    return accounts->entries ? 0 : -ENOMEM;
}

void accounts_deinit(struct accounts *accounts)
{
    free(accounts->entries);
    *accounts = (struct accounts){ .entries = NULL };
}

/* His own, or the one whose user is gone for longest by what was charged to all since. */
static struct account *find(const struct accounts *accounts, uid_t uid)
{
    struct account *oldest = NULL;

    for (uint32_t i = 0; i < accounts->capacity; i++) {
        struct account *account = &accounts->entries[i];

        if (account->uid == uid)
            return account;
        if (!account->channels && (!oldest || account->share.charged < oldest->share.charged))
            oldest = account;
    }
    return oldest;
}

static void apply(struct accounts *accounts, struct account *account, const struct policies *policies)
{
    account->policy = policies_of(policies, account->uid);
    account->percent = account->policy.time * accounts->threads;
    insist(account->percent > 0); /* what is paid is divided by it */
    insist(account->policy.weight > 0 && account->policy.weight <= SHARE_WEIGHT_MAX, "%u", account->policy.weight);
    share_weigh(&account->share, &accounts->ground, account->policy.weight);
}

struct account *accounts_get(struct accounts *accounts, uid_t uid, struct allowance *allowance,
                             const struct policies *policies)
{
    struct account *account = find(accounts, uid);

    if (account->uid != uid) {
        insist(!account->channels && !account->share.wants && !account->first, "user %u", (unsigned)account->uid);
        *account = (struct account){ .uid = uid };
        apply(accounts, account, policies);
    }
    account->allowance = allowance;
    account->channels++;
    return account;
}

void accounts_apply(struct accounts *accounts, const struct policies *policies)
{
    for (uint32_t i = 0; i < accounts->capacity; i++) {
        if (accounts->entries[i].uid != (uid_t)-1)
            apply(accounts, &accounts->entries[i], policies);
    }
}

void accounts_put(struct account *account)
{
    insist(account->channels > 0);
    account->channels--;
}
