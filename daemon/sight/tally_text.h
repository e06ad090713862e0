/* SPDX-License-Identifier: Apache-2.0
 *
 * A tally as JSON: members of an object, for docs/protocol.md's STATS. Any thread.
 */
#ifndef DAEMON_SIGHT_TALLY_TEXT_H
#define DAEMON_SIGHT_TALLY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/sight/tally.h"

/* Begins with a member, and ends with one. `buckets`: those of the histograms, too, which may be some kilobytes. */
void tally_print(FILE *out, const struct tally *tally, bool buckets);

#endif
