/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/data/rows.h"

static uint32_t line_of(const char *data, const char *at)
{
    uint32_t line = 1;

    for (; data < at; data++)
        line += *data == '\n';
    return line;
}

int rows_init(struct rows *rows, const char *path, bool quotes, char *data, size_t size, struct reason *why)
{
    const char *zero = memchr(data, 0, size);

    *rows = (struct rows){
        .path = path, .at = data, .end = data + size, .separator = quotes ? ',' : '\t', .quotes = quotes, .line = 1
    };
    if (size && !memchr(data, '\n', size)) {
        for (size_t i = 0; i < size; i++)
            data[i] = data[i] == '\r' ? '\n' : data[i];
    }
    if (zero)
        return refuse(why, WISP_E_FORMAT,
                      "%s:%u: a zero byte: this is no text, or UTF-16 without its mark at the beginning", path,
                      line_of(data, zero));
    return 0;
}

void rows_deinit(struct rows *rows)
{
    free(rows->fields);
    *rows = (struct rows){ .at = NULL };
}

/* A quoted field: "" stands for ", and everything else for itself. 1 when it is not closed. */
static int take_quoted(struct rows *rows, struct field *out)
{
    char *to = ++rows->at;

    out->bytes = to;
    for (;; rows->at++) {
        if (rows->at == rows->end)
            return 1;
        if (*rows->at == '"') {
            if (rows->at + 1 == rows->end || rows->at[1] != '"')
                break;
            rows->at++;
        }
        rows->line += *rows->at == '\n';
        *to++ = *rows->at;
    }
    rows->at++;
    out->length = (size_t)(to - out->bytes);
    return 0;
}

static void take_plain(struct rows *rows, struct field *out)
{
    out->bytes = rows->at;
    while (rows->at < rows->end && *rows->at != rows->separator && *rows->at != '\n')
        rows->at++;
    out->length = (size_t)(rows->at - out->bytes);
    if (out->length && out->bytes[out->length - 1] == '\r' && (rows->at == rows->end || *rows->at == '\n'))
        out->length--;
}

/* Whether blanks stand before a quote: then the quote quotes nothing, which nobody means. */
static bool has_late_quote(const struct field *field)
{
    size_t at = 0;

    while (at < field->length && field->bytes[at] == ' ')
        at++;
    return at && at < field->length && field->bytes[at] == '"';
}

/* NULL, or what is wrong. */
static const char *take_field(struct rows *rows, struct field *out, bool *last)
{
    if (rows->quotes && rows->at < rows->end && *rows->at == '"') {
        if (take_quoted(rows, out))
            return "a quoted field is not closed";
        if (rows->at < rows->end && *rows->at == '\r')
            rows->at++;
        if (rows->at < rows->end && *rows->at != rows->separator && *rows->at != '\n')
            return "text after the closing quote of a field";
    } else {
        take_plain(rows, out);
        if (rows->quotes && has_late_quote(out))
            return "a space before a quote, which then quotes nothing; take the space away";
    }
    *last = rows->at == rows->end || *rows->at == '\n';
    if (rows->at < rows->end)
        rows->at++;
    return NULL;
}

static int add_field(struct rows *rows, size_t count, struct field field, struct reason *why)
{
    if (count == ROWS_COLUMNS_MAX)
        return refuse(why, WISP_E_FORMAT, "%s:%u: more than %d columns", rows->path, rows->row_line, ROWS_COLUMNS_MAX);
    if (count == rows->capacity) {
        size_t capacity = MAX((size_t)8, rows->capacity * 2);
        struct field *larger = realloc(rows->fields, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(why, -ENOMEM, "%s", rows->path);
        rows->fields = larger;
        rows->capacity = capacity;
    }
    rows->fields[count] = field;
    return 0;
}

static int take_row(struct rows *rows, size_t *count, struct reason *why)
{
    bool last = false;

    rows->row_line = rows->line;
    for (*count = 0; !last; ++*count) {
        struct field field = { NULL, 0 };
        const char *wrong = take_field(rows, &field, &last);
        int result;

        if (wrong)
            return refuse(why, WISP_E_FORMAT, "%s:%u: %s", rows->path, rows->row_line, wrong);
        if ((result = add_field(rows, *count, field, why)))
            return result;
    }
    rows->line++;
    return 0;
}

static int check_count(struct rows *rows, size_t count, struct reason *why)
{
    rows->ragged = rows->count && rows->count != count;
    if (!rows->ragged)
        return 0;
    return refuse(why, WISP_E_FORMAT, "%s:%u: %zu column%s, but the rows before have %zu%s", rows->path, rows->row_line,
                  count, count == 1 ? "" : "s", rows->count,
                  count < rows->count ? ""
                  : rows->quotes      ? "; a text with a comma in it must stand in quotes"
                                      : "; is there a tab in the text?");
}

int rows_next(struct rows *rows, bool *more, struct reason *why)
{
    *more = rows->ragged = false;
    while (rows->at < rows->end) {
        size_t count;
        int result = take_row(rows, &count, why);

        if (result)
            return result;
        if (count == 1 && !rows->fields[0].length)
            continue; /* an empty line */
        if ((result = check_count(rows, count, why)))
            return result;
        rows->count = count;
        *more = true;
        return 0;
    }
    return 0;
}
