/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures into files, in the format that the file's name says.
 */
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/size.h"
#include "media/image/write.h"

static const struct writer {
    const char *ending;
    int (*encode)(const struct media_picture *picture, void **bytes, size_t *length, struct reason *why);
} writers[] = { { ".png", png_encode }, { ".jpg", jpeg_encode }, { ".jpeg", jpeg_encode } };

/* Without an ending, and on standard output, it is PNG. */
static const struct writer *find(const char *name)
{
    const char *ending = path_ending(name);

    for (size_t i = 0; ending && i < ARRAY_SIZE(writers); i++) {
        if (!strcasecmp(ending, writers[i].ending))
            return &writers[i];
    }
    return ending ? NULL : &writers[0];
}

int media_check_picture_name(const char *name, struct reason *why)
{
    return find(name)
               ? 0
               : refuse(why, WISP_E_INVALID,
                        "%s: pictures are written as PNG or JPEG, to a file whose name ends in .png or .jpg", name);
}

int media_write_picture(const struct media_picture *picture, const char *name, void **bytes, size_t *length,
                        struct reason *why)
{
    const struct writer *writer = find(name);

    return writer ? writer->encode(picture, bytes, length, why) : media_check_picture_name(name, why);
}
