/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG by libjpeg-turbo, baseline and progressive, with the accurate inverse DCT. A picture that libjpeg would mend
 * with a warning, one that is cut off above all, is refused. The picture is turned as the camera notes.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <turbojpeg.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/picture.h"

static void free_decompressor(tjhandle *handle)
{
    if (*handle)
        tjDestroy(*handle);
}

static int decode(tjhandle handle, const uint8_t *bytes, size_t length, struct media_picture *out, struct reason *why)
{
    cleanup_free uint8_t *pixels = NULL;
    int width, height, sampling, space;
    bool grey;

    if (tjDecompressHeader3(handle, bytes, length, &width, &height, &sampling, &space))
        return refuse(why, WISP_E_FORMAT, "damaged JPEG file: %s", tjGetErrorStr2(handle));
    if (width < 1 || height < 1)
        return refuse(why, WISP_E_FORMAT, "damaged JPEG file: no picture in it");
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        return refuse(why, WISP_E_FORMAT, "a JPEG picture in CMYK, for print; save it as RGB");
    if (picture_check_size((uint32_t)width, (uint32_t)height, why))
        return WISP_E_FORMAT;
    grey = space == TJCS_GRAY;
    pixels = memory_alloc((size_t)width * (size_t)height, grey ? 1 : 3);
    if (!pixels)
        return refuse_errno(why, -ENOMEM, "picture of %d x %d", width, height);
    if (tjDecompress2(handle, bytes, length, pixels, width, 0, height, grey ? TJPF_GRAY : TJPF_RGB,
                      TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS))
        return refuse(why, WISP_E_FORMAT, "damaged JPEG file: %s", tjGetErrorStr2(handle));
    *out = (struct media_picture){
        .width = (uint32_t)width, .height = (uint32_t)height, .channels = grey ? 1 : 3, .pixels = steal(&pixels)
    };
    return 0;
}

int jpeg_decode(const void *bytes, size_t length, struct media_picture *out, struct reason *why)
{
    cleanup(free_decompressor) tjhandle handle = tjInitDecompress();
    int result;

    if (!handle)
        return refuse_errno(why, -ENOMEM, "JPEG");
    result = decode(handle, bytes, length, out, why);
    if (result)
        return result;
    result = picture_orient(out, jpeg_orientation(bytes, length));
    if (result) {
        free(out->pixels);
        return refuse_errno(why, result, "picture of %u x %u", out->width, out->height);
    }
    return 0;
}
