/* SPDX-License-Identifier: Apache-2.0
 *
 * Text with a byte order mark, as some programs save it: UTF-8, of which the mark goes, and UTF-16, read into UTF-8.
 */
#ifndef MEDIA_TEXT_UTF16_H
#define MEDIA_TEXT_UTF16_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Whether the bytes begin with a mark of UTF-16 (and not with that of UTF-32). */
bool utf16_is(const void *bytes, size_t length);

/* *out: UTF-8 without the mark, a zero byte after it, freed by the caller. `name` is for the reason. WISP_E_FORMAT with
 * the byte, for half a character; -ENOMEM. */
int utf16_read(const char *name, const void *bytes, size_t length, char **out, size_t *out_length, struct reason *why);

/* A whole text in memory, in *data (freed by the caller) as file_read() gives it, as UTF-8 without a mark. On failure
 * *data stays what it was. */
int text_unmark(const char *name, void **data, size_t *size, struct reason *why);

#endif
