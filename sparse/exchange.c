/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sparse/exchange.h"

static const char market_head[] = "%%MatrixMarket matrix coordinate ";

bool exchange_form_of(const char *path, enum exchange_form *out)
{
    const char *dot = strrchr(path, '.');

    if (!dot || (strcmp(dot, ".csv") != 0 && strcmp(dot, ".mtx") != 0))
        return false;
    *out = dot[1] == 'c' ? EXCHANGE_EDGES : EXCHANGE_MARKET;
    return true;
}

int exchange_write(const struct csr *matrix, enum exchange_form form, FILE *out)
{
    bool edges = form == EXCHANGE_EDGES;

    if (edges)
        fprintf(out, "output,input,weight\n");
    else
        fprintf(out, "%sreal general\n%u %u %" PRIu64 "\n", market_head, matrix->rows, matrix->columns, matrix->count);
    for (uint32_t r = 0; r < matrix->rows && !ferror(out); r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++)
            fprintf(out, edges ? "%u,%u,%.9g\n" : "%u %u %.9g\n", r + !edges, csr_column(matrix, k) + !edges,
                    (double)matrix->values[k]);
    }
    return ferror(out) ? -EIO : 0;
}

/* ---- reading ---- */

struct triplet {
    uint32_t row, column;
    float value;
    uint32_t line;
};

struct reader {
    const char *name, *at, *end;
    char separator;
    uint32_t line;
    uint32_t rows, columns;
    uint32_t base; /* what the first number is called */
    bool pattern;  /* no weights: all 0 */
    struct triplet *list;
    uint64_t count, capacity;
};

/* The next line without its end; false at the end of the text. */
static bool next_line(struct reader *reader, const char **line, size_t *length)
{
    const char *stop;

    if (reader->at == reader->end)
        return false;
    stop = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    *line = reader->at;
    *length = (size_t)((stop ? stop : reader->end) - reader->at);
    reader->at = stop ? stop + 1 : reader->end;
    if (*length && (*line)[*length - 1] == '\r')
        --*length;
    reader->line++;
    return true;
}

/* A whole number at *text, which moves behind it; false when there is none or it does not fit. */
static bool take_number(const char **text, const char *end, uint64_t *out)
{
    const char *start = *text;

    *out = 0;
    while (*text < end && **text >= '0' && **text <= '9') {
        if (*text - start > 17)
            return false;
        *out = *out * 10 + (uint64_t)(*(*text)++ - '0');
    }
    return *text > start;
}

static bool take_separator(const char **text, const char *end, char separator)
{
    if (*text == end || **text != separator)
        return false;
    while (*text < end && **text == separator)
        ++*text;
    return true;
}

static bool take_weight(const char **text, const char *end, float *out)
{
    char buffer[64], *stop;
    size_t length = MIN((size_t)(end - *text), sizeof buffer - 1);

    memcpy(buffer, *text, length);
    buffer[length] = 0;
    *out = strtof(buffer, &stop);
    *text += stop - buffer;
    return stop != buffer && isfinite(*out);
}

static int take_triplet(struct reader *reader, const char *line, size_t length, struct reason *why)
{
    const char *at = line, *end = line + length;
    uint64_t row, column;
    float value = 0;

    if (!take_number(&at, end, &row) || !take_separator(&at, end, reader->separator) || !take_number(&at, end, &column))
        return refuse(why, WISP_E_FORMAT, "%s:%u: two numbers are expected: output%cinput", reader->name, reader->line,
                      reader->separator);
    if (!reader->pattern && (!take_separator(&at, end, reader->separator) || !take_weight(&at, end, &value)))
        return refuse(why, WISP_E_FORMAT, "%s:%u: a finite weight is expected as the third number", reader->name,
                      reader->line);
    if (at != end)
        return refuse(why, WISP_E_FORMAT, "%s:%u: unexpected \"%.*s\"", reader->name, reader->line,
                      (int)MIN(end - at, 20), at);
    if (row < reader->base || row - reader->base >= reader->rows || column < reader->base ||
        column - reader->base >= reader->columns)
        return refuse(why, WISP_E_FORMAT,
                      "%s:%u: connection %" PRIu64 ", %" PRIu64 " is outside a layer of %u outputs and %u inputs "
                      "(numbered from %u)",
                      reader->name, reader->line, row, column, reader->rows, reader->columns, reader->base);
    if (reader->count == reader->capacity) {
        uint64_t capacity = MAX(1024, reader->capacity * 2);
        struct triplet *larger = realloc(reader->list, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(why, -ENOMEM, "%s", reader->name);
        reader->list = larger;
        reader->capacity = capacity;
    }
    reader->list[reader->count++] =
        (struct triplet){ (uint32_t)(row - reader->base), (uint32_t)(column - reader->base), value, reader->line };
    return 0;
}

/* "%%MatrixMarket matrix coordinate real general", comments, "rows columns count". */
static int read_market_head(struct reader *reader, uint64_t *count, struct reason *why)
{
    size_t length, head = sizeof market_head - 1;
    const char *line, *at, *end;
    uint64_t rows, columns;

    if (!next_line(reader, &line, &length) || length < head || strncasecmp(line, market_head, head) != 0)
        return refuse(why, WISP_E_FORMAT, "%s:1: \"%sreal general\" is expected", reader->name, market_head);
    reader->pattern = length >= head + 7 && !strncasecmp(line + head, "pattern", 7);
    if (length < 7 || strncasecmp(line + length - 7, "general", 7) != 0)
        return refuse(why, WISP_E_FORMAT, "%s:1: only \"general\" matrices are read", reader->name);
    do {
        if (!next_line(reader, &line, &length))
            return refuse(why, WISP_E_FORMAT, "%s: ends before its dimensions", reader->name);
    } while (!length || *line == '%');
    at = line;
    end = line + length;
    if (!take_number(&at, end, &rows) || !take_separator(&at, end, ' ') || !take_number(&at, end, &columns) ||
        !take_separator(&at, end, ' ') || !take_number(&at, end, count) || at != end)
        return refuse(why, WISP_E_FORMAT, "%s:%u: \"rows columns count\" is expected", reader->name, reader->line);
    if (rows != reader->rows || columns != reader->columns)
        return refuse(why, WISP_E_FORMAT,
                      "%s:%u: a matrix of %" PRIu64 " x %" PRIu64 ", but the layer has %u outputs "
                      "and %u inputs",
                      reader->name, reader->line, rows, columns, reader->rows, reader->columns);
    return 0;
}

static int compare_triplets(const void *left, const void *right)
{
    const struct triplet *a = left, *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int build(struct reader *reader, struct csr *out, struct reason *why)
{
    struct csr made;
    int result;

    if (reader->count)
        qsort(reader->list, reader->count, sizeof *reader->list, compare_triplets);
    for (uint64_t i = 1; i < reader->count; i++) {
        const struct triplet *a = &reader->list[i - 1], *b = &reader->list[i];

        if (a->row == b->row && a->column == b->column)
            return refuse(why, WISP_E_FORMAT, "%s:%u: connection %u, %u is there already, in line %u", reader->name,
                          b->line, b->row + reader->base, b->column + reader->base, a->line);
    }
    if ((result = csr_alloc(&made, reader->rows, reader->columns, reader->count)))
        return refuse_errno(why, result, "%s", reader->name);
    for (uint64_t i = 0; i < reader->count; i++) {
        made.starts[reader->list[i].row + 1]++;
        made.values[i] = reader->list[i].value;
        if (csr_is_narrow(&made))
            made.index.narrow[i] = (uint16_t)reader->list[i].column;
        else
            made.index.wide[i] = reader->list[i].column;
    }
    for (uint32_t r = 0; r < made.rows; r++)
        made.starts[r + 1] += made.starts[r];
    *out = made;
    return 0;
}

/* Whether a head line names weights. */
static bool has_third_field(const char *line, size_t length)
{
    const char *second = memchr(line, ',', length);

    return !second || memchr(second + 1, ',', length - (size_t)(second + 1 - line));
}

static int read_all(struct reader *reader, enum exchange_form form, struct csr *out, struct reason *why)
{
    uint64_t announced = 0;
    const char *line;
    size_t length;
    int result = form == EXCHANGE_MARKET ? read_market_head(reader, &announced, why) : 0;

    while (!result && next_line(reader, &line, &length)) {
        bool head =
            form == EXCHANGE_EDGES && reader->line == 1 && length && (isalpha((unsigned char)*line) || *line == '"');

        if (head)
            reader->pattern = !has_third_field(line, length);
        if (length && !head && *line != '%')
            result = take_triplet(reader, line, length, why);
    }
    if (result)
        return result;
    if (form == EXCHANGE_MARKET && announced != reader->count)
        return refuse(why, WISP_E_FORMAT, "%s: %" PRIu64 " entries are announced, %" PRIu64 " are there", reader->name,
                      announced, reader->count);
    return build(reader, out, why);
}

int exchange_read(const char *name, const char *text, size_t length, enum exchange_form form, uint32_t rows,
                  uint32_t columns, struct csr *out, bool *weighted, struct reason *why)
{
    struct reader reader = { .name = name,
                             .at = text,
                             .end = text + length,
                             .separator = form == EXCHANGE_EDGES ? ',' : ' ',
                             .rows = rows,
                             .columns = columns,
                             .base = form == EXCHANGE_MARKET };
    int result = read_all(&reader, form, out, why);

    free(reader.list);
    if (weighted)
        *weighted = !reader.pattern;
    return result;
}
