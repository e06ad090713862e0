/* SPDX-License-Identifier: Apache-2.0
 *
 * Of Exif only tag 0x112 is read, the orientation. The note is a TIFF file without a picture: the order of its numbers,
 * then a folder of entries of 12 bytes: tag, type, count, and the value or where it stands.
 */
#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "media/image/exif.h"

enum {
    TAG_ORIENTATION = 0x112,
    ENTRY_SIZE = 12,
};

/* A stretch of bytes with an order; reading beyond its end gives 0. */
struct view {
    const unsigned char *bytes;
    size_t length;
    bool big;
};

static uint32_t read_number(const struct view *view, uint64_t at, unsigned size)
{
    uint32_t value = 0;

    if (!size_within(at, size, view->length))
        return 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | view->bytes[at + (view->big ? i : size - 1 - i)];
    return value;
}

/* The value of an entry that holds whole numbers: the standard has SHORT, but phones write LONG, and others BYTE. */
static uint32_t entry_value(const struct view *view, uint64_t entry)
{
    static const unsigned char sizes[] = { [1] = 1, [3] = 2, [4] = 4 }; /* by TIFF's number of the type */
    uint32_t type = read_number(view, entry + 2, 2);

    return type < ARRAY_SIZE(sizes) ? read_number(view, entry + 8, sizes[type]) : 0;
}

unsigned exif_orientation(const void *tiff, size_t length)
{
    struct view view = { .bytes = tiff, .length = length };
    uint64_t folder;
    uint32_t count, value;

    if (length < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    view.big = view.bytes[0] == 'M';
    folder = read_number(&view, 4, 4);
    count = read_number(&view, folder, 2);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t entry = folder + 2 + (uint64_t)i * ENTRY_SIZE;

        if (read_number(&view, entry, 2) != TAG_ORIENTATION)
            continue;
        value = entry_value(&view, entry);
        return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}
