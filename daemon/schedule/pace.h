/* SPDX-License-Identifier: Apache-2.0
 *
 * How much longer than its passes it takes until what waits has been computed: beside them requests are taken, looked
 * at and answered, clients are woken, and what is refused costs something, too. Learned from turns that had a pass,
 * which follow each other as long as something waits.
 */
#ifndef DAEMON_SCHEDULE_PACE_H
#define DAEMON_SCHEDULE_PACE_H

#include <stdint.h>

struct pace {
    uint64_t began_ns, computed_ns;  /* the turn: when, and how much of it was passes */
    uint64_t turns_ns, computing_ns; /* of late; 0: nothing is known */
};

/* A turn begins, and the one before has ended. */
void pace_turn(struct pace *pace, uint64_t now_ns);
static inline void pace_compute(struct pace *pace, uint64_t ns)
{
    pace->computed_ns += ns;
}

/* Of so much to compute, in so many turns at most: how long it takes, from `ns` to PACE_MOST times that. */
enum { PACE_MOST = 8 };
uint64_t pace_stretch(const struct pace *pace, uint64_t ns, uint64_t turns);

#endif
