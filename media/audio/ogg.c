/* SPDX-License-Identifier: Apache-2.0
 *
 * A page: "OggS", version, flags, position (8), stream (4), number (4), checksum (4), the number of lacing values,
 * those values, and as many bytes as they add up to. The checksum is over the page with 0 in its place.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "media/audio/ogg.h"

enum {
    PAGE_HEAD = 27, /* a whole page has at most 65,307 bytes */
    FLAGS_AT = 5,
    CHECKSUM_AT = 22,
    LACING_COUNT_AT = 26,
    LAST_PAGE = 4, /* the flag */
};

static void fill_table(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i << 24;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] << 1 ^ (table[i] >> 31 ? 0x04c11db7u : 0);
    }
}

static bool checksum_is_right(const uint8_t *page, size_t length, const uint32_t table[256])
{
    uint32_t sum = 0, wanted = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t byte = i >= CHECKSUM_AT && i < CHECKSUM_AT + 4 ? 0 : page[i];

        sum = sum << 8 ^ table[(sum >> 24 ^ byte) & 0xff];
    }
    for (int i = 3; i >= 0; i--)
        wanted = wanted << 8 | page[CHECKSUM_AT + i];
    return sum == wanted;
}

/* Bytes of the page at `at`; 0 when it is cut off. */
static size_t page_length(struct byte_source *source, uint64_t at)
{
    const uint64_t left = source->length - at;
    size_t length = PAGE_HEAD;
    const uint8_t *page;
    unsigned count;

    if (left < PAGE_HEAD)
        return 0;
    count = byte_source_at(source, at, PAGE_HEAD)[LACING_COUNT_AT];
    length += count;
    if (left < length)
        return 0;
    page = byte_source_at(source, at, length);
    for (unsigned i = 0; i < count; i++)
        length += page[PAGE_HEAD + i];
    return length <= left ? length : 0;
}

int ogg_check(struct byte_source *source, struct reason *why)
{
    const uint64_t length = source->length;
    const uint8_t *page;
    uint32_t table[256];
    bool last = false;
    size_t size;

    fill_table(table);
    for (uint64_t at = 0; at < length; at += size) {
        if (length - at >= 4 && memcmp(byte_source_at(source, at, 4), "OggS", 4) != 0)
            return refuse(why, WISP_E_FORMAT, "damaged Ogg file: no page at byte %" PRIu64 ", where one should begin",
                          at);
        size = page_length(source, at);
        if (!size)
            return refuse(why, WISP_E_FORMAT, "the Ogg file is cut off at byte %" PRIu64 ", within a page", length);
        page = byte_source_at(source, at, size);
        if (!checksum_is_right(page, size, table))
            return refuse(why, WISP_E_FORMAT, "damaged Ogg file: the page at byte %" PRIu64 " has another checksum",
                          at);
        last = page[FLAGS_AT] & LAST_PAGE;
    }
    if (!last)
        return refuse(why, WISP_E_FORMAT,
                      "the Ogg file is cut off at byte %" PRIu64 ", behind a page that is not its last", length);
    return 0;
}
