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
    struct timespec used; /* processor time, when it was asked */
    unsigned without;     /* how often in a row there was time, but no answer */
    bool beats;           /* since it was asked */
};

/* It is being asked: what it does from now on counts. */
void pulse_ask(struct pulse *pulse, pthread_t thread);

/* Whether there was a sign of life since; `answered` is one. It may be looked for again and again. */
bool pulse_beats(struct pulse *pulse, pthread_t thread, bool answered);

#endif
