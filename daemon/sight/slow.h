/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that took long, on their way from the shard, which saw them, to the control thread, which logs them.
 *
 * A few records, all there from the start: the shard fills a free one and hands it over by its mailbox, and never
 * waits; when none is free the request is only counted. So however many are slow, a request pays a comparison, and the
 * log as much as somebody reads.
 */
#ifndef DAEMON_SIGHT_SLOW_H
#define DAEMON_SIGHT_SLOW_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOW_RECORDS = 16 };

struct slow_request {
    uint32_t out;               /* whether control has it; atomic */
    uint32_t index, generation; /* of its channel */
    const char *model;          /* its name, which lasts until what follows in the mailbox has been taken */
    uint32_t samples;
    uint64_t waited_ns, computed_ns;
};

struct slow_requests {
    uint64_t left_out; /* others may read it (counter.h) */
    struct slow_request records[SLOW_RECORDS];
    struct slow_request *filled[SLOW_RECORDS]; /* the shard's: not handed over yet */
    uint32_t filled_count;
};

/* The shard's: a record to be filled, which slow_take() hands out after that; NULL: all are out. */
struct slow_request *slow_note(struct slow_requests *slow);
struct slow_request *slow_take(struct slow_requests *slow); /* NULL: there is none */

/* Control's: it has been logged. */
void slow_give_back(struct slow_request *request);

#endif
