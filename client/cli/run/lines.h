/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of a text file, a pipe or standard input, one after the other as they come.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum { LINE_MAX_BYTES = 1 << 20 };

struct lines {
    FILE *file;
    char *text; /* of the current line, without its end; a zero follows it */
    size_t length;
    uint64_t number;   /* from 1 */
    const char *wrong; /* why the current line is no sentence; NULL: it may be one */
};

/* "-" is standard input. On failure nothing needs closing. */
int lines_open(struct lines *lines, const char *path, struct reason *why);

/* Goes to the next line that has a character in it. 0; -ENODATA at the end; -errno. */
int lines_next(struct lines *lines);

void lines_close(struct lines *lines);

#endif
