/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/arena.h"
#include "libipc/wire.h"

enum { CAPACITY_FIRST = 16 };

int arena_init(struct arena *arena, uint64_t size)
{
    insist(size % WIRE_ARENA_ALIGN == 0, "%llu", (unsigned long long)size);
    *arena = (struct arena){ .free = calloc(CAPACITY_FIRST, sizeof *arena->free), .capacity = CAPACITY_FIRST };
    if (!arena->free)
        return -ENOMEM;
    arena->free[0].length = size;
    arena->count = size ? 1 : 0;
    return 0;
}

void arena_deinit(struct arena *arena)
{
    free(arena->free);
    *arena = (struct arena){ .free = NULL };
}

static void extent_remove(struct arena *arena, size_t at)
{
    insist(at < arena->count, "%zu of %zu", at, arena->count);
    arena->count--;
    memmove(&arena->free[at], &arena->free[at + 1], (arena->count - at) * sizeof *arena->free);
}

/* Room for the list that one more block may lead to, so that giving back never allocates. */
static int reserve(struct arena *arena)
{
    size_t wanted = arena->blocks + 2;
    struct extent *grown;

    if (wanted <= arena->capacity)
        return 0;
    grown = reallocarray(arena->free, arena->capacity * 2, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    arena->free = grown;
    arena->capacity *= 2;
    insist(wanted <= arena->capacity * 2, "%zu, %zu", wanted, arena->capacity);
    return 0;
}

int arena_take(struct arena *arena, uint64_t length, uint64_t *offset)
{
    uint64_t rounded;

    insist(length > 0);

    if (!size_align(length, WIRE_ARENA_ALIGN, &rounded))
        return -ENOSPC;
    if (reserve(arena))
        return -ENOMEM;
    for (size_t i = 0; i < arena->count; i++) {
        struct extent *extent = &arena->free[i];

        if (extent->length < rounded)
            continue;
        *offset = extent->offset;
        extent->offset += rounded;
        extent->length -= rounded;
        if (!extent->length)
            extent_remove(arena, i);
        arena->blocks++;
        return 0;
    }
    return -ENOSPC;
}

/* The first extent that begins behind `offset`. */
static size_t extent_after(const struct arena *arena, uint64_t offset)
{
    size_t low = 0, high = arena->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (arena->free[middle].offset > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void arena_give(struct arena *arena, uint64_t offset, uint64_t length)
{
    size_t at = extent_after(arena, offset);
    struct extent *after = &arena->free[at], *before = at ? after - 1 : after;
    uint64_t rounded = 0;
    bool joins_before, joins_after;

    (void)size_align(length, WIRE_ARENA_ALIGN, &rounded); /* did not overflow when it was taken */
    insist(offset % WIRE_ARENA_ALIGN == 0 && length > 0);
    insist(arena->blocks && arena->count <= arena->blocks + 1 && arena->count < arena->capacity);
    insist(!at || before->offset + before->length <= offset); /* nobody gives back what is free */
    insist(at == arena->count || offset + rounded <= after->offset);
    joins_before = at > 0 && before->offset + before->length == offset;
    joins_after = at < arena->count && offset + rounded == after->offset;
    arena->blocks--;
    if (joins_before && joins_after) {
        before->length += rounded + after->length;
        extent_remove(arena, at);
    } else if (joins_before) {
        before->length += rounded;
    } else if (joins_after) {
        after->offset = offset;
        after->length += rounded;
    } else {
        memmove(after + 1, after, (arena->count - at) * sizeof *after);
        *after = (struct extent){ .offset = offset, .length = rounded };
        arena->count++;
    }
}

uint64_t arena_free(const struct arena *arena)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < arena->count; i++)
        sum += arena->free[i].length;
    return sum;
}

uint64_t arena_largest(const struct arena *arena)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < arena->count; i++)
        largest = MAX(largest, arena->free[i].length);
    return largest;
}
