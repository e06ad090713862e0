/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON to and from text, where memory may run out. jansson does not always say so: a key that could not be added is
 * missing, a character that had no room is left out of a string, and its reader asserts that it was not. So it takes
 * its memory from here, where it is noted, by thread, that there was none; and text is made and read by the calls
 * below, which ask for that and then give nothing, rather than something that lacks a part.
 */
#ifndef BASE_JSON_JSON_MEMORY_H
#define BASE_JSON_JSON_MEMORY_H

#include <stddef.h>
#include <stdio.h>

#include "base/json.h"

/* In main(), before JSON is made: programs only, since it holds for the whole process. A library has what errno says.
 */
void json_memory_watch(void);

/* As json_loadb(), and with its flags. NULL, and errno is ENOMEM, when memory ran out; else it is 0. `error` may be
 * NULL. */
json_t *json_from_text(const char *text, size_t length, size_t flags, json_error_t *error);

/* The same of a string, which may be NULL. */
json_t *json_from_string(const char *text, size_t flags, json_error_t *error);

/* What this thread builds lacks a part, which was to be made of other memory, and there was none. */
void json_note_short(void);

/* As json_dumps() and json_dumpf(), of a value that this thread built since it called one of these last: NULL, and
 * -ENOMEM, when it is NULL, or memory ran out meanwhile. -EIO: it could not be written. */
char *json_to_text(const json_t *value, size_t flags);
int json_to_file(const json_t *value, FILE *file, size_t flags);

#endif
