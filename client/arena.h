/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has which bytes of an arena: kept in private memory, so the daemon can neither see nor spoil it, and so it is the
 * same from one daemon to the next.
 *
 * The free bytes are a sorted list of extents, no two of which touch; the first that is large enough is cut. Sizes are
 * rounded to WIRE_ARENA_ALIGN and no further: powers of two would waste up to half of memory that is charged to
 * somebody, to save a search that happens once for each request, not once for each answer.
 */
#ifndef CLIENT_ARENA_H
#define CLIENT_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct extent {
    uint64_t offset, length;
};

struct arena {
    struct extent *free;
    size_t count, capacity;
    size_t blocks; /* handed out; the list never has more than blocks + 1 extents */
};

/* -ENOMEM. `size` is a multiple of WIRE_ARENA_ALIGN. */
int arena_init(struct arena *arena, uint64_t size);
void arena_deinit(struct arena *arena);

/* *offset of `length` bytes (> 0); -ENOSPC when there is no such room, -ENOMEM. */
int arena_take(struct arena *arena, uint64_t length, uint64_t *offset);
/* Gives back what arena_take() handed out, with the same length. Cannot fail. */
void arena_give(struct arena *arena, uint64_t offset, uint64_t length);

/* Bytes that are free, and the longest that could be taken at once. */
uint64_t arena_free(const struct arena *arena);
uint64_t arena_largest(const struct arena *arena);

#endif
