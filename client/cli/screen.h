/* SPDX-License-Identifier: Apache-2.0
 *
 * What the output can show: a terminal or not, colour, UTF-8, its width. And text from outside on it: a label, a name
 * or a message never reaches a terminal with its control characters.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct screen {
    FILE *file;
    bool terminal;
    bool utf8;        /* the locale's characters; needs setlocale(LC_CTYPE, "") before */
    bool colour;      /* a terminal, and neither NO_COLOR nor TERM=dumb */
    unsigned columns; /* 80 when unknown */
};

void screen_init(struct screen *screen, FILE *file);

enum style { STYLE_PLAIN, STYLE_STRONG, STYLE_FAINT, STYLE_BAR };

/* Writes the text in a style, control characters and invalid UTF-8 replaced; and then blanks up to `width` columns.
 * screen_right() puts the blanks before it. */
void screen_text(const struct screen *screen, enum style style, const char *text, size_t width);
void screen_right(const struct screen *screen, enum style style, const char *text, size_t width);

/* A bar of `fraction` of `width` columns; eighths of a column where the terminal has them, nothing when it is none. */
void screen_bar(const struct screen *screen, double fraction, unsigned width);

/* Columns that a text takes. */
size_t text_columns(const char *text);

/* A copy of `text` that is valid UTF-8, for JSON; NULL without memory. */
char *text_to_utf8(const char *text);

/* "139,700"; "1.2 MB"; "0.41" or "0.004" (milliseconds). The buffer is at least 32 bytes; returned. */
const char *format_count(unsigned long long count, char *buffer);
const char *format_bytes(unsigned long long bytes, char *buffer);
const char *format_ms(unsigned long long ns, char *buffer);

#endif
