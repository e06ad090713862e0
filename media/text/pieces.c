/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"
#include "media/text/chunks.h"
#include "media/text/pieces.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* A chunk in the making: part i lies from starts[i] to starts[i + 1], and is with the next one piece pairs[i]; 0: none.
 */
struct parts {
    const struct vocabulary *vocabulary;
    const char *bytes;
    size_t count;
    uint16_t starts[CHUNK_MAX + 1];
    uint32_t pairs[CHUNK_MAX];
};

static void look_up(struct parts *parts, size_t i)
{
    const uint16_t *start = &parts->starts[i];

    parts->pairs[i] = i + 1 < parts->count
                          ? vocabulary_find(parts->vocabulary, parts->bytes + start[0], (size_t)(start[2] - start[0]))
                          : 0;
}

static void cut(struct parts *parts, const char *bytes, size_t length)
{
    parts->bytes = bytes;
    parts->count = 0;
    for (size_t at = 0; at < length; at += chunk_character(bytes + at))
        parts->starts[parts->count++] = (uint16_t)at;
    parts->starts[parts->count] = (uint16_t)length;
    for (size_t i = 0; i < parts->count; i++)
        look_up(parts, i);
}

/* The pair that is put together next: that of the least number, of several the first. Their count: there is none. */
static size_t next_pair(const struct parts *parts)
{
    size_t best = parts->count;

    for (size_t i = 0; i + 1 < parts->count; i++) {
        if (parts->pairs[i] && (best == parts->count || parts->pairs[i] < parts->pairs[best]))
            best = i;
    }
    return best;
}

static void put_together(struct parts *parts)
{
    for (size_t i; (i = next_pair(parts)) < parts->count;) {
        const size_t behind = parts->count - i - 1;

        memmove(parts->starts + i + 1, parts->starts + i + 2, behind * sizeof *parts->starts);
        memmove(parts->pairs + i, parts->pairs + i + 1, behind * sizeof *parts->pairs);
        parts->count--;
        look_up(parts, i);
        if (i)
            look_up(parts, i - 1);
    }
}

/* The part's number, or, where it is a character that has none, those of its bytes; as many as there is room for. */
static size_t give_numbers(const struct parts *parts, size_t i, float *out, size_t room)
{
    const size_t length = (size_t)(parts->starts[i + 1] - parts->starts[i]);
    const unsigned char *bytes = (const unsigned char *)parts->bytes + parts->starts[i];
    const uint32_t number = vocabulary_find(parts->vocabulary, (const char *)bytes, length);
    size_t given = 0;

    if (number && room)
        out[given++] = (float)number;
    while (!number && given < MIN(length, room)) {
        out[given] = (float)(VOCABULARY_BYTES + bytes[given]);
        given++;
    }
    return given;
}

int pieces_encode(const struct vocabulary *vocabulary, const char *text, size_t length, float *out, size_t count)
{
    cleanup(chunks_deinit) struct chunks chunks = { .bytes = NULL };
    struct parts parts = { .vocabulary = vocabulary };
    size_t used = 0;
    int result = chunks_init(&chunks, text, length);

    for (size_t c = 0; !result && c < chunks.count && used < count; c++) {
        const size_t begin = c ? chunks.ends[c - 1] : 0;

        cut(&parts, chunks.bytes + begin, chunks.ends[c] - begin);
        put_together(&parts);
        for (size_t i = 0; i < parts.count; i++)
            used += give_numbers(&parts, i, out + used, count - used);
    }
    for (; !result && used < count; used++)
        out[used] = VOCABULARY_END;
    return result;
}

int media_normal_text(const char *name, const char *text, size_t length, char **out, size_t *out_length,
                      struct reason *why)
{
    cleanup(chunks_deinit) struct chunks chunks = { .bytes = NULL };
    int result = chunks_init(&chunks, text, length);

    if (result)
        return refuse_errno(why, result, "%s", name);
    *out_length = chunks.ends[chunks.count - 1] - 1;
    *out = malloc(*out_length + 1);
    if (!*out)
        return refuse_errno(why, -ENOMEM, "%s", name);
    memcpy(*out, chunks.bytes + 1, *out_length);
    (*out)[*out_length] = '\0';
    return 0;
}

/* ---- the way back ---- */

/* What a number stands for. */
static const char *piece_of(const struct vocabulary *vocabulary, int32_t number, size_t *length)
{
    if (number >= VOCABULARY_BYTES && (uint32_t)number < vocabulary_size(vocabulary))
        return vocabulary_piece(vocabulary, (uint32_t)number, length);
    *length = number == VOCABULARY_BEGIN ? 0 : strlen(REPLACEMENT);
    return REPLACEMENT;
}

/* A copy in which every byte that is part of no character is U+FFFD. */
static char *valid_text(const char *bytes, size_t length, size_t *out_length)
{
    char *out = memory_alloc(length + 1, strlen(REPLACEMENT)), *to = out;

    for (size_t at = 0; out && at < length;) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, (utf8proc_ssize_t)(length - at), &point);

        to = used > 0 ? mempcpy(to, bytes + at, (size_t)used) : mempcpy(to, REPLACEMENT, strlen(REPLACEMENT));
        at += used > 0 ? (size_t)used : 1;
    }
    if (out) {
        *to = '\0';
        *out_length = (size_t)(to - out);
    }
    return out;
}

int media_decode_text(const struct media *media, const int32_t *numbers, size_t count, char **out, size_t *length,
                      struct reason *why)
{
    const struct vocabulary *vocabulary = media->text.vocabulary;
    cleanup_free char *bytes = NULL;
    size_t total = 0, used = 0, begin, one;

    for (size_t i = 0; i < count && numbers[i] != VOCABULARY_END; i++) {
        piece_of(vocabulary, numbers[i], &one);
        total += one;
    }
    bytes = malloc(total + 1);
    if (!bytes)
        return refuse_errno(why, -ENOMEM, "a text of %zu bytes", total);
    for (size_t i = 0; i < count && numbers[i] != VOCABULARY_END; i++) {
        const char *piece = piece_of(vocabulary, numbers[i], &one);

        memcpy(bytes + used, piece, one);
        used += one;
    }
    begin = total && bytes[0] == ' ';
    *out = valid_text(bytes + begin, total - begin, length);
    return *out ? 0 : refuse_errno(why, -ENOMEM, "a text of %zu bytes", total);
}
