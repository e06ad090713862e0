/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes a word's lemma of it, as a script that other words share: "=" the word as it is, or "l" in small letters;
 * then "-N" without its last N characters, and "+S" with S behind it, each where there is something of it: "flies" and
 * "Flies" become "fly" by "=-3+y" and "l-3+y". A few hundred of them do for a language's words (Chrupala 2006).
 */
#ifndef MEDIA_TEXT_LEMMA_H
#define MEDIA_TEXT_LEMMA_H

#include <stddef.h>

#include "base/error.h"

enum { LEMMA_SCRIPT_MAX = 96 }; /* with the zero behind it */

/* The shorter script of the two; both are valid UTF-8. Empty: there is none of that length. -ENOMEM. */
int lemma_script(const char *form, size_t form_length, const char *lemma, size_t lemma_length,
                 char script[static LEMMA_SCRIPT_MAX]);

/* The lemma, with a zero behind it; freed by the caller. What is no script leaves the word as it is. NULL: -ENOMEM. */
char *lemma_apply(const char *form, size_t length, const char *script);

#endif
