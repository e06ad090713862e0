/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "daemon/service/processors.h"

uint32_t processors_count(void)
{
    cpu_set_t usable;

    return sched_getaffinity(0, sizeof usable, &usable) ? 1 : (uint32_t)CPU_COUNT(&usable);
}

bool processors_choose(uint32_t count, uint32_t *out)
{
    uint32_t chosen = 0;
    cpu_set_t usable;

    if (sched_getaffinity(0, sizeof usable, &usable))
        return false;
    for (uint32_t i = CPU_SETSIZE; chosen < count && i-- > 0;) {
        if (CPU_ISSET(i, &usable))
            out[chosen++] = i;
    }
    return chosen == count;
}
