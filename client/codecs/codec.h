/* SPDX-License-Identifier: Apache-2.0
 *
 * How a model's files become its tensor, and what it gives files.
 */
#ifndef CODECS_CODEC_H
#define CODECS_CODEC_H

#include <stddef.h>

#include <wisp/wisp.h>

struct media;
struct media_picture;

/* The model's description of its input, read once. WISP_E_FORMAT, -ENOMEM. */
int codec_media(const wisp_model *model, const struct media **out);
/* The same for who writes floats, which the model's input may not be, whatever its description says: WISP_E_FORMAT. */
int codec_media_of_floats(const wisp_model *model, const struct media **out);

/* From the bytes of a file to one sample; `name` is for the sentence. WISP_E_FORMAT, -ENOMEM. */
int codec_encode(const wisp_model *model, const char *name, const void *bytes, size_t length, float *input);

/* The form of the first output, of a model that gives pictures. WISP_E_INVALID when it does not say that it does,
 * WISP_E_FORMAT when the form is no picture's. */
int codec_picture_form(const wisp_model *model, struct wisp_tensor *out);
/* The first output as the picture it is, whose pixels the caller frees; of a mask, set above the threshold. Also
 * -ENOMEM. */
int codec_picture(const wisp_model *model, const float *output, float threshold, struct media_picture *out);

/* To a file, or standard output. */
int codec_write(const char *path, const void *bytes, size_t length);

#endif
