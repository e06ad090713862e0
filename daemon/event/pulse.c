/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event/pulse.h"

/* Calls that processor time alone may answer: with the watchdog's usual ten seconds, a minute. */
enum { PATIENCE = 20 };

static bool uses_time(struct pulse *pulse, pthread_t thread)
{
    struct timespec used;
    clockid_t clock;
    bool more;

    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &used))
        return false;
    more = used.tv_sec != pulse->used.tv_sec || used.tv_nsec != pulse->used.tv_nsec;
    pulse->used = used;
    return more;
}

bool pulse_beats(struct pulse *pulse, pthread_t thread, bool answered)
{
    bool runs = uses_time(pulse, thread);

    pulse->without = answered ? 0 : pulse->without + 1;
    return answered || (runs && pulse->without < PATIENCE);
}
