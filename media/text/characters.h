/* SPDX-License-Identifier: Apache-2.0
 *
 * A text as code points in a normal form, and what sort of character one is.
 */
#ifndef MEDIA_TEXT_CHARACTERS_H
#define MEDIA_TEXT_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <utf8proc.h>

/* White space of any script, line ends among it. */
bool character_is_space(utf8proc_int32_t point);
/* A letter, mark or number of any script. */
bool character_is_word(utf8proc_int32_t point);

/* Valid UTF-8 as utf8proc's `options` have it; *out is freed by the caller. -ENOMEM; -EOVERFLOW. */
int characters_normalise(const char *text, size_t length, utf8proc_option_t options, utf8proc_int32_t **out,
                         size_t *count);

#endif
