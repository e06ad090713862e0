/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts as YAML: what is printed here, any reader of YAML reads back as the same text, and as nothing else.
 */
#ifndef BASE_YAML_TEXT_H
#define BASE_YAML_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Whether it may stand without quotes: to YAML 1.1 and 1.2 alike it is a text then, not a number, a truth or nothing.
 */
bool text_is_plain(const char *text);

/* In double quotes. The text is UTF-8 without control characters, as tree_parse() gives it. */
void text_print_quoted(const char *text, FILE *out);
/* In quotes where it needs them. */
void text_print(const char *text, FILE *out);

#endif
