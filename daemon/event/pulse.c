/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event/pulse.h"

/* Times that processor time alone may answer: with the watchdog's usual ten seconds, a minute. */
enum { PATIENCE = 20 };

static struct timespec time_of(pthread_t thread)
{
    struct timespec used = { .tv_sec = 0 };
    clockid_t clock;

    if (!pthread_getcpuclockid(thread, &clock))
        (void)clock_gettime(clock, &used);
    return used;
}

void pulse_ask(struct pulse *pulse, pthread_t thread)
{
    pulse->used = time_of(thread);
    pulse->beats = false;
}

static bool uses_time(const struct pulse *pulse, pthread_t thread)
{
    const struct timespec used = time_of(thread);

    return used.tv_sec != pulse->used.tv_sec || used.tv_nsec != pulse->used.tv_nsec;
}

bool pulse_beats(struct pulse *pulse, pthread_t thread, bool answered)
{
    if (answered)
        pulse->without = 0;
    else if (!pulse->beats && pulse->without < PATIENCE && uses_time(pulse, thread))
        pulse->without++;
    else
        return pulse->beats;
    return pulse->beats = true;
}
