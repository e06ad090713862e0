/* SPDX-License-Identifier: Apache-2.0
 *
 * A vocabulary of byte pairs: numbers for pieces of text, so that any text is a row of numbers, and that row is the
 * text again. The first numbers are the same in all of them:
 *   0        the end of a text, and what fills up behind it
 *   1        unknown: of no text, but a network may give it
 *   2        the beginning
 *   3 … 258  the bytes
 * and from 259 on come the pieces, strings of characters, in the order in which they are put together: two neighbours
 * become one where what they are together is a piece, the piece of the least number first (as Sennrich, Haddow and
 * Birch 2016 have it). A character that is no piece is its bytes in UTF-8, so nothing is ever lost.
 *
 * Immutable once all is added; any number of threads may read it.
 */
#ifndef MEDIA_SPEC_VOCABULARY_H
#define MEDIA_SPEC_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    VOCABULARY_END = 0,
    VOCABULARY_UNKNOWN = 1,
    VOCABULARY_BEGIN = 2,
    VOCABULARY_BYTES = 3,
    VOCABULARY_PIECES = VOCABULARY_BYTES + 256,
    VOCABULARY_PIECES_MAX = 65536,
    VOCABULARY_PIECE_MAX = 256, /* bytes of one */
    /* Bytes of all, as JSON: two vocabularies fit into what wispd says of a model. */
    VOCABULARY_TEXT_MAX = 384 << 10,
};

struct vocabulary;

/* Bytes alone, with room for so many pieces. NULL: out of memory. */
struct vocabulary *vocabulary_new(size_t pieces);
struct vocabulary *vocabulary_free(struct vocabulary *vocabulary); /* accepts NULL; returns NULL */

/* The next piece, in UTF-8. WISP_E_FORMAT when it can be none: one that is there already, one that is too long or
 * empty, one with control characters in it, or one too many. */
int vocabulary_add(struct vocabulary *vocabulary, const char *piece, size_t length, struct reason *why);

/* How many numbers it has, those of the bytes among them. */
uint32_t vocabulary_size(const struct vocabulary *vocabulary);

/* The piece's number; 0: it is none. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *piece, size_t length);

/* What a number from VOCABULARY_BYTES up to the size stands for. */
const char *vocabulary_piece(const struct vocabulary *vocabulary, uint32_t number, size_t *length);

#endif
