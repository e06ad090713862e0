/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as people write them in a configuration, both ways. Strict: whole decimal numbers without sign or leading
 * zero, and a unit wherever the number alone would leave it open.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_TEXT_MAX = 32 };

/* Whether `text` is of the form; false too when it does not fit in 64 bits. */
bool value_parse_count(const char *text, uint64_t *out);    /* 256 */
bool value_parse_size(const char *text, uint64_t *out);     /* 512B, 64KiB, 4MiB, 1GiB */
bool value_parse_duration(const char *text, uint64_t *out); /* 100ns, 50us, 2ms, 1s: nanoseconds; 0 needs no unit */
bool value_parse_mode(const char *text, uint64_t *out);     /* 666, 0666: octal, at most 0777 */
bool value_parse_percent(const char *text, uint64_t *out);  /* 50% */
bool value_parse_switch(const char *text, uint64_t *out);   /* true, false */

/* What the parser above reads back to the same value. */
void value_format_count(uint64_t value, char out[VALUE_TEXT_MAX]);
void value_format_size(uint64_t value, char out[VALUE_TEXT_MAX]);
void value_format_duration(uint64_t value, char out[VALUE_TEXT_MAX]);
void value_format_mode(uint64_t value, char out[VALUE_TEXT_MAX]);
void value_format_percent(uint64_t value, char out[VALUE_TEXT_MAX]);
void value_format_switch(uint64_t value, char out[VALUE_TEXT_MAX]);

#endif
