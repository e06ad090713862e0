/* SPDX-License-Identifier: Apache-2.0
 *
 * How a model's files become its tensor.
 */
#ifndef CODECS_CODEC_H
#define CODECS_CODEC_H

#include <stddef.h>

#include <wisp/wisp.h>

struct media;

/* The model's description of its input, read once. WISP_E_FORMAT, -ENOMEM. */
int codec_media(const wisp_model *model, const struct media **out);

/* From the bytes of a file to one sample; `name` is for the sentence. WISP_E_FORMAT, -ENOMEM. */
int codec_encode(const wisp_model *model, const char *name, const void *bytes, size_t length, float *input);

#endif
