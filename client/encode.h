/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_ENCODE_H
#define CLIENT_ENCODE_H

#include <stddef.h>

#include <wisp/wisp.h>

/* From the bytes of a file to one sample; `name` is for the sentence. */
int model_encode(const wisp_model *model, const char *name, const void *bytes, size_t length, float *input);

#endif
