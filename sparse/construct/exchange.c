/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sparse/construct/exchange_reader.h"

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
        fprintf(out, "%%%%MatrixMarket matrix coordinate real general\n%u %u %" PRIu64 "\n", matrix->rows,
                matrix->columns, matrix->count);
    for (uint32_t r = 0; r < matrix->rows && !ferror(out); r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++)
            fprintf(out, edges ? "%u,%u,%.9g\n" : "%u %u %.9g\n", r + !edges, csr_column(matrix, k) + !edges,
                    (double)matrix->values[k]);
    }
    return ferror(out) ? -EIO : 0;
}

/* ---- reading ---- */

static int compare_triplets(const void *left, const void *right)
{
    const struct triplet *a = left, *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int build(struct exchange_reader *reader, struct csr *out, struct reason *why)
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
        csr_set_column(&made, i, reader->list[i].column);
    }
    for (uint32_t r = 0; r < made.rows; r++)
        made.starts[r + 1] += made.starts[r];
    *out = made;
    return 0;
}

int exchange_read(const char *name, const char *text, size_t length, enum exchange_form form, uint32_t rows,
                  uint32_t columns, struct csr *out, struct exchange_info *info, struct reason *why)
{
    struct exchange_reader reader = { .name = name, .rest = { text, text + length }, .rows = rows, .columns = columns };
    int result = form == EXCHANGE_MARKET ? exchange_read_market(&reader, why) : exchange_read_edges(&reader, why);

    if (!result)
        result = build(&reader, out, why);
    free(reader.list);
    if (info)
        *info = reader.info;
    return result;
}
