/* SPDX-License-Identifier: Apache-2.0
 *
 * Cameras store a picture as the sensor lay, and note in Exif's tag 0x112 how it was held. What can be read of that
 * note is followed; a damaged one is as good as none, for the picture is there all the same.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/picture.h"

enum {
    MARKER_SCAN = 0xda,
    MARKER_EXIF = 0xe1,
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

/* `tiff` is what follows "Exif\0\0". */
static unsigned orientation_of_tiff(struct view tiff)
{
    uint64_t folder;
    uint32_t count;

    if (tiff.length < 8 || (memcmp(tiff.bytes, "II*\0", 4) != 0 && memcmp(tiff.bytes, "MM\0*", 4) != 0))
        return 1;
    tiff.big = tiff.bytes[0] == 'M';
    folder = read_number(&tiff, 4, 4);
    count = read_number(&tiff, folder, 2);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t entry = folder + 2 + (uint64_t)i * ENTRY_SIZE;

        if (read_number(&tiff, entry, 2) == TAG_ORIENTATION)
            return read_number(&tiff, entry + 8, 2);
    }
    return 1;
}

unsigned jpeg_orientation(const void *bytes, size_t length)
{
    struct view file = { .bytes = bytes, .length = length, .big = true };
    unsigned orientation = 1;

    /* Segments: 0xff, marker, length of the rest with these two bytes. */
    for (uint64_t at = 2; read_number(&file, at, 1) == 0xff && read_number(&file, at + 1, 1) != MARKER_SCAN;) {
        uint32_t size = read_number(&file, at + 2, 2);

        if (size < 2 || !size_within(at + 2, size, length))
            break;
        if (read_number(&file, at + 1, 1) == MARKER_EXIF && size >= 8 && !memcmp(file.bytes + at + 4, "Exif\0\0", 6)) {
            orientation = orientation_of_tiff((struct view){ .bytes = file.bytes + at + 10, .length = size - 8 });
            break;
        }
        at += 2 + size;
    }
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

int picture_orient(struct media_picture *picture, unsigned orientation)
{
    /* Bits 2, 3, 7, 8 and 3, 4, 6, 7: which of the stored picture's axes run backwards. */
    bool swap = orientation >= 5, flip_x = 0x18c >> orientation & 1, flip_y = 0x0d8 >> orientation & 1;
    uint32_t width = picture->width, height = picture->height, channels = picture->channels;
    struct media_picture turned = { .width = swap ? height : width,
                                    .height = swap ? width : height,
                                    .channels = channels };

    if (orientation == 1)
        return 0;
    turned.pixels = memory_alloc((size_t)width * height, channels);
    if (!turned.pixels)
        return -ENOMEM;
    for (uint32_t y = 0; y < turned.height; y++) {
        for (uint32_t x = 0; x < turned.width; x++) {
            uint32_t from_x = swap ? y : x, from_y = swap ? x : y;

            from_x = flip_x ? width - 1 - from_x : from_x;
            from_y = flip_y ? height - 1 - from_y : from_y;
            memcpy(turned.pixels + ((size_t)y * turned.width + x) * channels,
                   picture->pixels + ((size_t)from_y * width + from_x) * channels, channels);
        }
    }
    free(picture->pixels);
    *picture = turned;
    return 0;
}
