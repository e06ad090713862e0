/* SPDX-License-Identifier: Apache-2.0
 *
 * A region: one memfd, sealed so that nobody can resize it, mapped by both ends.
 *
 * The daemon makes both regions of a channel. It seals SHRINK | GROW | SEAL before anybody else sees the descriptor, so
 * no access to the mapping can ever raise SIGBUS, and allocates all pages at once (fallocate), so that none is missing
 * later. The response region goes to the client as a descriptor reopened read-only: through it, a writable mapping,
 * truncation and hole punching all fail. (F_SEAL_FUTURE_WRITE would also stop a restarted daemon.)
 */
#ifndef LIBIPC_REGION_H
#define LIBIPC_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct region {
    int fd;        /* -1 when empty */
    void *address; /* NULL when empty */
    size_t size;
};

#define REGION_NULL ((struct region){ .fd = -1 })

/* Makes, sizes, allocates and seals a memfd and maps it, writable or not. `size` is a whole number of pages. */
int region_create(struct region *out, const char *name, size_t size, bool writable, struct reason *why);

/* A read-only descriptor for the region's memory, for the client. Negative errno on failure. */
int region_reopen_readonly(const struct region *region);

/* Maps a descriptor received from the peer, after checking that it is a memfd (tmpfs) of exactly `size` bytes, sealed
 * SHRINK | GROW; WISP_E_INVALID otherwise. The descriptor is consumed on success and failure alike. The mapping is
 * MADV_DONTFORK: a forked child does not inherit the channel. */
int region_map(struct region *out, int fd, size_t size, bool writable, struct reason *why);

/* Unmaps and closes; leaves REGION_NULL. Idempotent. */
void region_deinit(struct region *region);

#endif
