/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "daemon/sight/tally.h"

struct tally *tally_new(void)
{
    return tally_hold(calloc(1, sizeof(struct tally)));
}

struct tally *tally_hold(struct tally *tally)
{
    if (tally)
        tally->holders++;
    return tally;
}

void tally_clear(struct tally *sum)
{
    const uint32_t holders = sum->holders;

    /* Not by a literal: some compilers make that on the stack first, and it is large. */
    memset(sum, 0, sizeof *sum);
    sum->holders = holders;
}

void tally_sum(struct tally *sum, const struct tally *tally)
{
    sum->answered += counter_read(&tally->answered);
    sum->refused += counter_read(&tally->refused);
    sum->late += counter_read(&tally->late);
    sum->cancelled += counter_read(&tally->cancelled);
    sum->batches += counter_read(&tally->batches);
    sum->pooled += counter_read(&tally->pooled);
    sum->samples += counter_read(&tally->samples);
    sum->used_ns += counter_read(&tally->used_ns);
    histogram_sum(&sum->waited, &tally->waited);
    histogram_sum(&sum->computed, &tally->computed);
}

struct tally *tally_release(struct tally *tally)
{
    if (!tally)
        return NULL;
    insist(tally->holders > 0);
    if (!--tally->holders)
        free(tally);
    return NULL;
}
