/* SPDX-License-Identifier: Apache-2.0
 *
 * How pixels and sound lie in a program's memory, for wisp_encode_pixels() and wisp_encode_samples().
 */
#ifndef WISP_FORMATS_H
#define WISP_FORMATS_H

/* Named by the bytes of a pixel in the order in which they lie in memory, whatever the processor: what others call
 * little-endian ARGB32 or XRGB8888 is BGRA8 or BGRX8 here. X is ignored; A is how opaque a pixel is. */
enum wisp_pixel_format {
    WISP_PIXELS_GREY8 = 1,
    WISP_PIXELS_RGB8,
    WISP_PIXELS_BGR8,
    WISP_PIXELS_RGBA8,
    WISP_PIXELS_BGRA8,
    WISP_PIXELS_RGBX8,
    WISP_PIXELS_BGRX8,
    /* As cameras give them: BT.601, 16 to 235. Two pixels share their colour: Y U Y V; width is even. */
    WISP_PIXELS_YUYV,
    /* Four pixels share theirs: rows of Y, and behind the last of them half as many of U V, with the same stride; width
     * and height are even. */
    WISP_PIXELS_NV12
};

/* Whole numbers span -1 to 1; U8 has its middle at 128. In the processor's own order of bytes. */
enum wisp_sample_format { WISP_SAMPLES_U8 = 1, WISP_SAMPLES_S16, WISP_SAMPLES_S32, WISP_SAMPLES_F32 };

#endif
