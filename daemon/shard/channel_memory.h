/* SPDX-License-Identifier: Apache-2.0
 *
 * What a channel is made of: two regions, an eventfd, and a journal with a request for each slot of its ring. Made and
 * taken apart as a whole, by any thread, because it takes long (helper.h).
 */
#ifndef DAEMON_SHARD_CHANNEL_MEMORY_H
#define DAEMON_SHARD_CHANNEL_MEMORY_H

#include <stdint.h>

#include "base/error.h"
#include "daemon/shard/journal.h"
#include "libipc/region.h"
#include "libipc/wire_check.h"

struct channel_memory {
    struct region request, response;
    int response_fd; /* read-only, for the client */
    int eventfd;
    struct region pages;     /* of the journal */
    struct journal *journal; /* NULL: nothing was made */
};

#define CHANNEL_MEMORY_NULL                                                                                            \
    ((struct channel_memory){                                                                                          \
        .request = REGION_NULL, .response = REGION_NULL, .pages = REGION_NULL, .response_fd = -1, .eventfd = -1 })

/* What memory of this layout costs its user. */
uint64_t channel_memory_cost(const struct wire_layout *layout);

/* -errno, and CHANNEL_MEMORY_NULL. */
int channel_memory_make(struct channel_memory *memory, const struct wire_layout *layout, struct reason *why);

/* Makes the least there is and takes it apart: what is missing here is better known before the first client.
 * WISP_E_CONFIG: /proc is; -errno. */
int channel_memory_try(struct reason *why);

/* Leaves CHANNEL_MEMORY_NULL. Idempotent. */
void channel_memory_unmake(struct channel_memory *memory);

#endif
