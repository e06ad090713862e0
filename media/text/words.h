/* SPDX-License-Identifier: Apache-2.0
 *
 * A text as the words that get labels of their own, punctuation among them, in NFKC, without the characters in which
 * there is nothing to read (check.h). Data that come in words join them by U+001F (unit separator): then it is cut
 * there and nowhere else. Other text is cut at white space; and what is between is taken apart into letters, marks and
 * numbers in a row (with '.', ',' and ':' between digits), what hangs on by an apostrophe ("'s", "n't"), and any other
 * character, the same again and again as one. An address, with "://" or
 * "@" in it or "www." before it, is one word.
 */
#ifndef MEDIA_TEXT_WORDS_H
#define MEDIA_TEXT_WORDS_H

#include <stddef.h>
#include <utf8proc.h>

enum { WORDS_SEPARATOR = 0x1f };

struct word_span {
    size_t begin, end; /* code points */
};

struct words {
    utf8proc_int32_t *points;
    struct word_span *spans;
    size_t count;
};

/* Of valid UTF-8. Deinit in any case. -ENOMEM; -EOVERFLOW. */
int words_init(struct words *words, const char *text, size_t length);
void words_deinit(struct words *words);

#endif
