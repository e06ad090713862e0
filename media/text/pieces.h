/* SPDX-License-Identifier: Apache-2.0
 *
 * Text into the numbers of a vocabulary (media/spec/vocabulary.h), for text.c; media_decode_text() is the way back.
 */
#ifndef MEDIA_TEXT_PIECES_H
#define MEDIA_TEXT_PIECES_H

#include <stddef.h>

#include "media/spec/vocabulary.h"

/* Valid UTF-8 into `count` numbers: those that the text begins with, VOCABULARY_END behind its last. -ENOMEM. */
int pieces_encode(const struct vocabulary *vocabulary, const char *text, size_t length, float *out, size_t count);

#endif
