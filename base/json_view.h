/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON read where it stands. One pass says whether a text is JSON; then a value is a piece of that text, and what is in
 * it is found by walking. Nothing is built, and nothing allocated but the strings that the caller wants, so a text
 * costs its own length whatever it holds. For small texts, read once: each look into an object goes through it.
 *
 * libwisp reads what the daemon says with it, because libwisp is to need libc alone; whoever builds JSON, or needs
 * numbers with a fraction, takes jansson (docs/design/libwisp.md).
 */
#ifndef BASE_JSON_VIEW_H
#define BASE_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { JSON_VIEW_DEPTH = 64 }; /* of arrays and objects within each other */

/* A value of a text that json_view_open() took; it lives as long as the text. */
struct json_view {
    const char *at, *end; /* NULL, NULL: there is none, and every question about it has a harmless answer */
};

/* An object or array, as RFC 8259 has it, in UTF-8, without U+0000. WISP_E_FORMAT, with the byte. */
int json_view_open(const char *text, size_t length, struct json_view *out, struct reason *why);

/* The member of an object; none when it has no such member, or two of them, or is no object. */
struct json_view json_view_member(struct json_view object, const char *key);

/* The items of an array, one after the other: *item is none before the first. False at the end, or of what is no array.
 */
bool json_view_next(struct json_view array, struct json_view *item);
size_t json_view_count(struct json_view array);

/* A whole number within [0, max]; false when it is not one. */
bool json_view_whole(struct json_view value, uint64_t max, uint64_t *out);

/* The text of a string, freed by the caller. WISP_E_FORMAT when it is no string; -ENOMEM. */
int json_view_string(struct json_view value, char **out);

/* Whether it is there, and no null. */
bool json_view_is_something(struct json_view value);

#endif
