/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/insist.h"
#include "daemon/sight/counter.h"
#include "daemon/sight/slow.h"

struct slow_request *slow_note(struct slow_requests *slow)
{
    for (uint32_t i = 0; i < SLOW_RECORDS; i++) {
        struct slow_request *request = &slow->records[i];

        /* Pairs with slow_give_back(): control has read what stands there. */
        if (__atomic_load_n(&request->out, __ATOMIC_ACQUIRE))
            continue;
        insist(slow->filled_count < SLOW_RECORDS);            /* each record stands there once */
        __atomic_store_n(&request->out, 1, __ATOMIC_RELAXED); /* the mailbox publishes it */
        slow->filled[slow->filled_count++] = request;
        return request;
    }
    counter_add(&slow->left_out, 1);
    return NULL;
}

struct slow_request *slow_take(struct slow_requests *slow)
{
    return slow->filled_count ? slow->filled[--slow->filled_count] : NULL;
}

void slow_give_back(struct slow_request *request)
{
    insist(__atomic_load_n(&request->out, __ATOMIC_RELAXED));
    __atomic_store_n(&request->out, 0, __ATOMIC_RELEASE);
}
