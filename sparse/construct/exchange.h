/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection matrices as other programs read and write them.
 *
 *   edge list      CSV: a head line whose names say which field is what, then one connection a line, numbered from 0:
 *                  output, target, to, row; input, source, from, col, column; weight, value (may be missing).
 *                  Without a head: output,input,weight
 *   Matrix Market  "%%MatrixMarket matrix coordinate" real, integer or pattern, general, symmetric or skew-symmetric;
 *                  numbered from 1; a row for each output
 */
#ifndef SPARSE_CONSTRUCT_EXCHANGE_H
#define SPARSE_CONSTRUCT_EXCHANGE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "sparse/tensor/csr.h"

enum exchange_form { EXCHANGE_EDGES, EXCHANGE_MARKET };

/* By the file's ending: .csv, .mtx. False for any other. */
bool exchange_form_of(const char *path, enum exchange_form *out);

/* 0, or -EIO when `out` has failed. Weights with nine digits, which read back to the same bits. */
int exchange_write(const struct csr *matrix, enum exchange_form form, FILE *out);

/* What there is to say of a file that was read. */
struct exchange_info {
    bool weighted;          /* it has weights; without, values are zero */
    bool headless;          /* an edge list without a head */
    uint64_t vanished;      /* weights that are too small for a float, and were read as 0 */
    uint32_t vanished_line; /* of the first of them */
};

/* Checks and reads a private copy of the text. Connections may come in any order; twins, numbers out of range, empty
 * fields and what is not a number are refused with their line. An edge list says no dimensions: `rows` and `columns`
 * do; a matrix of another size is refused. `info` may be NULL. WISP_E_FORMAT; -ENOMEM. */
int exchange_read(const char *name, const char *text, size_t length, enum exchange_form form, uint32_t rows,
                  uint32_t columns, struct csr *out, struct exchange_info *info, struct reason *why);

#endif
