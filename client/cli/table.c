/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/table.h"

enum { GAP = 2 };

void table_add(struct table *table, const char *format, ...)
{
    va_list arguments;
    char *cell = NULL;

    insist(table->column_count > 0 && table->column_count <= TABLE_COLUMNS_MAX, "%zu", table->column_count);
    insist(table->cell_count <= table->capacity && !table->cells == !table->capacity, "%zu", table->cell_count);
    if (table->cell_count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 64;
        char **grown = reallocarray(table->cells, capacity, sizeof *grown);

        if (!grown) {
            table->failed = true;
            return;
        }
        table->cells = grown;
        table->capacity = capacity;
    }
    va_start(arguments, format);
    if (vasprintf(&cell, format, arguments) < 0)
        table->failed = true;
    else
        table->cells[table->cell_count++] = cell;
    va_end(arguments);
}

static void print_row(const struct table *table, const struct screen *screen, enum style style, const size_t *widths,
                      char *const *cells, size_t indent)
{
    fprintf(screen->file, "%*s", (int)indent, "");
    for (size_t i = 0; i < table->column_count; i++) {
        const char *text = cells ? cells[i] : table->columns[i].title;
        bool last = i + 1 == table->column_count;

        if (table->columns[i].right)
            screen_right(screen, style, text, widths[i]);
        else
            screen_text(screen, style, text, last ? 0 : widths[i]);
        fprintf(screen->file, "%*s", last ? 0 : GAP, "");
    }
    fputc('\n', screen->file);
}

bool table_print(const struct table *table, const struct screen *screen, size_t indent)
{
    size_t widths[TABLE_COLUMNS_MAX];

    insist(table->column_count > 0 && table->column_count <= TABLE_COLUMNS_MAX, "%zu", table->column_count);
    if (table->failed)
        return false;
    insist(table->cell_count % table->column_count == 0, "%zu cells in rows of %zu", table->cell_count,
           table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = text_columns(table->columns[i].title);
    for (size_t i = 0; i < table->cell_count; i++)
        widths[i % table->column_count] = MAX(widths[i % table->column_count], text_columns(table->cells[i]));
    print_row(table, screen, STYLE_FAINT, widths, NULL, indent);
    for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
        print_row(table, screen, STYLE_PLAIN, widths, table->cells + i, indent);
    return true;
}

void table_deinit(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
}
