/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of text in columns as wide as their widest cell. Cells are copied.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/screen.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
    const char *title;
    bool right; /* numbers */
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    char **cells; /* row after row */
    size_t cell_count, capacity;
    bool failed; /* out of memory: table_print() says so */
};

#define TABLE_INIT(columns_)                                                                                           \
    {                                                                                                                  \
        .columns = (columns_), .column_count = sizeof(columns_) / sizeof *(columns_)                                   \
    }

/* Appends the next cell, row by row. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the titles and the rows, each line begun with `indent` blanks; false without memory. */
bool table_print(const struct table *table, const struct screen *screen, size_t indent);

void table_deinit(struct table *table);

#endif
