/* SPDX-License-Identifier: Apache-2.0
 *
 * Text with a byte order mark, as some programs save it: UTF-8, of which the mark goes, and UTF-16, read into UTF-8.
 */
#ifndef MEDIA_TEXT_UTF16_H
#define MEDIA_TEXT_UTF16_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Makes *text, which may have a mark of UTF-16 (not of UTF-32), UTF-8 without one, a zero byte after it: *made, freed
 * by the caller; a text without such a mark stays what it is, and *made is NULL. `name` is for the reason.
 * WISP_E_FORMAT with the byte, for half a character; -ENOMEM. */
int utf16_resolve(const char *name, const void **text, size_t *length, char **made, struct reason *why);

/* A whole text in memory, in *data (freed by the caller) as file_read() gives it, as UTF-8 without a mark. On failure
 * *data stays what it was. */
int text_unmark(const char *name, void **data, size_t *size, struct reason *why);

#endif
