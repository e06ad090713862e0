/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

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

struct tally *tally_release(struct tally *tally)
{
    if (tally && !--tally->holders)
        free(tally);
    return NULL;
}
