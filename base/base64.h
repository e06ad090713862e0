/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as text and back: RFC 4648's base64, padded, without line breaks.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters of `size` bytes, without the NUL. */
#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(size) characters and a NUL. */
void base64_encode(const void *bytes, size_t size, char *out);

/* Writes `size` bytes. False when the text does not stand for just so many, in the one way there is. */
bool base64_decode(const char *text, size_t length, void *out, size_t size);

#endif
