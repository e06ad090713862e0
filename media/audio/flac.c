/* SPDX-License-Identifier: Apache-2.0
 *
 * "fLaC", blocks of metadata, of which the first says what the stream is, then frames. A frame does not say how many
 * bytes it has. But the checksum of 16 bits over a frame with its own checksum is 0, and so one ends where that is so
 * and the head of another, with a checksum of 8 bits of its own, or the end of the file follows.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "media/audio/flac.h"

enum {
    BLOCK_HEAD = 4,                   /* last one? and type; length in 3 bytes */
    SAMPLES_AT = 4 + BLOCK_HEAD + 13, /* the low half of a byte, and four more */
    FRAME_HEAD_MAX = 16,
};

static uint16_t crc16(uint16_t sum, uint8_t byte)
{
    sum ^= (uint16_t)(byte << 8);
    for (int bit = 0; bit < 8; bit++)
        sum = (uint16_t)(sum << 1 ^ (sum >> 15 ? 0x8005 : 0));
    return sum;
}

static uint8_t crc8(const uint8_t *bytes, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (uint8_t)(sum << 1 ^ (sum >> 7 ? 0x07 : 0));
    }
    return sum;
}

/* Bytes of a frame's head before its checksum: what is fixed, the frame's number in the manner of UTF-8, and, when
 * their codes say so, the size of its block and its rate. */
static size_t head_length(const uint8_t *head)
{
    static const uint8_t size_bytes[16] = { [6] = 1, [7] = 2 }, rate_bytes[16] = { [12] = 1, [13] = 2, [14] = 2 };
    size_t number = 1;

    while (number < 7 && head[4] >> 7 && head[4] << number & 0x80)
        number++;
    return 4 + number + size_bytes[head[2] >> 4] + rate_bytes[head[2] & 15];
}

static bool is_frame(struct byte_source *source, uint64_t at)
{
    uint8_t head[FRAME_HEAD_MAX] = { 0 };
    const size_t there = byte_source_copy(source, at, head, sizeof head);
    size_t length;

    if (there < 2 || head[0] != 0xff || (head[1] & 0xfe) != 0xf8)
        return false;
    length = head_length(head);
    return length < there && crc8(head, length) == head[length];
}

static int check_frames(struct byte_source *source, uint64_t at, struct reason *why)
{
    uint64_t begin = at;
    uint16_t sum = 0;

    if (!is_frame(source, at))
        return refuse(why, WISP_E_FORMAT,
                      "damaged FLAC file: no frame at byte %" PRIu64 ", where the first should begin", at);
    for (; at < source->length; at++) {
        if (at > begin && !sum && is_frame(source, at))
            begin = at;
        sum = crc16(at == begin ? 0 : sum, *byte_source_at(source, at, 1));
    }
    if (sum)
        return refuse(why, WISP_E_FORMAT,
                      "the FLAC file is cut off or damaged behind byte %" PRIu64 ", where its last whole frame ends",
                      begin);
    return 0;
}

int flac_check(struct byte_source *source, struct reason *why)
{
    const uint64_t length = source->length;
    const uint8_t *from;
    uint64_t at = 4;
    bool last = false;

    if (length < SAMPLES_AT + 5)
        return refuse(why, WISP_E_FORMAT, "the FLAC file is cut off at byte %" PRIu64, length);
    from = byte_source_at(source, SAMPLES_AT, 5);
    if (from[0] & 15 || memcmp(from + 1, "\0\0\0\0", 4) != 0)
        return 0;
    while (!last && size_within(at, BLOCK_HEAD, length)) {
        from = byte_source_at(source, at, BLOCK_HEAD);
        last = from[0] >> 7;
        at += BLOCK_HEAD + ((uint64_t)from[1] << 16 | (uint64_t)from[2] << 8 | from[3]);
    }
    if (!last || at >= length)
        return refuse(why, WISP_E_FORMAT, "the FLAC file is cut off at byte %" PRIu64 ", before the first sound",
                      length);
    return check_frames(source, at, why);
}
