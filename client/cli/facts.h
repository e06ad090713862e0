/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon says about something, as JSON, for a person: "key   value" lines, and numbers with their units.
 */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include <jansson.h>
#include <stdint.h>

#include "client/cli/screen.h"

/* A member's value, and a harmless one when it is missing or of another type: older daemons say less. What is true
 * counts 1. */
const char *member_text(const json_t *object, const char *key);
uint64_t member_count(const json_t *object, const char *key);
double member_real(const json_t *object, const char *key);

/* A text from outside, made valid UTF-8. NULL without memory, which json_to_text() then knows. */
json_t *text_json(const char *text);

/* "28x28" of {"shape": [28, 28]}. */
const char *format_shape(const json_t *shape, char *buffer, size_t capacity);

void fact_print(const struct screen *screen, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Every member of the object, nested ones as key.key. */
void facts_print(const struct screen *screen, const json_t *object, const char *prefix);

/* The words, comma between them, in lines as wide as the screen. */
void words_print(const struct screen *screen, const json_t *words);

#endif
