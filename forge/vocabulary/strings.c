/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/size.h"
#include "forge/vocabulary/strings.h"

struct strings_block {
    struct strings_block *next;
    size_t used, size;
    char bytes[];
};

void strings_deinit(struct strings *strings)
{
    while (strings->blocks) {
        struct strings_block *next = strings->blocks->next;

        free(strings->blocks);
        strings->blocks = next;
    }
    free(strings->list);
    free(strings->slots);
    *strings = (struct strings){ .list = NULL };
}

static size_t slot_of(const struct strings *s, const char *bytes, size_t length)
{
    size_t slot = XXH3_64bits(bytes, length) & (s->slot_count - 1);

    for (; s->slots[slot]; slot = (slot + 1) & (s->slot_count - 1)) {
        const struct string *there = &s->list[s->slots[slot] - 1];

        if (there->length == length && !memcmp(there->bytes, bytes, length))
            break;
    }
    return slot;
}

static int grow_slots(struct strings *s)
{
    const size_t count = s->slot_count ? 2 * s->slot_count : 1024;
    uint32_t *slots = calloc(count, sizeof *slots);

    if (!slots)
        return -ENOMEM;
    free(s->slots);
    s->slots = slots;
    s->slot_count = count;
    for (size_t i = 0; i < s->count; i++)
        s->slots[slot_of(s, s->list[i].bytes, s->list[i].length)] = (uint32_t)i + 1;
    return 0;
}

static int grow_list(struct strings *s)
{
    const size_t capacity = s->capacity ? 2 * s->capacity : 512;
    struct string *larger = realloc(s->list, capacity * sizeof *larger);

    if (!larger || capacity > UINT32_MAX) {
        s->list = larger ? larger : s->list;
        return -ENOMEM;
    }
    s->list = larger;
    s->capacity = capacity;
    return 0;
}

/* A copy that stays. */
static const char *keep(struct strings *s, const char *bytes, size_t length)
{
    enum { BLOCK = 1 << 18 };
    struct strings_block *block = s->blocks;
    char *copy;

    if (!block || block->size - block->used < length) {
        const size_t size = MAX((size_t)BLOCK, length);

        block = malloc(sizeof *block + size);
        if (!block)
            return NULL;
        *block = (struct strings_block){ .next = s->blocks, .size = size };
        s->blocks = block;
    }
    copy = memcpy(block->bytes + block->used, bytes, length);
    block->used += length;
    return copy;
}

int strings_number(struct strings *s, const char *bytes, size_t length, uint32_t *out)
{
    const char *copy;
    size_t slot;

    if ((2 * s->count >= s->slot_count && grow_slots(s)) || (s->count == s->capacity && grow_list(s)))
        return -ENOMEM;
    slot = slot_of(s, bytes, length);
    if (!s->slots[slot]) {
        copy = keep(s, bytes, length);
        if (!copy)
            return -ENOMEM;
        s->list[s->count++] = (struct string){ copy, (uint32_t)length };
        s->slots[slot] = (uint32_t)s->count;
    }
    *out = s->slots[slot] - 1;
    return 0;
}
