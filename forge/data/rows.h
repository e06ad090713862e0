/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a table and their fields, unquoted in place. TSV has no quoting; CSV (RFC 4180) quotes a field with "…",
 * doubled inside, and a quoted field may hold line ends. Lines end with LF, CR LF, or, in a file without any LF, CR.
 * Every row has as many fields as the first; empty lines are none.
 */
#ifndef FORGE_DATA_ROWS_H
#define FORGE_DATA_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { ROWS_COLUMNS_MAX = 4096 };

struct field {
    char *bytes;
    size_t length;
};

struct rows {
    const char *path; /* for reasons */
    char *at, *end;
    char separator;
    bool quotes;
    uint32_t line; /* of `at` */
    struct field *fields;
    size_t count, capacity; /* of the row at hand; 0 before the first */
    uint32_t row_line;      /* in which it began */
    bool ragged;            /* it has another number of fields: refused, but what follows can be read */
};

/* `data` is changed, and must outlive the rows. WISP_E_FORMAT for a byte that no text has. */
int rows_init(struct rows *rows, const char *path, bool quotes, char *data, size_t size, struct reason *why);
void rows_deinit(struct rows *rows);

/* The next row, and *more; or the end, and not. WISP_E_FORMAT with file and line, -ENOMEM. */
int rows_next(struct rows *rows, bool *more, struct reason *why);

#endif
