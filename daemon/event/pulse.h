/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a thread still comes round: it answers when it is asked, or, in something long, uses processor time.
 *
 * Memory of gigabytes, on a machine that has to swap for it, or a batch of a large model may take longer than the
 * watchdog waits; a thread that is stopped or sleeps for ever uses no time. One that runs in a circle does, so time
 * alone is believed for a while only.
 */
#ifndef DAEMON_EVENT_PULSE_H
#define DAEMON_EVENT_PULSE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct pulse {
    struct timespec used; /* processor time, when it was last looked at */
    unsigned without;     /* how often in a row there was time, but no answer */
};

/* `answered`: since it was last asked. False: it is stuck. */
bool pulse_beats(struct pulse *pulse, pthread_t thread, bool answered);

#endif
