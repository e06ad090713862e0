/* SPDX-License-Identifier: Apache-2.0
 *
 * A text as a vocabulary of byte pairs sees it: in NFKC, a space before it, in chunks beyond which no piece goes. A
 * chunk is letters and marks, or numbers, or other characters in a row, with one space before them if there is one; any
 * other white space is a chunk for itself. The space before the text makes its first word one like the others; it is
 * taken off when the text is read back.
 */
#ifndef MEDIA_TEXT_CHUNKS_H
#define MEDIA_TEXT_CHUNKS_H

#include <stddef.h>

enum { CHUNK_MAX = 64 }; /* characters, the space among them */

struct chunks {
    char *bytes;  /* UTF-8 */
    size_t *ends; /* chunk i is what lies between the end before it, or 0, and its own */
    size_t count;
};

/* Of valid UTF-8. Deinit in any case. -ENOMEM; -EOVERFLOW. */
int chunks_init(struct chunks *chunks, const char *text, size_t length);
void chunks_deinit(struct chunks *chunks);

/* The bytes of the character that begins there. */
size_t chunk_character(const char *bytes);

#endif
