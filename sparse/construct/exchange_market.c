/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix Market coordinate files, as the format's definition has them: words and numbers stand between any number of
 * blanks and tabs, empty lines and comments stand anywhere, letters are of any case. A symmetric matrix holds one of
 * each pair of entries; the other is added here.
 */
#include <inttypes.h>

#include "base/size.h"
#include "sparse/construct/exchange_reader.h"

enum field { FIELD_REAL, FIELD_INTEGER, FIELD_PATTERN };
enum symmetry { GENERAL, SYMMETRIC, SKEW };

struct market {
    enum field field;
    enum symmetry symmetry;
    uint64_t announced;
};

/* A word that may stand at a place of the banner; not read when `refused` says why. */
struct word {
    const char *word, *refused;
    int value;
};

static const struct word formats[] = {
    { "coordinate", NULL, 0 },
    { "array", "a dense matrix; write it as a sparse one (coordinate)", 0 },
    { NULL, "\"coordinate\" is expected", 0 },
};
static const struct word fields[] = {
    { "real", NULL, FIELD_REAL },
    { "double", NULL, FIELD_REAL },
    { "integer", NULL, FIELD_INTEGER },
    { "unsigned-integer", NULL, FIELD_INTEGER },
    { "pattern", NULL, FIELD_PATTERN },
    { "complex", "a matrix of complex numbers, which no weights are", 0 },
    { NULL, "\"real\", \"integer\" or \"pattern\" is expected", 0 },
};
static const struct word symmetries[] = {
    { "general", NULL, GENERAL },
    { "symmetric", NULL, SYMMETRIC },
    { "skew-symmetric", NULL, SKEW },
    { "hermitian", "a matrix of complex numbers, which no weights are", 0 },
    { NULL, "\"general\", \"symmetric\" or \"skew-symmetric\" is expected", 0 },
};

/* The next word of a line, which is moved behind it; empty at its end. */
static struct span take_word(struct span *line)
{
    struct span word;

    *line = span_trim(*line);
    word = (struct span){ line->at, line->at };
    while (word.end < line->end && *word.end != ' ' && *word.end != '\t' && *word.end != '\r')
        word.end++;
    line->at = word.end;
    return word;
}

static int read_word(const struct exchange_reader *reader, struct span *line, const struct word *known, int *out,
                     struct reason *why)
{
    struct span word = take_word(line);
    char shown[SPAN_SHOWN];

    while (known->word && !span_is(word, known->word))
        known++;
    *out = known->value;
    if (known->refused)
        return refuse(why, WISP_E_FORMAT, "%s:%u: \"%s\": %s", reader->name, reader->line, span_shown(word, shown),
                      known->refused);
    return 0;
}

static int read_banner(struct exchange_reader *reader, struct market *market, struct reason *why)
{
    struct span line;
    int ignored, field = 0, symmetry = 0, result;
    char shown[SPAN_SHOWN];

    if (!reader_line(reader, &line) || !span_is(take_word(&line), "%%MatrixMarket") ||
        !span_is(take_word(&line), "matrix"))
        return refuse(why, WISP_E_FORMAT, "%s:1: \"%%%%MatrixMarket matrix coordinate real general\" is expected",
                      reader->name);
    result = read_word(reader, &line, formats, &ignored, why);
    if (!result)
        result = read_word(reader, &line, fields, &field, why);
    if (!result)
        result = read_word(reader, &line, symmetries, &symmetry, why);
    if (result)
        return result;
    *market = (struct market){ (enum field)field, (enum symmetry)symmetry, 0 };
    if (span_trim(line).at != line.end)
        return refuse(why, WISP_E_FORMAT, "%s:%u: unexpected \"%s\" at the end", reader->name, reader->line,
                      span_shown(span_trim(line), shown));
    if (market->field == FIELD_PATTERN && market->symmetry == SKEW)
        return refuse(why, WISP_E_FORMAT, "%s:%u: a skew-symmetric pattern is no matrix", reader->name, reader->line);
    return 0;
}

/* The next line that is neither empty nor a comment. */
static bool next_line(struct exchange_reader *reader, struct span *line)
{
    while (reader_line(reader, line)) {
        if (line->at < line->end && *line->at != '%')
            return true;
    }
    return false;
}

static int read_dimensions(struct exchange_reader *reader, struct market *market, struct reason *why)
{
    uint64_t rows, columns;
    struct span line;

    if (!next_line(reader, &line))
        return refuse(why, WISP_E_FORMAT, "%s: ends before its dimensions", reader->name);
    if (!span_whole(take_word(&line), &rows) || !span_whole(take_word(&line), &columns) ||
        !span_whole(take_word(&line), &market->announced) || span_trim(line).at != line.end)
        return refuse(why, WISP_E_FORMAT, "%s:%u: \"rows columns count\" is expected", reader->name, reader->line);
    if (rows != reader->rows || columns != reader->columns)
        return refuse(why, WISP_E_FORMAT,
                      "%s:%u: a matrix of %" PRIu64 " x %" PRIu64 ", but the layer has %u outputs "
                      "and %u inputs%s",
                      reader->name, reader->line, rows, columns, reader->rows, reader->columns,
                      rows == reader->columns && columns == reader->rows ? "; rows are outputs: transpose it" : "");
    if (market->symmetry != GENERAL && rows != columns)
        return refuse(why, WISP_E_FORMAT, "%s:%u: a symmetric matrix is square", reader->name, reader->line);
    return 0;
}

static bool is_whole(struct span word)
{
    uint64_t ignored;

    word.at += word.at < word.end && (*word.at == '-' || *word.at == '+');
    return span_whole(word, &ignored);
}

static int read_entry(struct exchange_reader *reader, struct span line, const struct market *market, struct reason *why)
{
    struct span first = take_word(&line), second = take_word(&line), third = { line.at, line.at };
    char shown[SPAN_SHOWN];
    uint64_t row, column;
    float value = 0;
    int result = 0;

    if (!span_whole(first, &row) || !span_whole(second, &column))
        return refuse(why, WISP_E_FORMAT, "%s:%u: two whole numbers are expected: row and column", reader->name,
                      reader->line);
    if (market->field != FIELD_PATTERN) {
        third = take_word(&line);
        if (market->field == FIELD_INTEGER && !is_whole(third))
            return refuse(why, WISP_E_FORMAT, "%s:%u: \"%s\" is no weight; the file says that they are integers",
                          reader->name, reader->line, span_shown(third, shown));
        result = reader_weight(reader, third, &value, why);
    }
    line = span_trim(line);
    if (!result && line.at != line.end)
        return refuse(why, WISP_E_FORMAT, "%s:%u: unexpected \"%s\"", reader->name, reader->line,
                      span_shown(line, shown));
    if (!result && market->symmetry == SKEW && row == column)
        return refuse(why, WISP_E_FORMAT, "%s:%u: a skew-symmetric matrix has no diagonal", reader->name, reader->line);
    if (!result)
        result = reader_add(reader, row, column, value, why);
    if (!result && market->symmetry != GENERAL && row != column)
        result = reader_add(reader, column, row, market->symmetry == SKEW ? -value : value, why);
    return result;
}

int exchange_read_market(struct exchange_reader *reader, struct reason *why)
{
    struct market market;
    struct span line;
    uint64_t entries = 0;
    int result = read_banner(reader, &market, why);

    reader->base = 1;
    if (!result)
        result = read_dimensions(reader, &market, why);
    for (; !result && next_line(reader, &line); entries++)
        result = read_entry(reader, line, &market, why);
    if (!result && entries != market.announced)
        return refuse(why, WISP_E_FORMAT, "%s: %" PRIu64 " entries are announced, %" PRIu64 " are there", reader->name,
                      market.announced, entries);
    reader->info.weighted = !result && market.field != FIELD_PATTERN;
    return result;
}
