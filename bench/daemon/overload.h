/* SPDX-License-Identifier: Apache-2.0
 *
 * Ten times as many requests as can be served: what is still answered in time, and how soon the others know.
 */
#ifndef BENCH_DAEMON_OVERLOAD_H
#define BENCH_DAEMON_OVERLOAD_H

#include "hogs.h"
#include "samples.h"

struct overload {
    uint32_t deadline_us; /* of a request of the open loop, from when it was asked */
    uint64_t peak, good;  /* answers: in a closed loop; in time, in the open one */
    uint64_t peak_ns, open_ns;
    uint64_t peak_cpu_ns;      /* processor time of the daemon in the closed one */
    uint64_t offered, untaken; /* of the open loop: those that found their ring full, which the client sees at once */
    uint64_t refused, late;    /* and those that were answered more than 1 ms after their deadline */
    struct samples refusals, answers;
};

int overload_init(struct overload *overload);
void overload_deinit(struct overload *overload);
/* Adds a closed loop of `ns`, and an open one at `times` its rate. -1 after saying why. */
int overload_measure(struct overload *overload, const struct hog_setup *setup, pid_t daemon, double times, uint64_t ns);

#endif
