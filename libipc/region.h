/* SPDX-License-Identifier: Apache-2.0
 *
 * A region: one memfd, mapped by both ends, that nobody can resize and nobody can take a page out of.
 *
 * The daemon makes both regions of a channel. It seals SHRINK | GROW before anybody else sees the descriptor, so no
 * access to a mapping can ever raise SIGBUS, and allocates all pages at once (fallocate).
 *
 * The response region is the daemon's to write. It is sealed SEAL at once, and goes to the client as a descriptor
 * reopened read-only: through that, a writable mapping, truncation and hole punching all fail. It is not sealed
 * FUTURE_WRITE, which would stop a daemon that takes it over from mapping it to write.
 *
 * The request region is the client's to write, so its descriptor could punch holes, and whoever reads a page that is
 * being punched sleeps in the kernel until that is done: a client that punches in a loop would stop the daemon for
 * everybody. So the client, once it has mapped the region, seals it FUTURE_WRITE | SEAL (region_seal()). Its mapping
 * stays as it is; holes, MADV_REMOVE, write() and a second writable mapping are refused to everybody from then on. The
 * daemon reads nothing of the region before region_is_sealed() has said that this was done and that no page is missing.
 *
 * A client may have memory of its own read, too (docs/design/buffers.md): sealed in the same way, and asked for before
 * it is mapped. Of nothing else that a client hands over is anything mapped.
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

/* Makes, sizes, allocates and seals a memfd and maps it. Writable: it is sealed completely. Not writable: it is the
 * peer's to write, and to seal. `size` is a whole number of pages. */
int region_create(struct region *out, const char *name, size_t size, bool writable, struct reason *why);

/* A read-only descriptor for the region's memory, for the client. Negative errno on failure. */
int region_reopen_readonly(const struct region *region);

/* Maps a descriptor received from the peer, after checking that it is a memfd (tmpfs) of exactly `size` bytes, sealed
 * SHRINK | GROW; WISP_E_INVALID otherwise, -errno where that cannot be seen. The descriptor is consumed on success and
 * failure alike. The mapping is MADV_DONTFORK: a forked child does not inherit the channel. */
int region_map(struct region *out, int fd, size_t size, bool writable, struct reason *why);

/* Makes the first `size` bytes of shared memory be there, in pages that somebody has written, with what stands in them:
 * memory that was only reserved is not taken for such by who is to read it. Whole pages. Under all seals. -errno. */
int region_touch(int fd, size_t size);

/* Maps memory that the peer has made, to be read, once wire_check_memory() has said that it can be; all of it is in
 * memory then, and stays there where the limit on locked memory allows it. The descriptor is consumed; out->fd is -1.
 * WISP_E_INVALID, -errno. */
int region_map_theirs(struct region *out, int fd, size_t size, struct reason *why);

/* The last seals, by the peer that has mapped it to write. -errno. */
int region_seal(const struct region *region, struct reason *why);

/* Whether it has them, and all its pages: then it stays so. Two system calls. */
bool region_is_sealed(const struct region *region);

/* Unmaps and closes; leaves REGION_NULL. Idempotent. */
void region_deinit(struct region *region);

#endif
