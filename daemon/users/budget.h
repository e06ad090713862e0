/* SPDX-License-Identifier: Apache-2.0
 *
 * How often something may happen: a burst at once, and then one at a time. A budget is one word, and zero is a full
 * one.
 */
#ifndef DAEMON_USERS_BUDGET_H
#define DAEMON_USERS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/insist.h"
#include "base/size.h"

struct budget {
    uint64_t full_ns; /* when all of the burst is there again */
};

struct budget_rate {
    uint64_t every_ns;
    uint32_t burst;
};

/* When the next one is due, were it taken now: `now_ns`, or later. */
static inline uint64_t budget_due(const struct budget *budget, const struct budget_rate *rate, uint64_t now_ns)
{
    uint64_t full = MAX(budget->full_ns, now_ns), burst = (rate->burst - 1) * rate->every_ns;

    insist(rate->burst > 0);

    return full - now_ns > burst ? full - burst : now_ns;
}

/* Takes one in any case, and says when it is due: whoever waits for that has a place of his own. */
static inline uint64_t budget_book(struct budget *budget, const struct budget_rate *rate, uint64_t now_ns)
{
    uint64_t due = budget_due(budget, rate, now_ns);

    budget->full_ns = MAX(budget->full_ns, now_ns) + rate->every_ns;
    return due;
}

/* Takes one that is due now; false: there is none. */
static inline bool budget_take(struct budget *budget, const struct budget_rate *rate, uint64_t now_ns)
{
    if (budget_due(budget, rate, now_ns) > now_ns)
        return false;
    budget_book(budget, rate, now_ns);
    return true;
}

#endif
