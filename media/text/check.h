/* SPDX-License-Identifier: Apache-2.0
 *
 * What is a text at all; media_check_text() is both.
 */
#ifndef MEDIA_TEXT_CHECK_H
#define MEDIA_TEXT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <utf8proc.h>

#include "base/error.h"

/* WISP_E_FORMAT, with the byte that is not UTF-8, and what it looks like. */
int text_check_utf8(const char *name, const char *text, size_t length, struct reason *why);
/* Of one in which there is nothing to read. WISP_E_FORMAT. */
int text_refuse_empty(const char *name, size_t length, struct reason *why);
/* Whether there is nothing to read in the character: a control character, or one that Unicode says to ignore. */
bool text_drops(utf8proc_int32_t point);
/* Takes those out, but for `kept`, which is white space where none is; how many stay. */
size_t text_drop(utf8proc_int32_t *points, size_t count, utf8proc_int32_t kept);

/* Bytes of the byte order mark that a text begins with: it is none of it. */
size_t text_mark(const char *text, size_t length);

#endif
