/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/text/characters.h"
#include "media/text/chunks.h"

enum sort { SORT_SPACE, SORT_LETTER, SORT_NUMBER, SORT_OTHER };

static enum sort sort_of(utf8proc_int32_t point)
{
    if (character_is_space(point))
        return SORT_SPACE;
    if (!character_is_word(point))
        return SORT_OTHER;
    return utf8proc_category(point) >= UTF8PROC_CATEGORY_ND ? SORT_NUMBER : SORT_LETTER;
}

size_t chunk_character(const char *bytes)
{
    const unsigned char first = (unsigned char)*bytes;

    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Where the chunk ends that begins there. */
static size_t end_of(const utf8proc_int32_t *points, size_t count, size_t begin)
{
    const size_t head = begin + (points[begin] == ' ' && begin + 1 < count);
    const enum sort sort = sort_of(points[head]);
    size_t end = head + 1;

    if (sort == SORT_SPACE)
        return begin + 1;
    while (end < count && end - begin < CHUNK_MAX && sort_of(points[end]) == sort)
        end++;
    return end;
}

static void cut(struct chunks *chunks, const utf8proc_int32_t *points, size_t count)
{
    size_t used = 0;

    for (size_t begin = 0, end; begin < count; begin = end) {
        end = end_of(points, count, begin);
        for (size_t i = begin; i < end; i++)
            used += (size_t)utf8proc_encode_char(points[i], (utf8proc_uint8_t *)chunks->bytes + used);
        chunks->ends[chunks->count++] = used;
    }
}

int chunks_init(struct chunks *chunks, const char *text, size_t length)
{
    cleanup_free utf8proc_int32_t *points = NULL, *all = NULL;
    size_t count;
    int result;

    *chunks = (struct chunks){ .bytes = NULL };
    result = characters_normalise(text, length, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE, &points, &count);
    if (result)
        return result;
    all = memory_alloc(count + 1, sizeof *all);
    chunks->bytes = memory_alloc(count + 1, 4);
    chunks->ends = memory_alloc(count + 1, sizeof *chunks->ends);
    if (!all || !chunks->bytes || !chunks->ends)
        return -ENOMEM;
    all[0] = ' ';
    memcpy(all + 1, points, count * sizeof *all);
    cut(chunks, all, count + 1);
    return 0;
}

void chunks_deinit(struct chunks *chunks)
{
    free(chunks->bytes);
    free(chunks->ends);
    *chunks = (struct chunks){ .bytes = NULL };
}
