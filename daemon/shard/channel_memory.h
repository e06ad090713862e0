/* SPDX-License-Identifier: Apache-2.0
 *
 * What a channel is made of: two regions, an eventfd, and a journal with a request for each slot of its ring. Made and
 * taken apart as a whole, by any thread, because it takes long (helper.h).
 *
 * Buffers: memory of a client's own, which the shard reads for the requests that name it (docs/design/buffers.md).
 *
 * The control thread opens and closes, the shard takes and puts; no order passes between them. Either says what it does
 * before it looks at what the other has said, so that of a buffer that is being closed and taken at once at least one
 * of the two sees the other and gives way.
 */
#ifndef DAEMON_SHARD_CHANNEL_MEMORY_H
#define DAEMON_SHARD_CHANNEL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/shard/journal.h"
#include "libipc/region.h"
#include "libipc/wire_check.h"

/* A client's memory that the shard reads. Control fills it in and takes it out; in between the shard takes it for each
 * request that names it. A number that is not `size` bytes long is not there. */
struct buffer {
    const unsigned char *address;
    uint64_t size;   /* 0: none; atomic, */
    uint64_t uses;   /* by requests; atomic, changed by the shard, */
    uint32_t closed; /* to new ones; atomic */
};

struct channel_memory {
    struct buffer buffers[WIRE_BUFFERS_MAX];
    struct region detached; /* which is to be unmapped */
    struct region request, response;
    int response_fd; /* read-only, for the client */
    int eventfd;
    struct region pages;     /* of the journal */
    struct journal *journal; /* NULL: nothing was made */
};

#define CHANNEL_MEMORY_NULL                                                                                            \
    ((struct channel_memory){ .request = REGION_NULL,                                                                  \
                              .response = REGION_NULL,                                                                 \
                              .pages = REGION_NULL,                                                                    \
                              .detached = REGION_NULL,                                                                 \
                              .response_fd = -1,                                                                       \
                              .eventfd = -1 })

/* What memory of this layout costs its user. */
uint64_t channel_memory_cost(const struct wire_layout *layout);

/* -errno, and CHANNEL_MEMORY_NULL. */
int channel_memory_make(struct channel_memory *memory, const struct wire_layout *layout, struct reason *why);

/* Makes the least there is and takes it apart: what is missing here is better known before the first client.
 * WISP_E_CONFIG: /proc is; -errno. */
int channel_memory_try(struct reason *why);

/* Leaves CHANNEL_MEMORY_NULL. Idempotent. */
void channel_memory_unmake(struct channel_memory *memory);

/* ---- buffers ---- */

/* The shard's. The channel's buffer of that number, for a request; NULL: there is none. */
struct buffer *buffer_take(struct channel_memory *memory, uint64_t number);
void buffer_put(struct buffer *buffer);

/* Control's. Bytes of one that is there, else 0. */
uint64_t buffer_size(const struct buffer *buffer);
/* From now on it is there. */
void buffer_open(struct buffer *buffer, struct region *region);
/* From now on it is not, and *region is what it was; false: a request uses it. */
bool buffer_close(struct buffer *buffer, struct region *region);

#endif
