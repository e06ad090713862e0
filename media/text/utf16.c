/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/text/utf16.h"

enum { MARK = 2, HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, SURROGATES_END = 0xe000 };

/* Whether the bytes begin with a mark of UTF-16, and not with that of UTF-32. */
static bool is_utf16(const void *bytes, size_t length)
{
    static const unsigned char utf32[] = { 0xff, 0xfe, 0, 0 };

    if (length < MARK || (length >= sizeof utf32 && !memcmp(bytes, utf32, sizeof utf32)))
        return false;
    return !memcmp(bytes, "\xff\xfe", MARK) || !memcmp(bytes, "\xfe\xff", MARK);
}

static uint32_t unit(const unsigned char *bytes, bool big)
{
    return big ? (uint32_t)bytes[0] << 8 | bytes[1] : (uint32_t)bytes[1] << 8 | bytes[0];
}

/* The code point at `at`, which is moved past it; -1: half of one. */
static int32_t take(const unsigned char *bytes, size_t length, bool big, size_t *at)
{
    uint32_t first = unit(bytes + *at, big), second;

    *at += 2;
    if (first < HIGH_FIRST || first >= SURROGATES_END)
        return (int32_t)first;
    if (first >= LOW_FIRST || *at + 2 > length)
        return -1;
    second = unit(bytes + *at, big);
    if (second < LOW_FIRST || second >= SURROGATES_END)
        return -1;
    *at += 2;
    return (int32_t)(0x10000 + ((first - HIGH_FIRST) << 10) + (second - LOW_FIRST));
}

static int read_utf16(const char *name, const void *bytes, size_t length, char **out, size_t *out_length,
                      struct reason *why)
{
    const unsigned char *from = bytes;
    bool big = from[0] == 0xfe;
    cleanup_free char *made = memory_alloc(length / 2 + 1, 3); /* two bytes become three at most */
    size_t used = 0;

    if (!made)
        return refuse_errno(why, -ENOMEM, "%s", name);
    if (length % 2)
        return refuse(why, WISP_E_FORMAT, "%s: UTF-16 that is cut off: %zu bytes, an odd number", name, length);
    for (size_t at = MARK; at < length;) {
        size_t begin = at;
        int32_t point = take(from, length, big, &at);

        if (point < 0)
            return refuse(why, WISP_E_FORMAT, "%s: UTF-16 with half a character at byte %zu", name, begin);
        used += (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)made + used);
    }
    made[used] = 0;
    *out = steal(&made);
    *out_length = used;
    return 0;
}

int utf16_resolve(const char *name, const void **text, size_t *length, char **made, struct reason *why)
{
    int result;

    *made = NULL;
    if (!is_utf16(*text, *length))
        return 0;
    result = read_utf16(name, *text, *length, made, length, why);
    if (!result)
        *text = *made;
    return result;
}

int text_unmark(const char *name, void **data, size_t *size, struct reason *why)
{
    const void *text = *data;
    char *made;
    int result;

    if (*size >= 3 && !memcmp(*data, "\xef\xbb\xbf", 3)) {
        *size -= 3;
        memmove(*data, (char *)*data + 3, *size + 1);
        return 0;
    }
    result = utf16_resolve(name, &text, size, &made, why);
    if (made) {
        free(*data);
        *data = made;
    }
    return result;
}
