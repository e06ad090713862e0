/* SPDX-License-Identifier: Apache-2.0 */
#include "client/times.h"
#include "base/insist.h"
#include "base/size.h"

/* A time that does not lie between submitting and now is of another clock (a namespace's), or a lie. */
static uint64_t wake_of(const struct wisp_timings *timings, uint64_t submitted_ns,
                        const struct wire_completion *completion)
{
    const uint64_t done = (uint64_t)completion->done[1] << 32 | completion->done[0];
    const uint64_t reaped = submitted_ns + timings->total_ns;

    return done >= submitted_ns && done <= reaped ? reaped - done : 0;
}

/* The daemon takes many requests by one look at its clock, which may be of before this one was submitted: its wait is
 * then too long by what lies between, and that is cut off. */
uint64_t times_take(struct wisp_timings *timings, uint64_t submitted_ns, const struct wire_completion *completion)
{
    const uint64_t wake = wake_of(timings, submitted_ns, completion);
    uint64_t left = timings->total_ns - wake;

    insist_debug(wake <= timings->total_ns);
    timings->batch = completion->batch;
    timings->compute_ns = MIN((uint64_t)completion->compute_ns, left);
    left -= timings->compute_ns;
    timings->queue_ns = MIN((uint64_t)completion->queue_ns, left);
    insist_debug(timings->queue_ns + timings->compute_ns + wake <= timings->total_ns);
    return wake;
}
