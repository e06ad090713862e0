/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/schedule/pace.h"
#include "base/size.h"

enum { LEARN = 16 };

static void move(uint64_t *ns, uint64_t last)
{
    *ns = *ns ? *ns - *ns / LEARN + last / LEARN : last;
}

/* A turn that took far longer is one in which the thread was away. */
void pace_turn(struct pace *pace, uint64_t now_ns)
{
    const uint64_t computed = pace->computed_ns, took = now_ns - pace->began_ns;

    if (computed) {
        move(&pace->turns_ns, MIN(MAX(took, computed), computed * PACE_MOST));
        move(&pace->computing_ns, computed);
    }
    pace->began_ns = now_ns;
    pace->computed_ns = 0;
}

/* What is done beside a pass is so much a turn, however long the pass is. */
uint64_t pace_stretch(const struct pace *pace, uint64_t ns, uint64_t turns)
{
    double many, more;

    if (pace->turns_ns <= pace->computing_ns)
        return ns;
    many = (double)ns / (double)pace->computing_ns;
    more = (double)(pace->turns_ns - pace->computing_ns) * MIN(many, (double)turns);
    return saturating_add(ns, more < 0x1p63 ? (uint64_t)more : UINT64_MAX);
}
