/* SPDX-License-Identifier: Apache-2.0
 *
 * The sequences that run for one model that decodes, at most as many as its largest batch: whose they are, and the
 * memory of each. A sequence is a row of a request, which stays in its queue until all its rows have ended: rows_now
 * are begun, rows_done have ended.
 *
 * The control thread makes it with the queue; in between it is the shard's.
 */
#ifndef DAEMON_SHARD_SEQUENCES_H
#define DAEMON_SHARD_SEQUENCES_H

#include "daemon/models/instance.h"
#include "daemon/shard/request.h"

struct running {
    struct request *request; /* NULL: nothing runs here */
    uint32_t row;
    uint32_t told; /* words that its client can see */
    struct sequence sequence;
};

struct sequences {
    struct running *slots;
    uint32_t capacity;
    unsigned char *memory;
    /* of the call at hand */
    struct running **called;
    struct sequence **stepped;
    unsigned char **places;
};

/* -ENOMEM. */
int sequences_new(const struct instance *instance, struct sequences **out);
struct sequences *sequences_free(struct sequences *sequences); /* accepts NULL; returns NULL */

/* Gives up those of a request; how many those were. */
uint32_t sequences_leave(struct sequences *sequences, const struct request *request);

#endif
