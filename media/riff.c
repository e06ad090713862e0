/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks the chunks: a name of four bytes, a size of four, that many bytes, and one more when that is odd.
 */
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/size.h"
#include "media/riff.h"

enum {
    FILE_HEADER = 12, /* RIFF, size, WAVE */
    CHUNK_HEADER = 8,
};

/* Who writes into a pipe puts the largest size there, or nearly that: 0xffffffff, 0x7fffffff, 0x7ffff000. */
#define SIZE_UNKNOWN 0x7fff0000u

int riff_check(const void *bytes, size_t length, struct reason *why)
{
    const unsigned char *from = bytes;
    bool big = length >= 4 && !memcmp(from, "RIFX", 4);
    uint64_t at = FILE_HEADER;

    while (size_within(at, CHUNK_HEADER, length)) {
        uint32_t word;
        uint64_t size;

        memcpy(&word, from + at + 4, sizeof word);
        size = big ? be32toh(word) : le32toh(word);
        if (!memcmp(from + at, "data", 4)) {
            if (size >= SIZE_UNKNOWN || size_within(at + CHUNK_HEADER, size, length))
                return 0;
            return refuse(why, WISP_E_FORMAT,
                          "the WAV file is cut off at byte %zu; %llu bytes of samples are announced", length,
                          (unsigned long long)size);
        }
        at += CHUNK_HEADER + size + (size & 1);
    }
    return refuse(why, WISP_E_FORMAT, "the WAV file is cut off or damaged: no samples up to byte %zu", length);
}
