/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WISP_CLIENT_TIMES_H
#define WISP_CLIENT_TIMES_H

/* What the daemon says of where an answer's time went, made to fit what this process measured itself. Pure. */

#include <stdint.h>

#include "libipc/ring.h"
#include "wisp/wisp.h"

/* Fills all of `timings` but total_ns, which is measured from `submitted_ns` and already there; how long the answer lay
 * in shared memory, ns, 0 when that is not known. queue_ns + compute_ns + that never exceed total_ns. */
uint64_t times_take(struct wisp_timings *timings, uint64_t submitted_ns, const struct wire_completion *completion);

#endif
